"""SIMPLON stream v2 as its specification has it: reads messages with cbor2 and libraries that Etalon does not use.

bslz4 payloads are decoded by the Bitshuffle filter of hdf5plugin: they are what that filter stores.
"""
import os
import struct
import sys
import tempfile

try:
    import cbor2
    import h5py
    import hdf5plugin
    import lz4.block
    import numpy as np
    import zmq
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

TYPES = {64: "<u1", 69: "<u2", 70: "<u4", 85: "<f4"}


def by_bitshuffle(payload, dtype, count):
    """What the HDF5 filter makes of a chunk that is stored as it came."""
    with tempfile.TemporaryDirectory() as folder:
        with h5py.File(os.path.join(folder, "chunk.h5"), "w") as file:
            dataset = file.create_dataset("data", (count,), dtype, chunks=(count,),
                                          compression=hdf5plugin.Bitshuffle.filter_id, compression_opts=(0, 2))
            dataset.id.write_direct_chunk((0,), payload)
            file.flush()
            return dataset[...]


def by_lz4(payload, size, block):
    """Blocks with their lengths; one of its full length is stored."""
    at, out = 12, b""
    while len(out) < size:
        length = struct.unpack(">I", payload[at:at + 4])[0]
        full = min(block, size - len(out))
        piece = payload[at + 4:at + 4 + length]
        out += piece if length == full else lz4.block.decompress(piece, uncompressed_size=full)
        at += 4 + length
    assert at == len(payload) and len(out) == size
    return out


def elements(tag):
    dtype = np.dtype(TYPES[tag.tag])
    content = tag.value
    if isinstance(content, bytes):
        return np.frombuffer(content, dtype)
    assert content.tag == 56500, content.tag
    algorithm, element_size, payload = content.value
    size, block = struct.unpack(">QI", payload[:12])
    assert size % dtype.itemsize == 0 and block > 0
    if algorithm == "bslz4":
        assert element_size == dtype.itemsize
        return by_bitshuffle(payload, dtype, size // dtype.itemsize)
    assert algorithm == "lz4" and element_size == 0, (algorithm, element_size)
    return np.frombuffer(by_lz4(payload, size, block), dtype)


def image(tag):
    assert tag.tag == 40, tag.tag
    shape, typed = tag.value
    assert len(shape) == 2
    return elements(typed).reshape(shape)


def read(message):
    """The map of one message; its keys in the order in which they came."""
    assert message[:3] == b"\xd9\xd9\xf7", "not self-described"
    content = cbor2.loads(message)
    assert next(iter(content)) == "type"
    return content


def receive(address, limit_ms=60000):
    """Every message up to the end, as a PULL client takes them."""
    with zmq.Context() as context, context.socket(zmq.PULL) as client:
        client.setsockopt(zmq.RCVTIMEO, limit_ms)
        client.setsockopt(zmq.LINGER, 0)
        client.connect(address)
        while True:
            parts = client.recv_multipart()
            assert len(parts) == 1
            message = read(parts[0])
            yield message
            if message["type"] == "end":
                return
