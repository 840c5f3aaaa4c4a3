#!/usr/bin/env python3
"""Reads Etalon containers and chunks: formats/container.md in Python, for reading rather than speed.

    import reader; array = reader.read(open("a.etalon", "rb").read())
    reader.py IN.etalon OUT.npy

Independent of the C++ code. Needs numpy; a chunk that fell back to zstd needs libzstd too.
"""
import ctypes
import ctypes.util
import struct
import sys

import numpy as np

DTYPES = [None, "u1", "<u2", "<u4", "<u8", "i1", "<i2", "<i4", "<i8", "<f4", "<f8"]
STORED, ZSTD, PLANES, COUNTS, SCALED, OFFSET = range(6)


class Malformed(Exception):
    pass


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
        self.p, self.seen = 32768, 0


class Uint:
    def __init__(self):
        self.length, self.top = [Bit() for _ in range(64)], [Bit() for _ in range(64)]


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
        m.seen, rate = (m.seen + 1, m.seen + 2) if m.seen < 4 else (4, 5)
        m.p += -(m.p >> rate) if bit else (65536 - m.p) >> rate
        m.p = min(max(m.p, 64), 65472)
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

    def int(self, m):
        return unzigzag(self.uint(m))

    def rects(self, ny, nx, labels):
        count, gap, height, width, label = (Uint() for _ in range(5))
        rects, start, last, area = [], -1, 1, 0
        for _ in range(self.uint(count)):
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

    def tables(self, count, symbols):
        last_model, models = Uint(), [Uint() for _ in range(14)]
        tables, last = [], 0
        for _ in range(count):
            last += self.int(last_model)
            require(0 <= last < symbols, "tables: symbol out of range")
            f, left, before = np.zeros(256, np.uint32), 4096, 4096
            for s in range(last):
                before = self.uint(models[before.bit_length()])
                require(before < left, "tables: frequencies exceed their sum")
                f[s] = before
                left -= before
            f[last] = left
            tables.append(f)
        return tables


def label_map(rects, ny, nx):
    labels = np.zeros((ny, nx), np.uint8)
    for y, x, h, w, label in rects:
        labels[y:y + h, x:x + w] = label
    return labels


# --- section 4: symbols ------------------------------------------------------------------------
def rans(data, contexts, tables):
    n = len(contexts)
    lanes = 32 if n >= 8192 else 4 if n >= 256 else 1
    require(len(data) >= 4 * lanes and len(data) % 2 == 0, "symbols: truncated")
    states = np.frombuffer(data, "<u4", lanes).astype(np.uint64)
    words = np.frombuffer(data, "<u2", offset=4 * lanes).astype(np.uint64)
    require((states >= 65536).all(), "symbols: impossible state")
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
    require((states == 65536).all(), "symbols: wrong final state")
    require(at == len(words), "symbols: words left over")
    return out


# --- section 7: byte planes --------------------------------------------------------------------
def planes(data, dtype, grid):
    data = Bytes(data)
    side = Side(data.take(data.varint()))
    axes, tables = side.raw(2), side.tables(dtype.itemsize, 256)
    n = grid[0] * grid[1] * grid[2]
    word = np.dtype("<u%d" % dtype.itemsize)
    words = np.zeros(n, np.uint64)
    for k in range(dtype.itemsize):
        symbols = rans(data.take(data.varint()), np.zeros(n, np.uint8), [tables[k]])
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
    return (total + (1 << (ty + tx + 2))) >> (ty + tx + 3)


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


def counts(sections, regions, fills, dtype, grid):
    """The integers, and the fill label of every element, both of the grid's shape."""
    np_, ny, nx = grid
    side = Side(sections.get(2, b""))
    predictor, split = side.raw(3), 7 if side.raw(1) else 5
    require(predictor <= 4, "unknown predictor")
    m = Uint()
    bounds = [side.uint(m) for _ in range(regions)]
    require(max(bounds) < 1 << 32, "bound out of range")
    fill = label_map(side.rects(np_ * ny, nx, fills + 1), np_ * ny, nx).reshape(grid)
    region = label_map(side.rects(ny, nx, regions) if regions > 1 else [], ny, nx)
    ty, tx = side.raw(4), side.raw(4)
    shape = -(-ny >> ty), -(-nx >> tx)
    context = np.stack([classes(read_levels(side, *shape), ny, nx, ty, tx) for _ in range(np_)])
    unsigned = dtype.kind == "u"
    counts_model, widths, phase_model = Uint(), Uint(), Uint()
    table_of = np.zeros((regions, 128), np.int64)
    label_of, phase_of = [], []
    for label in range(regions):
        count, first = side.uint(counts_model) + 1, 0
        require(count <= 128 and len(label_of) + count <= 255, "too many tables")
        for i in range(count):
            if i:
                first += side.uint(widths) + 1
            require(first < 128, "class out of range")
            has_phase = unsigned and predictor == 0 and bounds[label]
            phase_of.append(side.uint(phase_model) if has_phase else 0)
            require(phase_of[-1] <= 2 * bounds[label], "phase out of range")
            table_of[label, first:] = len(label_of)
            label_of.append(label)
    tables = side.tables(len(label_of), (1 << split) + 4 * (32 - split))
    silent = np.zeros(256, np.uint32)
    silent[0] = 4096
    context = table_of[region[None], context]
    context[fill != 0] = len(tables)
    context = context.reshape(-1)
    tokens = rans(sections.get(3, b""), context, tables + [silent])

    u = tokens.astype(np.int64)
    raw, at = int.from_bytes(sections.get(4, b""), "little"), 0
    bits = np.unpackbits(np.frombuffer(sections.get(4, b""), np.uint8), bitorder="little")
    del raw
    for i in np.flatnonzero(tokens >= 1 << split):
        k = int(tokens[i]) - (1 << split)
        n = split - 2 + (k >> 2)
        require(at + n <= len(bits), "raw bits: not as many as the tokens ask for")
        low = sum(int(b) << j for j, b in enumerate(bits[at:at + n]))
        u[i] = (4 | k & 3) << n | low
        at += n
    require(len(bits) - at < 8 and not bits[at:].any(),
            "raw bits: not as many as the tokens ask for")

    limits = np.iinfo(dtype)
    low, high = int(limits.min), int(limits.max)
    bound = np.array([bounds[label] for label in label_of] + [0], np.int64)[context]
    q = u if predictor == 0 and unsigned else u >> 1 ^ -(u & 1)
    if predictor == 0:
        offset = bound - np.array(phase_of + [0], np.int64)[context] if unsigned else 0
        value = np.clip(q * (2 * bound + 1) + offset, low, high)
        return value.astype(dtype).reshape(grid), fill
    out = [[[0] * nx for _ in range(ny)] for _ in range(np_)]
    q, bound, i, width = q.tolist(), bound.tolist(), 0, 1 << (8 * dtype.itemsize)
    for p in range(np_):
        for y in range(ny):
            row = out[p][y]
            for x in range(nx):
                v = predict(predictor, out, p, y, x, low, high) + q[i] * (2 * bound[i] + 1)
                row[x] = min(max(v, low), high) if bound[i] else (v - low) % width + low
                i += 1
    return np.array(out).astype(dtype).reshape(grid), fill


def unzstd(data, size):
    library = ctypes.util.find_library("zstd")
    require(library is not None, "this chunk needs libzstd")
    zstd, out = ctypes.CDLL(library), ctypes.create_string_buffer(max(size, 1))
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    got = zstd.ZSTD_decompress(out, ctypes.c_size_t(size), bytes(data), ctypes.c_size_t(len(data)))
    require(got == size, "zstd frame is damaged")
    return out.raw[:size]


# --- section 3: chunk --------------------------------------------------------------------------
def read_sections(data):
    data = bytes(data)
    require(len(data) >= 12, "truncated")
    require(data[:3] == b"Etc", "not an Etalon chunk")
    require(data[3] == 1, "format version")
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
        require(tag <= 6, "unknown section")
        require(payload, "empty section")
        require(last or tag == 1, "no head before the first section")
        sections[tag], last = payload, tag
    require(sections, "no head")
    return sections


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
    require(engine <= 5, "unknown engine")
    require(1 <= count <= 16, "must have 1 to 16 regions")
    regions = []
    for _ in range(count):
        length = head.get("B")
        require(length <= 32, "region name longer than 32 bytes")
        name = head.take(length).decode("ascii", "strict")
        kind = head.get("B")
        require(kind <= 1, "unknown bound")
        bound, error = (head.get("d"), head.get("d")) if kind else (0, 0)
        require(0 <= error <= bound < float("inf"), "measured error exceeds its bound")
        regions.append((name, kind, bound, error, head.varint(), head.varint()))
    require(sum(r[4] for r in regions) == n, "regions do not hold the elements there are")
    fills = head.get("B")
    require(fills <= 3, "more than 3 fill values")
    fills = [head.take(dtype.itemsize) for _ in range(fills)]
    step = head.get("d") if engine == SCALED else 0
    base = head.get("Q") if engine == OFFSET else 0
    require(head.done(), "bytes left over in the head")
    return dtype, tuple(shape), n, engine, regions, fills, step, base


def read_chunk(data):
    sections = read_sections(data)
    dtype, shape, n, engine, regions, fills, step, base = read_head(sections[1], len(data))
    payload = sections.get(6, b"")
    grid = [1, 1, 1]
    for i, extent in enumerate(shape[::-1]):
        grid[max(2 - i, 0)] *= extent
    if len(regions) == 1 and grid[1] * grid[2] < 4096:
        grid = [1, grid[0] * grid[1], grid[2]]
    if engine == STORED:
        require(len(payload) == n * dtype.itemsize, "stored bytes are not as many as declared")
        return np.frombuffer(payload, dtype).reshape(shape)
    if engine == ZSTD:
        return np.frombuffer(unzstd(payload, n * dtype.itemsize), dtype).reshape(shape)
    if engine == PLANES:
        return planes(payload, dtype, grid).reshape(shape)
    require(n > 0, "no elements to code")
    kinds = {COUNTS: dtype, SCALED: np.dtype("<i4"), OFFSET: np.dtype("<u4")}
    labels = len(fills) + (engine == SCALED)
    q, fill = counts(sections, len(regions), labels, kinds[engine], grid)
    if engine == COUNTS:
        out = q
    elif engine == SCALED:
        with np.errstate(over="ignore"):
            out = (q.astype(np.float64) * step).astype(dtype)
    else:
        out = (q.astype(np.uint64) + np.uint64(base)).view(dtype)
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
    require(data[6:8] == b"\0\1", "format version")

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
    number, rank, _, reserved, _ = struct.unpack_from("<BBBBd", header)
    require(reserved == 0, "reserved byte is not zero")
    chunk_shape = struct.unpack_from("<%dQ" % rank, header, 12)
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


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        np.save(sys.argv[2], read(file.read()))
