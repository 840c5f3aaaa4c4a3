#!/usr/bin/env python3
"""Reads Etalon containers, chunks and bundles: formats/container.md and bundle.md in Python, for reading rather than speed.

    import reader; array = reader.read(open("a.etalon", "rb").read())
    reader.py IN.etalon OUT.npy

Independent of the C++ code. Needs numpy; a chunk that fell back to zstd needs libzstd too.
"""
import base64
import ctypes
import ctypes.util
import math
import struct
import sys
import zlib

import numpy as np

DTYPES = [None, "u1", "<u2", "<u4", "<u8", "i1", "<i2", "<i4", "<i8", "<f4", "<f8"]
STORED, ZSTD, PLANES, COUNTS, SCALED, OFFSET, BINNED, DITHERED, FIELDS, PACKED = range(10)
LOSSLESS, ABS, REL, PWREL, SIGMA = range(5)
ESCAPE = 255


class Malformed(Exception):
    pass


MAJOR, MINOR = 1, 0


def require(condition, reason):
    if not condition:
        raise Malformed(reason)


def crc32c(data, _table=[]):
    if not _table:
        for i in range(256):
            for _ in range(8):
                i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
            _table.append(i)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        require(n <= len(self.data) - self.at, "truncated")
        self.at += n
        return self.data[self.at - n:self.at]

    def get(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize(code)))[0]

    def varint(self):
        value = 0
        for shift in range(0, 64, 7):
            byte = self.get("B")
            value |= (byte & 127) << shift
            if byte < 128:
                require((byte or not shift) and value < 1 << 64, "variable-length integer")
                return value
        raise Malformed("variable-length integer")

    def done(self):
        return self.at == len(self.data)


# --- section 5: side information ---------------------------------------------------------------
class Bit:
    def __init__(self):
        self.p, self.divisor = 32768, 2


class Uint:
    def __init__(self):
        self.length, self.top = [Bit() for _ in range(64)], [Bit() for _ in range(64)]


class Crowd:
    def __init__(self):
        self.length = [Bit() for _ in range(64)]
        self.digits = [[Bit() for _ in range(16)] for _ in range(64)]


def unzigzag(v):
    return v >> 1 ^ -(v & 1)


class Side:
    def __init__(self, data):
        self.data, self.at, self.code, self.range = data, 0, 0, 0xFFFFFFFF
        for _ in range(4):
            self.code = self.code << 8 | self.next()

    def next(self):
        self.at += 1
        require(self.at <= len(self.data) + 4, "side information: truncated")
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def decide(self, bound):
        bit = self.code >= bound
        if bit:
            self.code -= bound
            self.range -= bound
        else:
            self.range = bound
        while self.range < 1 << 24:
            self.range <<= 8
            self.code = self.code << 8 | self.next()
        return int(bit)

    def bit(self, m):
        bit = self.decide((self.range >> 16) * m.p)
        m.p += -(m.p // m.divisor) if bit else (65536 - m.p) // m.divisor
        m.p = min(max(m.p, 64), 65472)
        m.divisor = min(m.divisor + 1, 40)
        return bit

    def raw(self, n):
        value = 0
        for _ in range(n):
            value = value << 1 | self.decide(self.range >> 1)
        return value

    def uint(self, m):
        length = 0
        while length < 62 and self.bit(m.length[length]):
            length += 1
        if length == 0:
            return 0
        value = 2 | self.bit(m.top[length])
        return (value << (length - 1) | self.raw(length - 1)) - 1

    def crowd(self, m):
        length, value = 0, 1
        while length < 62 and self.bit(m.length[length]):
            length += 1
        left = length
        while value < 16 and left:
            value, left = value << 1 | self.bit(m.digits[length][value]), left - 1
        return (value << left | self.raw(left)) - 1

    def int(self, m):
        return unzigzag(self.uint(m))

    def below(self, end):
        self.range //= end
        value = self.code // self.range
        if value < end:
            self.code -= value * self.range
            while self.range < 1 << 24:
                self.range <<= 8
                self.code = self.code << 8 | self.next()
        return value

    def rects(self, ny, nx, labels):
        count, gap, height, width, label = (Uint() for _ in range(5))
        rects, start, last, area = [], -1, 1, 0
        n = self.uint(count)
        require(n <= min(ny * nx, 1 << 22), "rectangles: too many")
        for _ in range(n):
            start += 1 + self.uint(gap)
            require(start < ny * nx, "rectangles: outside the image")
            h, w = 1 + self.uint(height), 1 + self.uint(width)
            last += self.int(label)
            y, x = divmod(start, nx)
            area += h * w
            require(y + h <= ny and x + w <= nx, "rectangles: outside the image")
            require(1 <= last < labels, "rectangles: unknown label")
            require(area <= ny * nx, "rectangles: overlap")
            rects.append((y, x, h, w, last))
        return rects

    def squares(self, ny, nx):
        half_model, count_model, rows = Uint(), Uint(), Uint()
        half, count, y, centres = self.uint(half_model), self.uint(count_model), 0, []
        require(half <= 1024 and count <= ny * nx and nx <= 65536 and
                count * (2 * half + 1) ** 2 <= 4 * ny * nx + 4096, "squares: too many")
        for _ in range(count):
            y += self.uint(rows)
            x = self.below(nx)
            require(y < ny and x < nx, "squares: outside the image")
            centres.append((y, x))
        return half, centres

    def spots(self, count):
        drops, model = Uint(), Crowd()
        drop = [self.uint(drops) for _ in range(8)]
        require(max(drop) <= 255, "squares: profile out of range")
        brightness = [self.crowd(model) for _ in range(count)]
        require(max(brightness, default=0) <= 31, "squares: brightness out of range")
        return drop, brightness


class Tables:
    """Tables one after the other: their models go on."""

    def __init__(self, side, escapes):
        self.side, self.escapes, self.last = side, escapes, 0
        self.escape, self.last_model, self.models = Uint(), Uint(), [Uint() for _ in range(14)]

    def table(self, symbols):
        f, left, before = np.zeros(256, np.uint32), 4096, 4096
        if self.escapes:
            f[ESCAPE] = self.side.uint(self.escape)
            left -= int(f[ESCAPE])
            require(left > 0, "tables: frequencies exceed their sum")
        self.last += self.side.int(self.last_model)
        require(0 <= self.last < symbols, "tables: symbol out of range")
        for s in range(self.last):
            before = self.side.uint(self.models[before.bit_length()])
            require(before < left, "tables: frequencies exceed their sum")
            f[s] = before
            left -= before
        f[self.last] = left
        return f


class Rates:
    """Tables that the mean and the shape of a negative binomial distribution tell."""
    EIGHTHS = [65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194]
    SHAPES = [64, 90, 128, 181, 256, 362, 512, 724, 1024, 1448, 2048, 2896, 4096, 5792, 8192, 1 << 24]

    def __init__(self, side, split):
        self.side, self.split = side, split
        self.level, self.shape, self.escape = Uint(), Uint(), Uint()

    def table(self, first_class):
        level = first_class + 1 + self.side.int(self.level)
        shape, escape = self.side.uint(self.shape), self.side.uint(self.escape)
        require(1 <= level <= 129 and shape <= 15 and escape <= 1024, "tables: rate out of range")
        octave, eighth = divmod(level - 65, 8)
        mean = self.EIGHTHS[eighth] << octave if octave >= 0 else self.EIGHTHS[eighth] >> -octave
        r, w, total, weights = self.SHAPES[shape], 1 << 16, 0, [0] * 256
        for n in range(1024):
            if w == 0:
                break
            symbol = token(n, self.split)
            weights[symbol] += w
            total += w
            w = w * ((256 * n + r) * mean) // (256 * (n + 1) * (mean + 256 * r))
            if total >> 48:
                weights, total, w = [x >> 16 for x in weights], total >> 16, w >> 16
        share = 4096 - escape
        f = [x * share // total for x in weights]
        last, largest = max(s for s in range(256) if f[s]), weights.index(max(weights))
        f[:last + 1] = [max(x, 1) for x in f[:last + 1]]
        f[largest] += share - sum(f)
        f[ESCAPE] = escape
        return np.array(f, np.uint32)


def token(n, split):
    if n < 1 << split:
        return n
    bits = n.bit_length() - 1
    return (1 << split) + 4 * (bits - split) + (n >> (bits - 2) & 3)


def label_map(rects, ny, nx):
    labels = np.zeros((ny, nx), np.uint8)
    for y, x, h, w, label in rects:
        labels[y:y + h, x:x + w] = label
    return labels


# --- section 4: symbols ------------------------------------------------------------------------
def rans(data, contexts, tables):
    n = len(contexts)
    lanes = 32 if n >= 8192 else 4 if n >= 256 else 1
    packed, states, at = int.from_bytes(data[:5 * lanes], "little"), [], 0
    for _ in range(lanes):
        digits = (packed >> at & 15) + 16
        states.append(1 << digits | packed >> (at + 4) & (1 << digits) - 1)
        at += 4 + digits
    states, first = np.array(states, np.uint64), (at + 7) // 8
    require(first <= len(data) and (len(data) - first) % 2 == 0, "symbols: truncated")
    require((packed & (1 << 8 * first) - 1) >> at == 0, "symbols: impossible state")
    words = np.frombuffer(data, "<u2", offset=first).astype(np.uint64)
    symbol = np.concatenate([np.repeat(np.arange(256), f) for f in tables]).astype(np.uint8)
    frequency = np.concatenate([np.repeat(f, f) for f in tables]).astype(np.uint64)
    within = np.concatenate([np.arange(4096) - np.repeat(np.cumsum(f) - f, f) for f in tables])
    within = within.astype(np.uint64)
    base = contexts.astype(np.int64) * 4096
    out, at = np.zeros(n, np.uint8), 0
    for i in range(0, n, lanes):
        x = states[:min(lanes, n - i)]
        slot = base[i:i + lanes] + (x & np.uint64(4095)).astype(np.int64)
        out[i:i + lanes] = symbol[slot]
        x[:] = frequency[slot] * (x >> np.uint64(12)) + within[slot]
        low = np.flatnonzero(x < 65536)
        require(at + len(low) <= len(words), "symbols: truncated")
        x[low] = x[low] << np.uint64(16) | words[at:at + len(low)]
        at += len(low)
    require((states >> np.uint64(16) == 1).all(), "symbols: wrong final state")
    require(at == len(words), "symbols: words left over")
    return out, states.astype("<u2").tobytes()


# --- section 8: byte planes --------------------------------------------------------------------
def planes(data, dtype, grid):
    data = Bytes(data)
    side = Side(data.take(data.varint()))
    axes, tables = side.raw(2), Tables(side, False)
    tables = [tables.table(256) for _ in range(dtype.itemsize)]
    n = grid[0] * grid[1] * grid[2]
    word = np.dtype("<u%d" % dtype.itemsize)
    words = np.zeros(n, np.uint64)
    for k in range(dtype.itemsize):
        symbols, cargo = rans(data.take(data.varint()), np.zeros(n, np.uint8), [tables[k]])
        require(not any(cargo), "symbols: wrong final state")
        words |= symbols.astype(np.uint64) << np.uint64(8 * k)
    require(data.done(), "byte planes: bytes left over")
    words = words.astype(word).reshape(grid)
    if axes:
        one = word.type(1)
        words = words >> one ^ (word.type(0) - (words & one))
        for axis in (0, 1, 2)[3 - axes:]:
            words = np.cumsum(words, axis=axis, dtype=word)
        if dtype.kind == "f":
            top = word.type(1 << (8 * dtype.itemsize - 1))
            words = np.where(words & top, words & ~top, ~words)
    return words.astype(word).reshape(-1).view(dtype)


# --- section 6: counts -------------------------------------------------------------------------
def classes(levels, ny, nx, ty, tx):
    def weights(n, t):
        size, tiles = 1 << t, -(-n >> t)
        p = 2 * np.arange(n, dtype=np.int64) + 1 - size
        lower = p >> (t + 1)
        w = p - (lower << (t + 1))
        matrix = np.zeros((n, tiles), np.int64)
        np.add.at(matrix, (np.arange(n), np.clip(lower, 0, tiles - 1)), 2 * size - w)
        np.add.at(matrix, (np.arange(n), np.clip(lower + 1, 0, tiles - 1)), w)
        return matrix
    total = weights(ny, ty) @ levels @ weights(nx, tx).T
    return (total + (1 << (ty + tx + 1))) >> (ty + tx + 2)


def pixels(squares, ny, nx):
    """(y, x, squared distance to the centre, number of the square) of every pixel of squares."""
    half, centres = squares
    for i, (cy, cx) in enumerate(centres):
        for y in range(max(0, cy - half), min(ny, cy + half + 1)):
            for x in range(max(0, cx - half), min(nx, cx + half + 1)):
                yield y, x, (y - cy) ** 2 + (x - cx) ** 2, i


RINGS = [1, 2, 3, 6, 11, 18, 33]
SUM_GAIN = [8, 8, 7, 7, 6, 6, 5, 5, 5, 4, 4, 4] + [3] * 5 + [2] * 6 + [1] * 13


def raise_classes(context, squares, spots, inside):
    """Classes of pixels inside squares, raised by the brightest spot that reaches them."""
    drop, brightness = spots
    spot = np.zeros(inside.shape, np.int64)
    for y, x, r2, i in pixels(squares, *inside.shape):
        level = 8 * brightness[i] - drop[sum(r2 >= r for r in RINGS)]
        spot[y, x] = max(spot[y, x], level)
    for y, x in np.argwhere(inside & (spot > 0)):
        for plane in context:
            high, low = max(plane[y, x], spot[y, x]), min(plane[y, x], spot[y, x])
            gain = SUM_GAIN[high - low] if high - low < 36 else 0
            plane[y, x] = min(high + gain, 254)


def read_levels(side, rows, columns):
    models, which = [Uint() for _ in range(3)], 0
    levels = np.zeros((rows, columns), np.int64)
    for y in range(rows):
        for x in range(columns):
            if y == 0:
                p = levels[0, x - 1] if x else 64
            elif x == 0:
                p = levels[y - 1, 0]
            else:
                w, n, nw = levels[y, x - 1], levels[y - 1, x], levels[y - 1, x - 1]
                p = sorted((w, n, w + n - nw))[1]
            code = side.uint(models[which])
            levels[y, x] = p + unzigzag(code)
            require(0 <= levels[y, x] <= 254, "rate map: level out of range")
            which = 0 if code == 0 else 1 if code < 5 else 2
    return levels


def predict(kind, out, p, y, x, low, high):
    row = out[p][y]
    if kind >= 3 and p:
        before = out[p - 1]
        u = before[y][x]
        if kind == 4:
            return u
        w = row[x - 1] - before[y][x - 1] if x else 0
        n = out[p][y - 1][x] - before[y - 1][x] if y else 0
        nw = before[y - 1][x - 1] - out[p][y - 1][x - 1] if x and y else 0
        return min(max(u + w + n + nw, low), high)
    if y == 0:
        return row[x - 1] if x else out[p - 1][0][0] if p else 0
    above = out[p][y - 1]
    if x == 0:
        return above[0]
    w, n, nw = row[x - 1], above[x], above[x - 1]
    if kind == 2:
        return (w + nw + n + (above[x + 1] if x + 1 < len(row) else n) + 2) >> 2
    return sorted((w, n, w + n - nw))[1]


def counts(sections, regions, fills, dtype, grid, hints=None, hint_of=None):
    """The integers, the fill label of every element, and the region of every pixel."""
    np_, ny, nx = grid
    side = Side(sections.get(2, b""))
    predictor, split = side.raw(3), 7 if side.raw(1) else 5
    require(predictor <= 4, "unknown predictor")
    m = Uint()
    bounds = [side.uint(m) for _ in range(regions)]
    require(max(bounds) < 1 << 32, "bound out of range")
    fill = label_map(side.rects(np_ * ny, nx, fills + 1), np_ * ny, nx).reshape(grid)
    region, spots = np.zeros((ny, nx), np.uint8), []
    if regions > 1:
        for label in range(1, regions):
            if side.raw(1):
                squares = side.squares(ny, nx)
                spots.append((label, squares, side.spots(len(squares[1]))))
        for label, squares, _ in spots:
            for y, x, _, _ in pixels(squares, ny, nx):
                region[y, x] = label
        for y, x, h, w, label in side.rects(ny, nx, regions):
            region[y:y + h, x:x + w] = label
    hints = hints or [1] * regions
    first_group = np.concatenate(([0], np.cumsum(hints)))
    require(first_group[-1] <= 128, "more groups than there may be")
    group = np.broadcast_to(first_group[region], grid)
    if hint_of:
        group = group + hint_of(np.broadcast_to(region, grid))
    ty, tx = side.raw(4), side.raw(4)
    shape = -(-ny >> ty), -(-nx >> tx)
    context = np.stack([classes(read_levels(side, *shape), ny, nx, ty, tx) for _ in range(np_)])
    for label, squares, spot in spots:
        raise_classes(context, squares, spot, region == label)
    unsigned = dtype.kind == "u"
    counts_model, widths, phase_model = Uint(), Uint(), Uint()
    table_of = np.zeros((first_group[-1], 255), np.int64)
    label_of, first_of, phase_of = [], [], []
    for g, label in enumerate(np.repeat(np.arange(regions), hints)):
        count, first = side.uint(counts_model) + 1, 0
        require(count <= 255 and len(label_of) + count <= 255, "too many tables")
        for i in range(count):
            if i:
                first += side.uint(widths) + 1
            require(first < 255, "class out of range")
            has_phase = unsigned and predictor == 0 and bounds[label]
            phase_of.append(side.uint(phase_model) if has_phase else 0)
            require(phase_of[-1] <= 2 * bounds[label], "phase out of range")
            table_of[g, first:] = len(label_of)
            label_of.append(int(label))
            first_of.append(first)
    told, rates, kind = Tables(side, True), Rates(side, split), Bit()
    symbols = (1 << split) + 4 * (32 - split)
    tables = [rates.table(first) if side.bit(kind) else told.table(symbols) for first in first_of]
    silent = np.zeros(256, np.uint32)
    silent[0] = 4096
    context = table_of[group, context]
    context[fill != 0] = len(tables)
    context = context.reshape(-1)
    tokens, cargo = rans(sections.get(3, b""), context, tables + [silent])

    u = tokens.astype(np.int64)
    bits, escapes, escaped = sections.get(4, b""), sections.get(7, b""), (tokens == ESCAPE).any()
    require(escaped or not escapes, "escapes: none are asked for")
    bits, escapes = (bits, cargo + escapes) if escaped else (cargo + bits, b"")
    bits, at = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little"), 0
    escapes, models = Side(escapes), [Crowd() for _ in range(regions)]

    def value(symbol, low):
        if symbol < 1 << split:
            return symbol
        k = symbol - (1 << split)
        return (4 | k & 3) << (split - 2 + (k >> 2)) | low

    for i in np.flatnonzero(tokens >= 1 << split):
        if tokens[i] == ESCAPE:
            last = max(np.flatnonzero(tables[context[i]][:ESCAPE]))
            first = value(min(last + 1, symbols - 1), 0)
            u[i] = first + escapes.crowd(models[label_of[context[i]]])
            require(u[i] < 1 << 32, "escapes: not those that the tokens ask for")
            continue
        k = int(tokens[i]) - (1 << split)
        n = split - 2 + (k >> 2)
        require(at + n <= len(bits), "raw bits: not as many as the tokens ask for")
        u[i] = value(int(tokens[i]), sum(int(b) << j for j, b in enumerate(bits[at:at + n])))
        at += n
    require((len(bits) - at < 8 or 4 not in sections) and not bits[at:].any(),
            "raw bits: not as many as the tokens ask for")

    limits = np.iinfo(dtype)
    low, high = int(limits.min), int(limits.max)
    bound = np.array([bounds[label] for label in label_of] + [0], np.int64)[context]
    q = u if predictor == 0 and unsigned else u >> 1 ^ -(u & 1)
    if predictor == 0:
        offset = bound - np.array(phase_of + [0], np.int64)[context] if unsigned else 0
        values = np.clip(q * (2 * bound + 1) + offset, low, high)
        return values.astype(dtype).reshape(grid), fill, region
    out = [[[0] * nx for _ in range(ny)] for _ in range(np_)]
    q, bound, i, width = q.tolist(), bound.tolist(), 0, 1 << (8 * dtype.itemsize)
    for p in range(np_):
        for y in range(ny):
            row = out[p][y]
            for x in range(nx):
                v = predict(predictor, out, p, y, x, low, high) + q[i] * (2 * bound[i] + 1)
                row[x] = min(max(v, low), high) if bound[i] else (v - low) % width + low
                i += 1
    return np.array(out).astype(dtype).reshape(grid), fill, region


def unzstd(data, size):
    library = ctypes.util.find_library("zstd")
    require(library is not None, "this chunk needs libzstd")
    zstd, out = ctypes.CDLL(library), ctypes.create_string_buffer(max(size, 1))
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    got = zstd.ZSTD_decompress(out, ctypes.c_size_t(size), bytes(data), ctypes.c_size_t(len(data)))
    require(got == size, "zstd frame is damaged")
    return out.raw[:size]


# --- section 7: numbers that stand for others -----------------------------------------------------
def tolerance(bound, x):
    kind, value, a, b = bound
    if kind == ABS:
        return value
    if kind == REL:
        return value * (b - a)
    if kind == PWREL:
        return value * abs(x)
    if kind == SIGMA:
        return value * math.sqrt(a * max(x, 0.0) + b * b)
    return 0.0


class Ladder:
    """Bins of magnitudes from `first` up, as wide as the bound allows."""

    def __init__(self, bound, first, sign):
        self.reach = lambda m: tolerance(bound, sign * float(m))
        low, high = first, 1 << 32
        while low < high:
            middle = (low + high) // 2
            if self.reach(middle) >= 1 or self.reach(middle + 1) >= 1:
                high = middle
            else:
                low = middle + 1
        self.first, self.wide, self.ends, self.middles = first, low, [], []

    def add(self):
        low = self.ends[-1] if self.ends else self.wide
        middle = low + int(min(self.reach(low), float(1 << 32)))
        end, step = middle, 1

        def holds(x):
            return x < 1 << 33 and float(x - middle) <= self.reach(x)
        while holds(end + step):
            end, step = end + step, 2 * step
        while step:
            end, step = end + step * holds(end + step), step // 2
        self.middles.append(middle)
        self.ends.append(end + 1)

    def middle(self, index):
        if index < self.wide - self.first:
            return self.first + index
        index -= self.wide - self.first
        while len(self.ends) <= index and len(self.ends) < 1 << 20 and \
                (not self.ends or self.ends[-1] <= 1 << 32):
            self.add()
        if index < len(self.middles):
            return self.middles[index]
        return (self.ends[-1] if self.ends else self.wide) + index - len(self.ends)


def unbin(q, bound):
    up, down = Ladder(bound, 0, 1), Ladder(bound, 1, -1)
    values = {k: up.middle(k) if k >= 0 else -down.middle(-1 - k) for k in np.unique(q).tolist()}
    limits = np.iinfo(q.dtype)
    return np.array([min(max(values[k], limits.min), limits.max) for k in q.tolist()], q.dtype)


def dither_bits(seed, n):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return z ^ z >> np.uint64(31)


def integer_dither(bits, bound):
    step = 2 * bound + 1  # the high half of a product of 64 bits
    low, high = bits & np.uint64(0xFFFFFFFF), bits >> np.uint64(32)
    carry = (low * np.uint64(step)) >> np.uint64(32)
    return ((high * np.uint64(step) + carry) >> np.uint64(32)).astype(np.int64) - bound


def dithered(sections, regions, fills, grid, source, seed):
    widest = (1 << 8 * source.itemsize) - 1
    bounds = [int(min(tolerance(r[1], 0.0), widest)) for r in regions]
    most = min(15, 128 // len(bounds))
    hints = [min(2 * b + 1, most) if b else 1 for b in bounds]
    n = grid[0] * grid[1] * grid[2]
    bits = dither_bits(seed, n).reshape(grid)
    dither = np.zeros(grid, np.int64)

    def hint_of(region):
        hint = np.zeros(grid, np.int64)
        for label, b in enumerate(bounds):
            here = region == label
            if b:
                dither[here] = integer_dither(bits[here], b)
                hint[here] = (dither[here] + b) * hints[label] // (2 * b + 1)
        return hint
    q, fill, region = counts(sections, len(regions), fills, np.dtype("<i4"), grid, hints, hint_of)
    step = np.array([2 * b + 1 for b in bounds], np.int64)[region]
    return q.astype(np.int64) * step - dither, fill


def scaled(q, region, regions, dtype, step, seed):
    margin, out = 1 - 2.0 ** -20, np.zeros(q.shape, dtype)
    region = np.broadcast_to(region, q.shape)
    dither = np.zeros(q.shape)
    if seed is not None:
        bits = dither_bits(seed, q.size).reshape(q.shape)
        dither = (bits >> np.uint64(11)).astype(np.float64) * 2.0 ** -53 - 0.5
    for label, (_, bound, *_) in enumerate(regions):
        here = region == label
        kind, value, a, b = bound
        k = q[here].astype(np.float64)
        with np.errstate(all="ignore"):
            if kind in (ABS, REL) and tolerance(bound, 0.0) > 0:
                x = (k - dither[here]) * step
            elif kind == PWREL:
                half = math.floor(value * 2.0 ** np.finfo(dtype).nmant * margin)
                word = np.dtype("<i%d" % dtype.itemsize)
                most = np.iinfo(word).max
                p = [min(max(int(i) * (2 * half + 1), -most), most) for i in q[here].tolist()]
                magnitude = np.array([abs(i) for i in p], word).view(dtype)
                x = np.where(np.array(p, np.int64) < 0, -magnitude, magnitude)
            elif kind == SIGMA and a > 0:
                width, below = value * a * margin, 2 * value * b * margin
                root = b + k * width
                x = np.where(k < 0, (k + 0.5) * below, (root * (root + width) - b * b) / a)
            elif kind == SIGMA:
                x = k * (2 * value * b * margin)
            else:
                x = np.zeros(k.shape)
            out[here] = x.astype(dtype)
    return out


# --- section 9: fields -------------------------------------------------------------------------
class Level:
    def __init__(self, extent):
        self.extent, self.half = extent, [(e + 1) // 2 for e in extent]

    def odd(self, cls):
        return [a for a in range(len(self.extent)) if cls >> a & 1]

    def shape(self, cls):
        return [e // 2 if cls >> a & 1 else h
                for a, (e, h) in enumerate(zip(self.extent, self.half))]

    def features(self, cls):
        """Lists of terms: the class and the steps along its array."""
        if cls == 0:
            return []
        rank, odd = len(self.extent), self.odd(cls)
        even = [a for a in range(rank) if a not in odd]
        distances = [{a: d} for d in (1, 3) for a in odd]
        if len(odd) == 1:
            distances += [{odd[0]: 1, a: 2} for a in even if self.extent[a] >= 3]
        distances += [{a: 1, b: 1} for i, a in enumerate(odd) for b in odd[i + 1:]]
        if len(odd) == 3:
            distances += [{a: 1 for a in odd}]
        features, terms = [], 0
        for distance in distances:
            axes = sorted(distance)
            if len(features) == 12 or terms + 2 ** len(axes) > 64:
                continue
            terms += 2 ** len(axes)
            feature = []
            for signs in range(2 ** len(axes)):
                target, steps = cls, [0] * rank
                for k, a in enumerate(axes):
                    at = (cls >> a & 1) + (distance[a] if signs >> k & 1 else -distance[a])
                    target = target & ~(1 << a) | (at & 1) << a
                    steps[a] = at >> 1
                feature.append((target, steps))
            features.append(feature)
        return features


def levels_of(shape):
    extent = [e for e in shape if e != 1] or [1]
    levels = [Level(extent)]
    while max(extent) > 1:
        extent = [(e + 1) // 2 for e in extent]
        levels.append(Level(extent))
    return levels


def class_sequence(levels):
    """(level, class) in the order of coding."""
    order = sorted(range(1, 1 << len(levels[0].extent)), key=lambda c: (bin(c).count("1"), c))
    yield len(levels) - 1, 0
    for level in range(len(levels) - 2, -1, -1):
        for cls in order:
            if min(levels[level].shape(cls)) > 0:
                yield level, cls


class Lanes:
    """rANS symbols, some at a time."""

    def __init__(self, data, count, tables):
        self.lanes = 32 if count >= 8192 else 4 if count >= 256 else 1
        packed, self.states, at = int.from_bytes(data[:5 * self.lanes], "little"), [], 0
        for _ in range(self.lanes):
            digits = (packed >> at & 15) + 16
            self.states.append(1 << digits | packed >> (at + 4) & (1 << digits) - 1)
            at += 4 + digits
        first = (at + 7) // 8
        require(first <= len(data) and (len(data) - first) % 2 == 0, "symbols: truncated")
        require((packed & (1 << 8 * first) - 1) >> at == 0, "symbols: impossible state")
        self.words, self.at, self.done = np.frombuffer(data, "<u2", offset=first).tolist(), 0, 0
        self.slots = []
        for f in tables:
            symbol = np.repeat(np.arange(256), f)
            first = np.cumsum(f) - f
            self.slots.append((symbol.tolist(), f.tolist(), first.tolist()))

    def read(self, contexts):
        out = []
        for context in contexts:
            symbols, frequency, first = self.slots[context]
            lane = self.done % self.lanes
            x = self.states[lane]
            s = symbols[x & 4095]
            x = frequency[s] * (x >> 12) + (x & 4095) - first[s]
            if x < 65536:
                require(self.at < len(self.words), "symbols: truncated")
                x = x << 16 | self.words[self.at]
                self.at += 1
            self.states[lane] = x
            self.done += 1
            out.append(s)
        return out

    def finish(self):
        require(self.at == len(self.words), "symbols: words left over")
        require(all(x == 65536 for x in self.states), "symbols: wrong final state")


CURVE = [1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994,
         3349, 3608, 3785, 3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095]


def curve(x):
    if x > 2047:
        return 4095
    if x < -2047:
        return 1
    i, r = (x + 2048) >> 7, (x + 2048) & 127
    return (CURVE[i] * (128 - r) + CURVE[i + 1] * r + 64) >> 7


def inverse_curve():
    table, p = [2047] * 4096, 0
    for x in range(-2047, 2048):
        while p <= curve(x) and p < 4096:
            table[p], p = x, p + 1
    return table


STRETCH = inverse_curve()


def nearness(v):
    if v < 4:
        return v
    n = v.bit_length() - 1
    return min(15, 2 * n + (v >> (n - 1) & 1))


class Adaptive:
    def __init__(self, data):
        self.side, self.votes, self.weights, self.used = Side(data), {}, {}, {}
        self.exact, self.signs, self.low = Bit(), {}, {}

    def open(self, level, number, cls):
        shape = level.shape(cls)
        self.group = 3 * min(number, 2) + max(1, min(3, len(level.odd(cls)))) - 1
        self.row = shape[-1]
        self.back = self.row
        for extent in shape[1:-1]:
            self.back *= extent
        self.seen, self.again = [], False

    def beside(self, rows, places):
        x = len(self.seen) % self.row + places
        if not rows:
            return self.seen[-1] if x >= 0 else 0
        at = len(self.seen) - len(self.seen) % self.row - self.row
        return 0 if at < 0 or x < 0 else self.seen[at + min(x, self.row - 1)]

    def up(self):
        return self.seen[-self.back] if len(self.seen) >= self.back else 0

    def advance(self, q):
        self.again = len(self.seen) >= self.back and q == self.up()
        self.seen.append(q)

    def decide(self, node):
        votes = [self.votes.setdefault((c, node), [32768, 0]) for c in self.contexts]
        key = node, self.near
        weights, used = self.weights.setdefault(key, [16000] * 5), self.used.get(key, 0)
        inputs = [STRETCH[p >> 4] for p, _ in votes]
        p1 = min(max(curve(sum(w * i for w, i in zip(weights, inputs)) >> 16), 1), 4095)
        p0 = min(max(65536 - 16 * p1, 32), 65504)
        bit = self.side.decide((self.side.range >> 16) * p0)
        error, rate = 4095 * bit - p1, 4 if used < 16 else 2 if used < 128 else 1
        self.used[key] = used + 1
        for k in range(5):
            weights[k] += (inputs[k] * error * rate + 512) >> 10
            p, n = votes[k]
            votes[k][0] += int((65535 * bit - p) * 2 / (2 * n + 3))
            votes[k][1] = min(n + 1, 1000)
        return bit

    def number(self, activity):
        w, n, ne, nw = (self.beside(*at) for at in ((0, -1), (1, 0), (1, 1), (1, -1)))
        up, g = self.up(), self.group
        self.near = nearness(2 * abs(w) + 2 * abs(n) + abs(ne) + abs(nw))
        place = len(self.seen) % self.row if self.row <= 16 else nearness(2 * abs(w))
        self.contexts = [(0, g, activity), (1, g, activity, self.near), (2, g, activity // 4, place),
                         (3, self.near), (4, g, nearness(2 * abs(up)), self.near)]
        if self.side.bit(self.exact):
            self.advance(0)
            return None
        q = up if self.again and up and self.decide(127) else None
        if q is None:
            q = self.other(w, n) if self.decide(0) else 0
        self.advance(q)
        return q

    def other(self, w, n):
        sign = self.group, (w > 0) - (w < 0), (n > 0) - (n < 0)
        negative, length, value = self.side.bit(self.signs.setdefault(sign, Bit())), 0, 1
        while length < 23 and self.decide(1 + length):
            length += 1
        for k in range(length):
            if k < 2:
                digit = self.decide(24 + 4 * length + (1 + (value & 1) if k else 0))
            elif k < 4:
                digit = self.side.bit(self.low.setdefault((length, k), Bit()))
            else:
                digit = self.side.raw(1)
            value = value << 1 | digit
        return -value if negative else value


def fields(sections, shape, dtype, grid, tolerances, fills, allowance):
    T, f64 = dtype.type, np.float64
    planes_, ny, nx = grid
    side = Side(sections.get(2, b""))
    adaptive = side.raw(1)
    fill = label_map(side.rects(planes_ * ny, nx, fills + 1), planes_ * ny, nx).reshape(grid)
    region = np.zeros((ny, nx), np.uint8)
    if len(tolerances) > 1:
        squares = [(k, side.squares(ny, nx)) for k in range(1, len(tolerances)) if side.raw(1)]
        for label, square in squares:
            for y, x, _, _ in pixels(square, ny, nx):
                region[y, x] = label
        for y, x, h, w, label in side.rects(ny, nx, len(tolerances)):
            region[y:y + h, x:x + w] = label
    steps = []
    with np.errstate(all="ignore"):
        for e in tolerances:
            s = T(2 * (e * (1 - 2.0 ** -20) - min(allowance, e / 4))) if e > 0 else T(0)
            least, most = np.finfo(T).tiny, np.finfo(T).max
            normal = least <= s <= most and least <= T(1) / s <= most
            steps.append(s if normal else T(0))
    base_step = next((s for s in steps if s > 0), T(1))
    levels = levels_of(shape)
    sequence = list(class_sequence(levels))
    mean = T(struct.unpack("<d", struct.pack("<Q", side.raw(64)))[0])
    told, sloped, slope_model, weight_models = Bit(), Bit(), Uint(), [Uint() for _ in range(12)]
    predictors = []
    for level, cls in sequence:
        features = levels[level].features(cls)
        nearest = len(levels[level].odd(cls))
        slope = T(1)
        weights = [T(-0.125 / nearest) if nearest <= j < 2 * nearest else T(0)
                   for j in range(len(features))]
        if features and side.bit(told):
            numbers = [4096 + side.int(slope_model) if side.bit(sloped) else 4096]
            numbers += [side.int(weight_models[j]) for j in range(1, len(features))]
            require(max(map(abs, numbers)) <= 1 << 24, "weight out of range")
            slope, weights = T(numbers[0] / 4096), [T(0)] + [T(w / 4096) for w in numbers[1:]]
        predictors.append((features, nearest, slope, weights))
    table_of = np.zeros((9 * len(tolerances), 32), np.int64)
    if adaptive:
        coder, bits, at = Adaptive(sections.get(3, b"")), None, 0
    else:
        count_model, widths, tables = Uint(), Uint(), 0
        for group in table_of:
            count, first = side.uint(count_model), 0
            require(count <= 32 and tables + count <= 255, "too many tables")
            for i in range(count):
                first += side.uint(widths) + 1 if i else 0
                require(first < 32, "activity out of range")
                group[first:] = tables
                tables += 1
        coder = Tables(side, True)
        tables = [coder.table(228) for _ in range(tables)]
        silent = np.zeros(256, np.uint32)
        silent[0] = 4096
        total = 0
        for level, cls in sequence:
            extent = levels[level].shape(cls)
            rows, row = int(np.prod(extent[:-1])), extent[-1]
            most = max(1, 4096 // row)
            total += sum(-(-min(most, rows - r) * row // 32) * 32 for r in range(0, rows, most))
        coder = Lanes(sections.get(3, b""), total, tables + [silent])
        bits = np.unpackbits(np.frombuffer(sections.get(4, b""), np.uint8), bitorder="little")
        at = 0
    exact = sections.get(5, b"")
    if exact:
        count = struct.unpack("<I", exact[:4])[0]
        require(0 < count <= planes_ * ny * nx, "exact elements: more than there are elements")
        exact = planes(exact[4:], dtype, [1, 1, count])
    kept = 0

    full = levels[0].extent
    out = np.zeros(full, dtype)
    lattice = np.zeros(full, dtype)  # with what stands in for elements that are not finite
    fill_of = fill.reshape(full)
    region_of = np.broadcast_to(region, grid).reshape(full)

    def places(level, cls):
        return tuple(slice((cls >> a & 1) << level, None, 2 << level) for a in range(len(full)))

    np.seterr(all="ignore")
    for (level, cls), (features, nearest, slope, weights) in zip(sequence, predictors):
        extent = levels[level].shape(cls)
        if level == len(levels) - 1:
            here = tuple(slice(0, 1) for _ in full)
        else:
            here = places(level, cls)
        prediction = np.full(extent, mean, dtype)
        activity = np.full(extent, 31, np.int64)
        if features:
            f = []
            for terms in features:
                total = None
                for target, move in terms:
                    source = lattice[places(level, target)]
                    for a, (n, m) in enumerate(zip(extent, move)):
                        index = np.clip(np.arange(n) + m, 0, source.shape[a] - 1)
                        source = np.take(source, index, axis=a)
                    total = source if total is None else total + source
                f.append(total * (T(1) / T(len(terms))))
            base = f[0]
            for other in f[1:nearest]:
                base = base + other
            base = base * T(1.0 / nearest)
            prediction = base if slope == 1 else mean + (base - mean) * slope
            for j in range(1, len(f)):
                prediction = prediction + weights[j] * (f[j] - base)
            spread = np.abs(f[0] - prediction)
            for other in f[1:]:
                spread = spread + np.abs(other - prediction)
            t = (spread * T(1 / (f64(base_step) * len(f)))).astype(np.float32)
            activity = np.clip((t.view(np.uint32).astype(np.int64) >> 22) - 246, 0, 31)
            activity[~(t < 4096)] = 31
        row = extent[-1]
        p, a = prediction.reshape(-1, row), activity.reshape(-1, row)
        label = region_of[here].reshape(-1, row)
        filled = fill_of[here].reshape(-1, row) != 0
        coded = ~filled & (np.array(steps)[label] > 0)
        group = 3 * min(level, 2) + max(1, min(3, len(levels[level].odd(cls)))) - 1
        value, inside = np.zeros(p.shape, dtype), np.zeros(p.shape, dtype)
        rows = max(1, 4096 // row)
        if adaptive:
            coder.open(levels[level], level, cls)
        for first in range(0, len(p), rows):
            part = slice(first, first + rows)
            numbers = []
            if adaptive:
                for activity_, is_coded in zip(a[part].reshape(-1).tolist(),
                                               coded[part].reshape(-1).tolist()):
                    if is_coded:
                        numbers.append(coder.number(activity_))
                    else:
                        coder.advance(0)
                        numbers.append(0)
            else:
                context = table_of[9 * label[part].astype(np.int64) + group, a[part]]
                context[~coded[part]] = len(tables)
                context = context.reshape(-1).tolist()
                n = len(context)
                context += [len(tables)] * (-n % 32)
                for symbol in coder.read(context)[:n]:
                    if symbol == ESCAPE:
                        numbers.append(None)
                        continue
                    u = symbol
                    if symbol >= 128:
                        k = 5 + (symbol - 128 >> 2)
                        require(at + k <= len(bits), "raw bits: too few")
                        low = int(np.dot(bits[at:at + k].astype(np.int64), 1 << np.arange(k)))
                        u, at = (4 | symbol - 128 & 3) << k | low, at + k
                    numbers.append(unzigzag(u))
            numbers = np.array(numbers, object).reshape(-1, row)
            for y, x in np.ndindex(*numbers.shape):
                i = first + y, x
                stand = p[i] if np.isfinite(p[i]) else T(0)
                if filled[i]:
                    inside[i] = stand
                elif not coded[i] or numbers[y, x] is None:
                    require(kept < len(exact), "exact elements: not as many as symbols ask for")
                    value[i] = exact[kept]
                    kept += 1
                    inside[i] = value[i] if np.isfinite(value[i]) else stand
                else:
                    value[i] = inside[i] = p[i] + T(numbers[y, x]) * steps[label[i]]
        out[here], lattice[here] = value.reshape(extent), inside.reshape(extent)
    require(kept == len(exact), "exact elements: not as many as symbols ask for")
    if not adaptive:
        coder.finish()
        require(-(-at // 8) * 8 == len(bits) and not bits[at:].any(),
                "raw bits: not as many as the tokens ask for")
    return out.reshape(grid), fill


# --- section 10: packed ------------------------------------------------------------------------
def packed(data, dtype, count, bound):
    """`count` elements of engine 9 from the payload of `data`; bound is the default region's."""
    limit = tolerance(bound, 0.0)
    if dtype.kind == "f" and limit == 0:
        require(dtype.itemsize == 4, "packed: does not go with the bound")
        return packed(data, np.dtype("<u4"), count, (LOSSLESS, 0.0, 0.0, 0.0)).view(dtype)
    require(dtype.kind != "f" or 2.0 ** -100 <= limit <= 2.0 ** 100,
            "packed: does not go with the bound")
    require(dtype.kind == "f" or dtype.itemsize <= 4, "packed: does not go with the type")
    data, spare = Bytes(data), 0
    if dtype.kind == "f":
        spare = data.get("B")
        require(1 <= spare <= 20, "packed: spare is not from 1 to 20")
    size = max(2, min(dtype.itemsize, 4))
    word = np.dtype("<u%d" % size)
    number = np.dtype("<%s%d" % ("u" if dtype.kind == "u" else "i", size))
    lanes, bits = 32 // size, 8 * size
    codes, base = data.take((count + 255) // 256), word.type(0)
    out = np.zeros(256 * len(codes), dtype)
    for block, code in enumerate(codes):
        here, n = out[256 * block:][:256], min(256, count - 256 * block)
        if code == 255:
            here[:n] = np.frombuffer(data.take(n * dtype.itemsize), dtype)
            continue
        form, width = code >> 6, code & 63
        require(width <= bits if form < 3 else width == 0, "packed: no code %d" % code)
        if form in (1, 2):
            base = np.frombuffer(data.take(size), word)[0]
        rows = np.frombuffer(data.take(32 * width), np.uint8).reshape(width, lanes, size)
        lane = np.unpackbits(rows.transpose(1, 0, 2).reshape(lanes, -1), axis=1, bitorder="little")
        digits = lane.reshape(lanes, bits, width).transpose(1, 0, 2).reshape(256, width)
        p = (digits.astype(word) << np.arange(width, dtype=word)).sum(axis=1, dtype=word)
        if form == 2:
            one = word.type(1)
            p = np.cumsum(p >> one ^ (word.type(0) - (p & one)), dtype=word)
        if form:
            p = p + base
        q = p.view(number)
        if dtype.kind == "f":
            step = dtype.type(2 * limit * (1 - 2.0 ** -spare))
            here[:] = q.astype(dtype) * step
            continue
        b = int(min(limit, (1 << (8 * dtype.itemsize - 1)) - 1))
        if b == 0:
            here[:] = q.astype(dtype)
        else:
            limits = np.iinfo(dtype)
            here[:] = [min(max(int(k) * (2 * b + 1), limits.min), limits.max) for k in q]
    require(data.done(), "packed: bytes left over")
    return out[:count]


# --- section 3: chunk --------------------------------------------------------------------------
def read_sections(data):
    data = bytes(data)
    require(len(data) >= 12, "truncated")
    require(data[:3] == b"Etc", "not an Etalon chunk")
    require(data[3] >> 4 == MAJOR and data[3] & 15 <= MINOR, "format version")
    size, checksum = struct.unpack("<II", data[4:12])
    require(size == len(data) - 12, "declares %d bytes, has %d" % (size, len(data) - 12))
    require(crc32c(data[12:]) == checksum, "checksum does not match")
    body, sections, last = Bytes(data[12:]), {}, 0
    while not body.done():
        tag = body.get("B")
        payload = body.take(body.varint())
        if tag >= 128:
            require(tag != 128 or not any(payload), "padding is not zero")
            continue
        require(tag > last, "sections out of order")
        require(tag <= 7, "unknown section")
        require(payload, "empty section")
        require(last or tag == 1, "no head before the first section")
        sections[tag], last = payload, tag
    require(sections, "no head")
    return sections


def short(data):
    n = data.get("B")
    require(n <= 8, "number longer than 8 bytes")
    high = data.take(n)
    require(not high or high[0], "number longer than need be")
    return struct.unpack("<d", bytes(8 - n) + high)[0]


def read_bound(data):
    """kind, value, and low and high (rel) or gain and noise (sigma)."""
    kind = data.get("B")
    require(kind <= SIGMA, "unknown bound")
    value = short(data) if kind else 0.0
    a, b = (short(data), short(data)) if kind in (REL, SIGMA) else (0.0, 0.0)
    require(0 <= value < (1 if kind == PWREL else math.inf), "bound out of range")
    require(kind != REL or (a <= b and math.isfinite(b - a)), "bound: range out of order")
    require(kind != SIGMA or (0 <= a < math.inf and 0 <= b < math.inf), "bound: out of range")
    return kind, value, a, b


def read_head(data, chunk_size):
    head = Bytes(data)
    number, rank = head.get("B"), head.get("B")
    require(1 <= number <= 10, "unknown element type")
    require(rank <= 6, "more than 6 axes")
    dtype, shape = np.dtype(DTYPES[number]), [head.varint() for _ in range(rank)]
    n = 1
    for extent in shape:
        n *= extent
    require(n * dtype.itemsize <= 1 << 30, "larger than a chunk may be")
    require(n * dtype.itemsize <= (1 << 20) + (chunk_size << 14),
            "declares more elements than its bytes can hold")
    engine, count = head.get("B"), head.get("B")
    joined, apart, count = count >> 7, count >> 6 & 1, count & 63
    require(engine <= PACKED, "unknown engine")
    require(1 <= count <= 16, "must have 1 to 16 regions")
    require(not joined or count > 1, "a map of the whole chunk without regions")
    small = count == 1 and len(shape) > 2 and 0 < math.prod(shape[-2:]) < 4096 and math.prod(shape[:-2]) > 1
    require(not apart or (small and not joined), "planes that are apart anyway")
    regions = []
    for i in range(count):
        name = "default"
        if i:
            length = head.get("B")
            require(length <= 32, "region name longer than 32 bytes")
            name = head.take(length).decode("ascii", "strict")
        bound = read_bound(head)
        error = short(head) if bound[0] else 0.0
        require(0 <= error <= bound[1], "measured error exceeds its bound")
        regions.append((name, bound, error, head.varint(), head.varint()))
    require(sum(r[3] for r in regions) == n, "regions do not hold the elements there are")
    fills = head.get("B")
    require(fills <= 3, "more than 3 fill values")
    fills = [head.take(dtype.itemsize) for _ in range(fills)]
    integer, wide = dtype.kind != "f", dtype.itemsize == 8
    require({COUNTS: integer and not wide, BINNED: integer and not wide, SCALED: not integer,
             OFFSET: integer and wide, DITHERED: dtype.kind == "i", FIELDS: not integer or not wide,
             PACKED: not integer or not wide}.get(engine, True),
            "engine does not go with the element type")
    source = dtype
    if engine == DITHERED:
        number = head.get("B")
        require(1 <= number <= 8 and number != 4, "no such source of dithered elements")
        source = np.dtype(DTYPES[number])
        wanted = "i%d" % (source.itemsize * (2 if source.kind == "u" else 1))
        require(source.itemsize <= 4 and dtype == np.dtype(wanted),
                "no such source of dithered elements")
    step = head.get("d") if engine == SCALED else 0
    dither = head.get("B") if engine == SCALED else engine == DITHERED
    require(dither <= 1, "dither is neither 0 nor 1")
    seed = head.get("Q") if dither else None
    base = head.get("Q") if engine == OFFSET else 0
    allowance = head.get("d") if engine == FIELDS else 0.0
    require(0 <= allowance < math.inf, "allowance is not a number >= 0")
    require(engine not in (FIELDS, PACKED) or all(r[1][0] <= REL for r in regions),
            "engine does not go with the bound")
    require(engine != PACKED or (len(regions) == 1 and not fills), "engine does not go with regions or fills")
    require(head.done(), "bytes left over in the head")
    step = allowance if engine == FIELDS else step
    return dtype, tuple(shape), n, engine, regions, joined, apart, fills, step, base, source, seed


def read_chunk(data):
    sections = read_sections(data)
    (dtype, shape, n, engine, regions, joined, apart, fills, step, base, source,
     seed) = read_head(sections[1], len(data))
    payload = sections.get(6, b"")
    grid = [1, 1, 1]
    for i, extent in enumerate(shape[::-1]):
        grid[max(2 - i, 0)] *= extent
    if joined or (len(regions) == 1 and grid[1] * grid[2] < 4096 and not apart):
        grid = [1, grid[0] * grid[1], grid[2]]
    if engine == STORED:
        require(len(payload) == n * dtype.itemsize, "stored bytes are not as many as declared")
        return np.frombuffer(payload, dtype).reshape(shape)
    if engine == ZSTD:
        return np.frombuffer(unzstd(payload, n * dtype.itemsize), dtype).reshape(shape)
    if engine == PLANES:
        return planes(payload, dtype, grid).reshape(shape)
    if engine == PACKED:
        return packed(payload, dtype, n, regions[0][1]).reshape(shape)
    require(n > 0, "no elements to code")
    if engine == FIELDS:
        kind = dtype if dtype.kind == "f" else np.dtype("<f4" if dtype.itemsize <= 2 else "<f8")
        integer = None if kind == dtype else np.iinfo(dtype)
        bounds = [tolerance(r[1], 0.0) for r in regions]
        if integer:
            most = (1 << 8 * dtype.itemsize) - 1
            bounds = [min(math.floor(b), most) + 0.5 - 2.0 ** -10 for b in bounds]
        out, fill = fields(sections, shape, kind, grid, bounds, len(fills), step)
        if integer:
            held = np.fmin(np.fmax(out.astype(np.float64), integer.min), integer.max)
            out = np.floor(held + 0.5).astype(dtype)
        for k, pattern in enumerate(fills):
            out[fill == k + 1] = np.frombuffer(pattern, dtype)[0]
        return out.reshape(shape)
    labels = len(fills) + (engine == SCALED)
    if engine == DITHERED:
        out, fill = dithered(sections, regions, labels, grid, source, seed)
        limits = np.iinfo(dtype)
        out = np.clip(out, limits.min, limits.max).astype(dtype)
    else:
        kind = {SCALED: np.dtype("<i4"), OFFSET: np.dtype("<u4")}.get(engine, dtype)
        out, fill, region = counts(sections, len(regions), labels, kind, grid)
        if engine == BINNED:
            region = np.broadcast_to(region, grid)
            for label, r in enumerate(regions):
                if r[1][0] in (PWREL, SIGMA):
                    out[region == label] = unbin(out[region == label], r[1])
        elif engine == SCALED:
            out = scaled(out, region, regions, dtype, step, seed)
        elif engine == OFFSET:
            out = (out.astype(np.uint64) + np.uint64(base)).view(dtype)
    for k, pattern in enumerate(fills):
        out[fill == k + 1] = np.frombuffer(pattern, dtype)[0]
    exact = fill == len(fills) + 1
    if engine == SCALED and exact.any():
        out[exact] = planes(sections.get(5, b""), dtype, [1, 1, int(exact.sum())])
    return out.reshape(shape)


# --- section 2: container ----------------------------------------------------------------------
def read(data):
    """The array of a container, or of a chunk by itself."""
    data = bytes(data)
    if data[:3] == b"Etc":
        return read_chunk(data)
    require(data[:6] == b"Etalon", "not an Etalon container")
    require(data[6] == MAJOR and data[7] <= MINOR, "format version")

    def section(at):
        require(at + 16 <= len(data), "truncated")
        tag, size, checksum = struct.unpack_from("<4sQI", data, at)
        require(crc32c(data[at:at + 12]) == checksum, "section head: checksum does not match")
        require(size <= len(data) - at - 16, "section passes the end")
        payload = data[at + 16:at + 16 + size]
        if tag != b"CHNK":
            require(size >= 4 and crc32c(payload[:-4]) == struct.unpack("<I", payload[-4:])[0],
                    "checksum does not match")
            payload = payload[:-4]
        return tag, payload, at + 16 + size

    tag, header, first = section(8)
    require(tag == b"HEAD", "no header")
    header = Bytes(header)
    number, _, rank = header.get("B"), header.get("B"), header.get("B")
    read_bound(header)
    chunk_shape = [header.get("Q") for _ in range(rank)]
    require(len(data) >= first + 16, "truncated: no footer")
    index_at, checksum, magic = struct.unpack("<QII", data[-16:])
    require(magic == 0x78744565, "truncated: no footer")
    require(crc32c(data[-16:-8]) == checksum, "footer: checksum does not match")
    tag, index, end = section(index_at)
    require(tag == b"INDX" and end == len(data) - 16, "no index where the footer says")
    shape = struct.unpack_from("<%dQ" % rank, index)
    places = struct.unpack_from("<%dQ" % ((len(index) - 8 * rank - 8) // 8), index, 8 * rank + 8)
    out = np.zeros(shape, DTYPES[number])
    grid = [-(-s // c) if s else 0 for s, c in zip(shape, chunk_shape)]
    corners = list(np.ndindex(*grid)) if out.size else []
    require(len(corners) == len(places) // 2, "has not one entry for each chunk")
    for corner, offset, size in zip(corners, places[::2], places[1::2]):
        box = tuple(slice(i * c, min((i + 1) * c, s))
                    for i, c, s in zip(corner, chunk_shape, shape))
        chunk = read_chunk(data[offset:offset + size])
        require(chunk.dtype == out.dtype and chunk.shape == out[box].shape,
                "its type or shape is not what the container declares")
        out[box] = chunk
    return out


# --- formats/bundle.md -------------------------------------------------------------------------
class Bundle:
    """A bundle's plan, its arrays in the file's order, and the file."""

    def __init__(self, data):
        data = bytes(data)
        require(data[:8] == b"EtBundle", "not an Etalon bundle")
        require(len(data) >= 40, "truncated")
        major, minor, zero, raw, size, checksum, zero2, own = struct.unpack_from("<BBHQQIII", data, 8)
        require((major, minor) == (0, 1), "format version")
        require(own == crc32c(data[:36]) and zero == zero2 == 0, "header: checksum does not match")
        frame = data[40:40 + size]
        require(len(frame) == size and crc32c(frame) == checksum, "plan: checksum does not match")
        self.plan = Bytes(self.unpack(frame, raw))
        self.after = Bytes(data[40 + size:])
        self.format = self.text(32)
        self.packing, flags = self.plan.get("B"), self.plan.get("B")
        require(self.packing <= 9 and flags < 8, "flags")
        self.file_size, self.checksum = self.plan.varint(), self.plan.get("I")
        self.exact = flags & 4
        self.topology = [[self.plan.get("B"), *(self.plan.varint() for _ in range(4)), self.plan.get("B")]
                         for _ in range(self.plan.varint())]
        self.nodes = self.plan.varint()
        self.arrays, self.names = [], []
        for _ in range(self.plan.varint()):
            self.arrays.append(self.array())
        require(self.after.done(), "bytes are left over")
        segments = [self.segment() for _ in range(self.plan.varint())]
        require(self.plan.varint() == len(self.plan.data) - self.plan.at, "skeleton")
        self.skeleton = Bytes(self.plan.data[self.plan.at:])
        self.next = [0] * len(self.arrays)
        self.file = b"".join(self.stretch(*s) for s in segments)
        self.file += self.skeleton.take(len(self.skeleton.data) - self.skeleton.at)
        if self.format == "npz":
            self.file = self.zip()
        if self.exact:
            require(len(self.file) == self.file_size and crc32c(self.file) == self.checksum, "file")

    @staticmethod
    def unpack(frame, size):
        require(size <= (1 << 20) + (len(frame) << 16), "declares more than its bytes can hold")
        return unzstd(frame, size)

    def text(self, longest):
        size = self.plan.varint()
        require(size <= longest, "name")
        return self.plan.take(size).decode(errors="replace")

    def choice(self, end):
        value = self.plan.get("B")
        require(value < end, "number out of its range")
        return value

    def before(self):
        index = self.plan.varint()
        require(index < len(self.arrays), "array is not there")
        return index

    def array(self):
        plan = self.plan
        self.names.append(self.text(4096))
        self.choice(5)
        number, rank = plan.get("B"), plan.get("B")
        require(1 <= number <= 10 and rank <= 6, "type or rank")
        dtype = np.dtype(DTYPES[number])
        shape = [plan.varint() for _ in range(rank)]
        read_bound(plan)
        foretold, by_column, order = self.choice(4), self.choice(2), self.choice(3)
        axis = plan.get("B") if order else 0
        require(not order or axis < rank, "axis")
        permutation = self.before() if order == 1 else None
        mask, fill = (self.before(), plan.get("Q")) if self.choice(2) else (None, 0)
        coding, size, checksum = self.choice(2), plan.varint(), plan.get("I")
        payload = self.after.take(size)
        require(crc32c(payload) == checksum, "array: checksum does not match")
        coded = shape[::-1] if by_column else shape
        if coding:
            count = math.prod(coded)
            planes_ = np.frombuffer(self.unpack(payload, count * dtype.itemsize), "u1")
            out = planes_.reshape(dtype.itemsize, count).T.copy().view(dtype).reshape(coded)
        else:
            out = read(payload)
        require(out.dtype == dtype and list(out.shape) == list(coded), "type or shape")
        out = out.T.copy() if by_column else out
        if foretold:
            out = self.unforetell(out, foretold)
        if order:
            p = self.arrays[permutation].astype("i8") if order == 1 else self.walk()
            require(sorted(p) == list(range(shape[axis])), "permutation")
            back = np.empty_like(out)
            back[(slice(None),) * axis + (p,)] = out
            out = back
        if mask is not None:
            out = out.copy()
            constant = np.frombuffer(struct.pack("<Q", fill)[:dtype.itemsize], dtype)[0]
            out[self.arrays[mask].reshape(shape) == 0] = constant
        return out

    @staticmethod
    def unforetell(out, how):
        dtype, shape = out.dtype, out.shape
        rows = out.view("<u%d" % dtype.itemsize).reshape(-1, shape[-1] if len(shape) > 1 else 1)
        if how == 1:
            rows = np.cumsum(rows.ravel(), dtype=rows.dtype)
        elif how == 2:
            rows = np.cumsum(rows, axis=0, dtype=rows.dtype)
        else:
            rows = rows.copy()
            rows[:, 0] = np.cumsum(rows[:, 0], dtype=rows.dtype)
            rows = np.cumsum(rows, axis=1, dtype=rows.dtype)
        return rows.view(dtype).reshape(shape)

    def cells(self):
        for form, index, offsets, skip, width, base in self.topology:
            require(max(index, offsets) < len(self.arrays), "topology")
            numbers = self.arrays[index]
            flat = [int(v) - base for v in numbers.ravel()]
            if form == 0:
                for row in numbers:
                    yield [int(v) - base for v in row[skip:skip + width if width else None]]
            elif form == 1:
                at = 0
                while at < len(flat):
                    n = flat[at] + base
                    yield flat[at + 1:at + 1 + n]
                    at += n + 1
            else:
                ends = [int(e) for e in self.arrays[offsets]]
                for k, (begin, end) in enumerate(zip(ends if form == 3 else [0] + ends,
                                                     ends[1:] if form == 3 else ends)):
                    yield [k] * (form == 3) + flat[begin:end]

    def walk(self):
        cells = list(self.cells())
        cells_of = [[] for _ in range(self.nodes)]
        for number, cell in enumerate(cells):
            for node in cell:
                require(0 <= node < self.nodes, "node")
                cells_of[node].append(number)
        order, met = [], [False] * self.nodes
        for start in range(self.nodes):
            head = len(order)
            if not met[start]:
                met[start] = True
                order.append(start)
            while head < len(order):
                for number in cells_of[order[head]]:
                    for node in cells[number]:
                        if not met[node]:
                            met[node] = True
                            order.append(node)
                    cells[number] = []
                head += 1
        return order

    def segment(self):
        plan = self.plan
        gap, encoding = plan.varint(), self.choice(4)
        if encoding == 3:
            count, columns = plan.varint(), plan.varint()
            require(1 <= columns <= 8, "columns")
            return gap, 3, count, [(self.before(), self.choice(6), self.choice(41))
                                   for _ in range(columns)], 0
        index, first, count = self.before(), plan.varint(), plan.varint()
        require(first + count <= self.arrays[index].size, "elements that are not there")
        return gap, encoding, index, (first, count), plan.get("B") if encoding == 2 else 0

    def stretch(self, gap, encoding, what, which, lead):
        out = self.skeleton.take(gap)
        if encoding == 3:
            text = bytearray()
            for byte in self.skeleton.take(what):
                if 1 <= byte <= len(which):
                    index, kind, precision = which[byte - 1]
                    require(self.next[index] < self.arrays[index].size, "elements")
                    text += number_text(self.arrays[index].flat[self.next[index]], kind, precision)
                    self.next[index] += 1
                else:
                    text.append(byte)
            return out + bytes(text)
        elements = self.arrays[what].ravel()[which[0]:which[0] + which[1]]
        if encoding == 1:
            elements = elements.byteswap()
        elements = elements.tobytes()
        if encoding == 2:
            elements = base64.b64encode(struct.pack("<Q", len(elements))[:lead] + elements)
        return out + elements

    def zip(self):
        """Sums put right; members deflated again."""
        data = bytearray(self.file)
        end = data.rindex(b"PK\5\6")
        count, at = struct.unpack_from("<H4xI", data, end + 10)
        out, directory = bytearray(), bytearray()
        for _ in range(count):
            name, extra, comment, place = struct.unpack_from("<HHH8xI", data, at + 28)
            entry = data[at:at + 46 + name + extra + comment]
            size, = struct.unpack_from("<I", entry, 24)
            head = 30 + sum(struct.unpack_from("<HH", data, place + 26))
            local, plain = data[place:place + head], bytes(data[place + head:place + head + size])
            packed = plain
            if self.packing:
                deflate = zlib.compressobj(self.packing, zlib.DEFLATED, -15, 8)
                packed = deflate.compress(plain) + deflate.flush()
            method, total = 8 if self.packing else 0, zlib.crc32(plain)
            struct.pack_into("<H", local, 8, method)
            struct.pack_into("<I", local, 14, total)
            if struct.unpack_from("<I", local, 18)[0] == 0xFFFFFFFF:
                struct.pack_into("<QQ", local, local.index(b"\1\0", 30 + name) + 4, size, len(packed))
            else:
                struct.pack_into("<II", local, 18, len(packed), size)
            struct.pack_into("<H", entry, 10, method)
            struct.pack_into("<III", entry, 16, total, len(packed), size)
            struct.pack_into("<I", entry, 42, len(out))
            at += len(entry)
            out += local + packed
            directory += entry
        tail = data[end:]
        struct.pack_into("<I", tail, 16, len(out))
        return bytes(out + directory + tail)


def number_text(value, kind, precision):
    if kind == 0:
        return b"%d" % int(value)
    if 1 <= kind <= 3:
        form = "%.*" + "gef"[kind - 1]
        return (form % (precision, float(value))).encode()
    if not np.isfinite(value):
        return (("-" if np.signbit(value) else "") + ("nan" if np.isnan(value) else "inf")).encode()
    plain = np.format_float_positional(value, unique=True, trim="-")
    powers = np.format_float_scientific(value, unique=True, trim="-", exp_digits=2)
    if kind == 4:
        return (plain if len(plain) <= len(powers) else powers).encode()
    if value == 0 or 1e-4 <= abs(float(value)) < 1e16:
        return (plain if "." in plain else plain + ".0").encode()
    return powers.encode()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        np.save(sys.argv[2], read(file.read()))
