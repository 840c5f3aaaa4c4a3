"""What the tests of the Python package share."""
import sys

try:
    import numpy as np
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

DTYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"]


def counts(shape, dtype="u2", rate=3.0, seed=1):
    return np.random.default_rng(seed).poisson(rate, shape).astype(dtype)


def noise(shape, dtype="f4", seed=2):
    """A rough field with NaN, infinities and -0 in it."""
    rng = np.random.default_rng(seed)
    field = np.cumsum(rng.normal(size=shape), axis=-1).astype(dtype)
    flat = field.reshape(-1)
    flat[:4] = np.nan, np.inf, -np.inf, -0.0
    return field


def wide(array):
    """As something that differences do not overflow in."""
    return array.astype(object) if array.dtype.itemsize == 8 and array.dtype.kind != "f" \
        else array.astype("f8")


def tolerance(bound, x, whole):
    """What the bound allows an element, in long double."""
    kind, _, rest = bound.partition(":")
    values = rest.split(",")
    numbers = dict(v.split("=") for v in values[1:])
    x = np.asarray(x, "g")
    if kind == "lossless":
        return np.zeros_like(x)
    value = np.longdouble(values[0])
    if kind == "abs":
        return np.full_like(x, value)
    if kind == "rel":
        usual = whole[np.isfinite(whole)]
        span = np.longdouble(usual.max()) - np.longdouble(usual.min())
        if "range" in numbers:
            low, high = numbers["range"].split("..")
            span = np.longdouble(high) - np.longdouble(low)
        return np.full_like(x, value * span)
    if kind == "pwrel":
        return value * np.abs(x)
    gain, noise_ = (np.longdouble(numbers.get(k, d)) for k, d in (("gain", 1), ("noise", 0)))
    return value * np.sqrt(gain * np.maximum(x, 0) + noise_ * noise_)


def assert_within(original, back, bound, slack=1e-15):
    assert back.shape == original.shape
    special = ~np.isfinite(original.astype("g")) if original.dtype.kind == "f" \
        else np.zeros(original.shape, bool)
    assert back[special].tobytes() == original[special].tobytes()
    a, b = original[~special].astype("g"), back[~special].astype("g")
    allowed = tolerance(bound, a, original)
    assert (np.abs(a - b) <= allowed * (1 + slack)).all(), (original.dtype, bound)
