"""etalon verify --statistics against numpy and scipy: SSIM, autocorrelation and spectrum of errors, on several ranks and types."""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import scipy.signal
    from scipy.ndimage import uniform_filter
except ImportError as missing:
    print(missing)
    sys.exit(77)

ETALON = os.environ["ETALON"]
FOLDER = tempfile.TemporaryDirectory(prefix="etalon_statistics_")
os.chdir(FOLDER.name)
rng = np.random.default_rng(11)


def etalon(*arguments, code=0, says=""):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code and says in done.stderr, (arguments, done.returncode, done.stderr)
    return done.stdout


def verify(a, b, *options, code=0):
    np.save("a.npy", a)
    np.save("b.npy", b)
    return json.loads(etalon("verify", "a.npy", "b.npy", "--json", "--bound", "abs:1e300", *options, code=code))


def ssim(a, b):
    """scikit-image's definition with its defaults, over the last two axes: the mean of all whole windows."""
    size = (1,) * (a.ndim - 2) + tuple(min(7, n) for n in a.shape[-2:])
    n = np.prod(size)
    both = np.isfinite(a) & np.isfinite(b)
    span = np.ptp(a[np.isfinite(a)])
    whole = np.lib.stride_tricks.sliding_window_view
    wa, wb = whole(a, size).reshape(-1, n), whole(b, size).reshape(-1, n)
    good = whole(both, size).reshape(-1, n).all(axis=1)
    wa, wb = wa[good], wb[good]
    ma, mb = wa.mean(axis=1), wb.mean(axis=1)
    va, vb = wa.var(axis=1, ddof=1), wb.var(axis=1, ddof=1)
    c = ((wa - ma[:, None]) * (wb - mb[:, None])).sum(axis=1) / (n - 1)
    c1, c2 = (0.01 * span)**2, (0.03 * span)**2
    values = (2 * ma * mb + c1) * (2 * c + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    return values.mean(), good.sum(), (~good).sum()


def autocorrelation(e, mean, axis, lag):
    if lag >= e.shape[axis]:
        return None
    d = np.moveaxis(e - mean, axis, 0)
    return np.nanmean(d[:-lag] * d[lag:]) / np.nanmean(d * d)


def spectrum(x, e, axis):
    """Welch's density, two-sided, by scipy on segments cut as documented."""
    n = x.shape[axis]
    length = 1 << (min(n, 4096).bit_length() - 1)
    pieces = -(-(n - length) // (length // 2)) + 1
    powers, segments, left_out = np.zeros((2, length // 2 + 1)), 0, 0
    lines_x, lines_e = (np.moveaxis(v, axis, -1).reshape(-1, n) for v in (x, e))
    for p in range(pieces):
        start = (n - length) * p // max(pieces - 1, 1)
        cut = slice(start, start + length)
        good = np.isfinite(lines_e[:, cut]).all(axis=1)
        segments, left_out = segments + good.sum(), left_out + (~good).sum()
        for i, lines in enumerate((lines_x, lines_e)):
            part = lines[good, cut]
            density = scipy.signal.periodogram(part, window="hann", detrend="constant", scaling="density",
                                               return_onesided=False)[1][:, :length // 2 + 1]
            powers[i] += density.sum(axis=0)
    return length, segments, left_out, powers / segments


def shells(length, powers):
    k = np.arange(1, length // 2 + 1)
    number = np.floor(np.log2(k**2.0) + 1e-12).astype(int)
    number[-1] = number[-2]
    for s in np.unique(number):
        own = k[number == s]
        yield own[0] / length, own[-1] / length, powers[0, own].mean(), powers[1, own].mean()


def close(found, wanted, what, zero=0.0):
    assert abs(found - wanted) <= 1e-9 * abs(wanted) + zero, (what, found, wanted)


def check(a, b, what):
    found = verify(a, b)
    found = verify(a, b, "--statistics")
    own = found["statistics"]
    x, y = np.atleast_1d(a).astype("f8"), np.atleast_1d(b).astype("f8")
    with np.errstate(invalid="ignore"):
        e = np.where(np.isfinite(x) & np.isfinite(y), y - x, np.nan)
    mean = np.nanmean(e)
    close(found["mean_error"], mean, what, 1e-15)
    close(found["rms_error"], np.sqrt(np.nanmean(e * e)), what)
    assert own["blocks"] == 1 and own["share"] == 1 and own["block_shape"] == list(x.shape)
    value, windows, left_out = ssim(x if x.ndim > 1 else x[None], y if y.ndim > 1 else y[None])
    close(own["ssim"]["mean"], value, what)
    assert (own["ssim"]["windows"], own["ssim"]["left_out"]) == (windows, left_out), what
    largest = 0
    for axis in range(x.ndim):
        for lag in range(1, 11):
            wanted = autocorrelation(e, mean, axis, lag)
            value = own["autocorrelation"]["lags"][axis][lag - 1]
            if wanted is None:
                assert value is None
                continue
            close(value, wanted, (what, axis, lag), 1e-11)
            largest = max(largest, abs(wanted))
        mine = own["spectrum"][axis]
        if x.shape[axis] < 8:
            assert mine["segment"] == 0 and not mine["shells"]
            continue
        length, segments, left_out, powers = spectrum(x, e, axis)
        assert (mine["segment"], mine["segments"], mine["left_out"]) == (length, segments, left_out), what
        wanted = list(shells(length, powers))
        assert len(mine["shells"]) == len(wanted)
        reached = None
        for shell, (low, high, signal, error) in zip(mine["shells"], wanted):
            close(shell["low"], low, what)
            close(shell["high"], high, what)
            close(shell["signal"], signal, (what, axis, low))
            close(shell["error"], error, (what, axis, low))
            close(shell["ratio"], error / signal, (what, axis, low))
            if reached is None and error >= signal:
                reached = low
        assert mine["reaches_signal_at"] == reached, (what, axis)
    close(abs(own["autocorrelation"]["largest"]["value"]), largest, what, 1e-11)


def smooth(shape, size=5):
    return uniform_filter(rng.standard_normal(shape), size, mode="wrap") * 10 + 3


def field(shape, dtype, kind):
    x = smooth(shape)
    if np.dtype(dtype).kind in "iu":
        x = np.clip(np.round(x * 20 + 300), 0, 60000)
    x = x.astype(dtype)
    e = rng.uniform(-1, 1, shape) if kind == "white" else smooth(shape, 3) - 3
    step = 4 if np.dtype(dtype).kind in "iu" else 0.01
    y = (x.astype("f8") + np.round(e * step) if step == 4 else x + e * step).astype(dtype)
    return x, y


for shape in ((15000,), (9, 5000), (40, 77), (12, 20, 33), (5, 6, 9, 17), (3, 4, 5, 8, 9), (2, 3, 9, 4, 3, 8)):
    for dtype, kind in (("f4", "white"), ("f8", "patterned"), ("u2", "white"), ("i4", "patterned")):
        check(*field(shape, dtype, kind), (shape, dtype, kind))

# NaN and infinities: windows, pairs and lines that hold them are left out, and counted.
x, y = field((6, 40, 50), "f4", "white")
x[2, 3, 4] = y[2, 3, 4] = np.nan
x[5, 30, 0] = y[5, 30, 0] = np.inf
check(x, y, "holes")

# A container, by its own regions; its sample, whose boxes are those of the text.
np.save("x.npy", x)
etalon("compress", "x.npy", "-o", "x.etalon", "--bound", "abs:0.05", "--region", "box:y=0..9,x=0..9@lossless")
etalon("decompress", "x.etalon", "-o", "y.npy")
whole = json.loads(etalon("verify", "x.npy", "x.etalon", "--statistics", "--json"))["statistics"]
assert whole == verify(x, np.load("y.npy"), "--statistics")["statistics"]
some = json.loads(etalon("verify", "x.npy", "x.etalon", "--statistics", "--statistics-sample", 4000, "--json"))["statistics"]
assert some["blocks"] == 8 and some["block_shape"] == [6, 10, 7] and abs(some["share"] - 8 * 420 / 12000) < 1e-9, some
assert some["ssim"]["left_out"] + some["ssim"]["windows"] == 8 * 6 * 4
text = etalon("verify", "x.npy", "x.etalon", "--statistics", "--statistics-sample", 4000)
assert "8 blocks of 6x10x7, 28 % of the elements" in text and "SSIM" in text and "spectrum" in text, text
assert "of the whole array" in etalon("verify", "x.npy", "x.etalon", "--statistics")
etalon("verify", "x.npy", "x.etalon", "--statistics-sample", 4000, code=2)

# Dithered integers are signed and wider.
counts = rng.poisson(3, (4, 60, 70)).astype("u2")
np.save("c.npy", counts)
etalon("compress", "c.npy", "-o", "c.etalon", "--bound", "abs:2", "--dither")
etalon("decompress", "c.etalon", "-o", "d.npy")
dithered = json.loads(etalon("verify", "c.npy", "c.etalon", "--statistics", "--json"))
e = np.load("d.npy").astype("f8") - counts
close(dithered["mean_error"], e.mean(), "dithered")
close(dithered["statistics"]["autocorrelation"]["lags"][2][0], autocorrelation(e, e.mean(), 2, 1), "dithered", 1e-11)

# Nothing to judge.
flat = np.full((30, 30), 2.5, "f4")
found = verify(flat, flat, "--statistics")["statistics"]
assert found["ssim"]["mean"] is None and found["autocorrelation"]["largest"] is None
assert all(s["reaches_signal_at"] is None for s in found["spectrum"])
same = verify(x, x, "--statistics")["statistics"]
close(same["ssim"]["mean"], 1, "exact")
assert same["autocorrelation"]["largest"] is None

# Frames that a run stored: by themselves, in the order of their numbers.
try:
    import h5py
except ImportError:
    sys.exit(0)
os.environ["ETALON_STATE"] = os.path.join(FOLDER.name, "state")
etalon("simulate", "stills", "-n", 16, "--size", "300,300", "--seed", 7, "-o", "sim.h5")
with open("r.toml", "w") as file:
    file.write('[veto]\nmin_peaks = 5\n[reduce]\nbound = "abs:2"\n')
stored = json.loads(etalon("run", "r.toml", "--source", "sim.h5", "--out", "out", "--json"))["output"]
with h5py.File(stored) as other:
    numbers = other["/entry/instrument/detector/sequence_number"][...]
own = json.loads(etalon("verify", "sim.h5", stored, "--statistics", "--json"))["statistics"]
assert own["blocks"] == len(numbers) and own["block_shape"] == [1, 300, 300] and 0 < len(numbers) < 16
assert own["ssim"]["windows"] == len(numbers) * 294 * 294 and own["spectrum"][0]["segment"] == 0
one = json.loads(etalon("verify", "sim.h5", stored, "--statistics", "--statistics-sample", 100000, "--json"))["statistics"]
assert one["blocks"] == 1
