"""Random items: what cbor2 writes we read, and our deterministic bytes are RFC 8949 section 4.2.1."""

import math
import random
import struct
import subprocess
import sys

try:
    import cbor2
except ImportError:
    print("python3-cbor2 is not installed")
    sys.exit(77)

TOOL = sys.argv[1]
rng = random.Random(11)


def head(major, n):
    for limit, info, form in ((24, None, None), (1 << 8, 24, "B"), (1 << 16, 25, ">H"), (1 << 32, 26, ">I"), (1 << 64, 27, ">Q")):
        if n < limit:
            return bytes([major << 5 | n]) if info is None else bytes([major << 5 | info]) + struct.pack(form, n)
    raise ValueError(n)


def shortest(value):
    """The shortest float that keeps the value. cbor2's canonical form misses halves from 32768 up."""
    if math.isnan(value):
        return bytes.fromhex("f97e00")
    for initial, form in ((0xF9, ">e"), (0xFA, ">f")):
        try:
            raw = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, raw)[0] == value:
            return bytes([initial]) + raw
    return b"\xfb" + struct.pack(">d", value)


def deterministic(value):
    """Section 4.2.1, from the text of the RFC; cbor2's own canonical form sorts keys by length first."""
    if isinstance(value, float):
        return shortest(value)
    if isinstance(value, cbor2.CBORSimpleValue):  # a tuple as well
        return head(7, value.value)
    if isinstance(value, bool) or value is None:
        return cbor2.dumps(value)
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        raw = value.encode()
        return head(3, len(raw)) + raw
    if isinstance(value, (list, tuple)):
        return head(4, len(value)) + b"".join(map(deterministic, value))
    if isinstance(value, dict):
        pairs = sorted((deterministic(k), deterministic(v)) for k, v in value.items())
        return head(5, len(pairs)) + b"".join(k + v for k, v in pairs)
    if isinstance(value, cbor2.CBORTag):
        return head(6, value.tag) + deterministic(value.value)
    raise TypeError(type(value))


def a_float():
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice([0.0, -0.0, math.inf, -math.inf, math.nan, 65504.0, 2.0**-24, 1e300, 5e-324])
    if kind == 1:
        return struct.unpack(">e", rng.randbytes(2))[0]
    if kind == 2:
        return struct.unpack(">f", rng.randbytes(4))[0]
    return struct.unpack(">d", rng.randbytes(8))[0]


def an_int():
    n = rng.randrange(1 << rng.randrange(1, 65))
    return n if rng.random() < 0.5 else -1 - n


def a_text():
    return "".join(chr(rng.choice([rng.randrange(32, 127), rng.randrange(0xA0, 0xD800), rng.randrange(0x10000, 0x11000)])) for _ in range(rng.randrange(6)))


def an_item(depth=0):
    kind = rng.randrange(9 if depth < 5 else 6)
    if kind == 0:
        return an_int()
    if kind == 1:
        return a_float()
    if kind == 2:
        return a_text()
    if kind == 3:
        return rng.randbytes(rng.randrange(40))
    if kind in (4, 5):
        return rng.choice([True, False, None])
    if kind == 6:
        return [an_item(depth + 1) for _ in range(rng.randrange(30 if depth == 0 else 4))]
    if kind == 7:
        return {rng.choice([an_int, a_text])(): an_item(depth + 1) for _ in range(rng.randrange(30 if depth == 0 else 4))}
    return cbor2.CBORTag(rng.choice([23, 24, 40, 56500, 1 << 40]), an_item(depth + 1))


def ask(items):
    lines = "\n".join(item.hex() for item in items) + "\n"
    out = subprocess.run([TOOL, "cbor"], input=lines, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    assert len(out) == len(items), (len(out), len(items))
    return out


values = [an_item() for _ in range(4000)]
for written in (lambda v: cbor2.dumps(v), lambda v: cbor2.dumps(v, canonical=True)):
    for value, answer in zip(values, ask([written(v) for v in values])):
        assert answer == deterministic(value).hex(), (value, answer)

# Changed at random: whatever we accept, cbor2 accepts too and with the same meaning. (The converse
# does not hold: cbor2 takes duplicate keys and bytes after the item.)
broken = []
for value in values:
    raw = bytearray(cbor2.dumps(value))
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    broken.append(bytes(raw))
accepted = compared = 0
for raw, answer in zip(broken, ask(broken)):
    if answer.startswith("error: offset "):
        continue
    accepted += 1
    # cbor2 makes something else of tags with a meaning (or refuses their content), and of
    # "undefined"; items that may hold one say nothing here.
    if any(0xC0 <= byte <= 0xDB or byte == 0xF7 for byte in raw):
        continue
    theirs = deterministic(cbor2.loads(raw))
    compared += 1
    assert answer == theirs.hex(), (raw.hex(), answer)
assert compared > 500, compared
print(f"{2 * len(values)} items agree; of {len(broken)} damaged ones {accepted} are still well-formed, {compared} of them agree")
