a/fs = --x+
bad/panel = q
bad/min_fs = 1e308
