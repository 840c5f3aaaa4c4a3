"""The peak finders once more, from their definitions in src/kernels/*/README.md, sharing no code with
them: whole numbers are Python's, exact at any size. Slow; for the cases of formats/finders.

    python3 formats/finders.py formats/finders/NAME.json    prints the peaks
"""
import json
import math
import sys

import numpy as np

BAD = None


def half_even(value):
    return int(np.rint(value))


def mean_and_sigma(values):
    """Mean and standard deviation as (sum, count, sigma)."""
    n, s, q = len(values), sum(values), sum(w * w for w in values)
    return s, n, math.sqrt(float(n * q - s * s)) / n if n else 0.0


class Image:
    """Working values, good pixels and panels of one case."""

    def __init__(self, image, mask, case, exponent):
        self.ny, self.nx = image.shape
        self.unit = 1.0
        if image.dtype.kind == "f":
            self.unit = 2.0 ** max(-100, min(100, exponent))
            with np.errstate(invalid="ignore", over="ignore"):
                scaled = np.rint(image * np.float32(self.unit))
            most = np.float32(2147483520)
            values = [int(min(max(v, -most), most)) if math.isfinite(raw) else BAD
                      for v, raw in zip(scaled.ravel(), image.ravel())]
        else:
            values = [min(max(int(v), -2**31 + 1), 2**31 - 1) for v in image.ravel()]
        p, (cx, cy) = case["parameters"], case["centre"]
        y, x = np.mgrid[:self.ny, :self.nx].astype(np.float64)
        self.radius = np.sqrt((x - cx) ** 2 + (y - cy) ** 2).astype(np.float32).ravel()
        self.panels = case["panels"] or [[0, self.ny, 0, self.nx]]
        self.panel = [-1] * len(values)
        for i, (y0, y1, x0, x1) in enumerate(self.panels):
            for row in range(y0, y1):
                for column in range(x0, x1):
                    self.panel[row * self.nx + column] = i
        least, most = np.float32(p["min_radius"]), np.float32(p["max_radius"])
        self.w = [w if good and panel >= 0 and least <= r <= most else BAD
                  for w, good, panel, r in zip(values, mask.ravel(), self.panel, self.radius)]

    def near(self, pixel, up, down, left, right):
        """Pixels of the same panel from `up` rows above to `down` below, and so on."""
        y, x = divmod(pixel, self.nx)
        y0, y1, x0, x1 = self.panels[self.panel[pixel]]
        return [row * self.nx + column for row in range(max(y - up, y0), min(y + down + 1, y1))
                for column in range(max(x - left, x0), min(x + right + 1, x1))]

    def groups(self, pixels, diagonal):
        """Connected sets, ascending, by panel and first pixel."""
        left, groups = set(pixels), []
        while left:
            group = [left.pop()]
            for pixel in group:
                for other in self.near(pixel, 1, 1, 1, 1):
                    straight = abs(other - pixel) in (1, self.nx)
                    if other in left and (diagonal or straight):
                        left.remove(other)
                        group.append(other)
            groups.append(sorted(group))
        return sorted(groups, key=lambda g: (self.panel[g[0]], g[0]))

    def centre(self, group, weights):
        total = sum(weights)
        return [float(sum(w * divmod(p, self.nx)[axis] for p, w in zip(group, weights))) / float(total)
                for axis in (0, 1)]

    def peak(self, y, x, group, s, n, sigma):
        """The peak over a background of sum s, count n."""
        w = [self.w[p] for p in group]
        total = float(sum(w) * n - s * len(w)) / float(n)
        highest = max(float(max(w) * n - s) / float(n), 0.0)
        values = (x, y, total / self.unit, highest / self.unit, sigma / self.unit,
                  total / sigma if sigma > 0 else 0.0)
        return [np.float32(v) for v in values] + [len(w)]


def exponent_of(value):
    return math.floor(math.log2(value)) if value > 0 else 0


def peakfinder8(image, mask, case):
    p = {k: float(np.float32(v)) for k, v in case["parameters"].items()}
    im = Image(image, mask, case, 12 - exponent_of(p["threshold"]))
    threshold, snr, reach = p["threshold"] * im.unit, p["snr"], 2 * int(p["local_radius"])
    bins = {}
    for pixel, w in enumerate(im.w):
        if w is not BAD:
            bins.setdefault(half_even(im.radius[pixel]), []).append(pixel)
    open_, bin_of, statistics, fired = 999_999_999, {}, {}, []
    for name, pixels in bins.items():
        lo, hi = -open_, open_
        for _ in range(5):
            inside = [im.w[i] for i in pixels if lo <= im.w[i] <= hi]
            s, n, sigma = mean_and_sigma(inside)
            if not n:
                lo, hi, fire = -open_, open_, 2**31
                continue
            upper, lower = max(s / n + snr * sigma, threshold), s / n - snr * sigma
            lo = min(max(math.floor(lower) + 1, -open_), open_)
            hi = min(max(math.ceil(upper) - 1, -open_), open_)
            fire = math.floor(upper) + 1
        statistics[name] = (s, n, hi)
        for pixel in pixels:
            bin_of[pixel] = name
            if im.w[pixel] >= fire:
                fired.append(pixel)

    def interior(pixel):
        y, x = divmod(pixel, im.nx)
        y0, y1, x0, x1 = im.panels[im.panel[pixel]]
        return y0 < y < y1 - 1 and x0 < x < x1 - 1

    peaks = []
    for group in im.groups(fired, True):
        if not any(map(interior, group)) or not p["min_pixels"] <= len(group) <= p["max_pixels"]:
            continue
        w = [im.w[i] for i in group]
        if sum(w) == 0:
            continue
        above = [v * 65536 - statistics[bin_of[i]][0] * 65536 // statistics[bin_of[i]][1] for v, i in zip(w, group)]
        cy, cx = map(half_even, im.centre(group, above))
        middle = cy * im.nx + cx
        y0, y1, x0, x1 = im.panels[im.panel[group[0]]]
        ring = [im.w[y * im.nx + x] for y in range(max(cy - reach, y0), min(cy + reach, y1))
                for x in range(max(cx - reach, x0), min(cx + reach, x1))
                if (y - cy) ** 2 + (x - cx) ** 2 <= reach**2 and im.w[y * im.nx + x] is not BAD
                and im.w[y * im.nx + x] <= statistics[bin_of[y * im.nx + x]][2]]
        s, n, sigma = mean_and_sigma(ring)
        if not n:
            s, n = statistics[bin_of[middle]][:2] if middle in bin_of else (0, 1)
            s, n, sigma = s, n or 1, 0.01 * im.unit
        elif max(w) < max(ring) and max(ring) * n > s:
            continue
        y, x = im.centre(group, w)
        total = float(sum(w) * n - s * len(w)) / float(n)
        if (total / sigma if sigma > 0 else 0.0) < snr or not (y0 <= half_even(y) < y1 and x0 <= half_even(x) < x1):
            continue
        peaks.append(im.peak(y, x, group, s, n, sigma))
    return peaks


def dispersion(image, mask, case, extended):
    p = {k: float(np.float32(v)) for k, v in case["parameters"].items()}
    im = Image(image, mask, case, 4 - exponent_of(p["gain"]))
    gain, threshold, strong_by = p["gain"] * im.unit, p["threshold"] * im.unit, p["sigma_strong"]
    ky, kx = int(p["kernel_rows"]), int(p["kernel_columns"])
    least = int(p["min_local"]) or (2 * ky + 1) * (2 * kx + 1)
    good = [i for i, w in enumerate(im.w) if w is not BAD]

    def summed(pixel, ry, rx, without=frozenset()):
        return [im.w[i] for i in im.near(pixel, ry, ry, rx, rx)
                if im.w[i] is not BAD and abs(im.w[i]) < 2**24 and i not in without]

    dispersed, strong = set(), []
    for pixel in good:
        window = summed(pixel, ky, kx)
        n, s = len(window), sum(window)
        if n < least or s < 0:
            continue
        k = (n - 1) + p["sigma_background"] * math.sqrt(2.0 * (n - 1))
        if not float(n * sum(w * w for w in window) - s * s) > s * (gain * k):
            continue
        dispersed.add(pixel)
        if not extended and im.w[pixel] > threshold and n * im.w[pixel] - s > strong_by * math.sqrt(gain * s * n):
            strong.append(pixel)
    if extended:
        depth = min(ky, kx) - 1
        eroded = {i for i in dispersed if dispersed.issuperset(im.near(i, depth, depth, depth, depth))}
        for pixel in eroded:
            background = summed(pixel, ky + 2, kx + 2, eroded)
            mean = sum(background) / len(background) if len(background) >= 2 else 0.0
            if sum(background) >= 0 and im.w[pixel] > threshold \
                    and im.w[pixel] >= mean + strong_by * math.sqrt(gain * mean):
                strong.append(pixel)

    peaks, taken = [], set(strong)
    for group in im.groups(strong, False):
        if not p["min_pixels"] <= len(group) <= p["max_pixels"]:
            continue
        w = [im.w[i] for i in group]
        y, x = im.centre(group, w)
        ty, tx = divmod(group[w.index(max(w))], im.nx)
        if math.sqrt((y - ty) ** 2 + (x - tx) ** 2) > p["max_separation"]:
            continue
        rows, columns = zip(*(divmod(i, im.nx) for i in group))
        y0, y1, x0, x1 = im.panels[im.panel[group[0]]]
        round_it = [im.w[row * im.nx + column]
                    for row in range(max(min(rows) - ky - 2, y0), min(max(rows) + ky + 3, y1))
                    for column in range(max(min(columns) - kx - 2, x0), min(max(columns) + kx + 3, x1))
                    if row * im.nx + column not in taken and im.w[row * im.nx + column] is not BAD]
        s, n, sigma = mean_and_sigma(round_it)
        if not n:
            s, n, sigma = 0, 1, 0.01 * im.unit
        peaks.append(im.peak(y, x, group, s, n, sigma))
    return peaks


def find(path):
    """The case, and the peaks found: x, y, intensity, max, sigma, snr (f32), pixels."""
    with open(path) as file:
        case = json.load(file)
    image, mask = np.load(path[:-5] + ".npy"), np.load(path[:-5] + ".mask.npy")
    method, version = case["semantics"].split("/")
    assert version == "1", case["semantics"]
    if method == "peakfinder8":
        return case, peakfinder8(image, mask, case)
    return case, dispersion(image, mask, case, method == "dispersion_extended")


if __name__ == "__main__":
    for peak in find(sys.argv[1])[1]:
        print(*peak)
