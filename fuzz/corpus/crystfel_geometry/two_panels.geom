; two panels side by side, the second turned by 180 degrees
photon_energy = 9500 eV
clen = 118.5 mm
res = 10000 ; pixels of 100 um
data = /entry/data/data
dim0 = %
rigid_group_q0 = a, b
group_all = q0

a/min_fs = 0
a/max_fs = 9
a/min_ss = 0
a/max_ss = 4
a/corner_x = -11.5
a/corner_y = 2
a/fs = +x
a/ss = +y
b/min_fs = 10
b/max_fs = 19
b/min_ss = 0
b/max_ss = 4
b/corner_x = 12
b/corner_y = -3.25
b/fs = -0.6x + 0.8y
b/ss = -0.8x -.6y+1e-3z
b/coffset = 0.0015

badpixels/panel = a
badpixels/min_fs = 2
badpixels/max_fs = 3
badpixels/min_ss = 1
badpixels/max_ss = 1
badbeam/min_x = -11.5
badbeam/max_x = -10
badbeam/min_y = 2
badbeam/max_y = 2.75
