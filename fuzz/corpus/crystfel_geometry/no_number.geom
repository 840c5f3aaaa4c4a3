a/min_fs = ten
