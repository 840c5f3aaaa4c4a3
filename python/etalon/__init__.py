"""Error-bounded, region-aware compression of NumPy arrays.

>>> import etalon, numpy
>>> counts = numpy.random.default_rng(1).poisson(2, (3, 64, 64)).astype("u2")
>>> packed = etalon.compress(counts, "abs:1", regions=["box:y=0..8,x=0..8@lossless"])
>>> back = etalon.decompress(packed)
>>> int(abs(back.astype(int) - counts).max()), bool((back[:, :8, :8] == counts[:, :8, :8]).all())
(1, True)

Arrays are of any type of integers from 8 to 64 bits, float32 or float64, with at most six axes;
the last two are (y, x). Every element comes back within its bound, checked while encoding; NaN,
infinities and -0 come back bit for bit. An array in C order and the machine's byte order is used
where it lies, any other is copied first. Python's lock is released while the codec works.

Bounds are text, of an element x in the units of the array:
    lossless                  bit for bit
    abs:E                     E
    rel:R  rel:R,range=A..B   R (B - A), the range of the whole array's finite values
    pwrel:R                   R |x|
    sigma:S,gain=G,noise=N    S sqrt(G max(x, 0) + N^2)
and for `compress` alone the targets psnr:D (at least D dB) and ratio:X (at least X).

Regions are a list, later ones win; each is text, `KIND:key=value,...@BOUND`, or a Region:
    box:y=100..200,x=0..50@BOUND
    annulus:r=50..80,centre=515.3/532.6@BOUND     x/y of the centre, pixels
    active:quantile=0.9[,over=array]@BOUND        where most happens in each image, or in all

Failures are EtalonError, whose `code` says what kind, or TypeError for what is no such array.
"""
import os as _os
from collections.abc import Mapping as _Mapping
from typing import NamedTuple as _NamedTuple

from . import _core
from ._core import EtalonError

__version__ = _core.version
__all__ = ["EtalonError", "Filter", "Region", "SeriesEncoder", "compress", "decode_chunk",
           "decompress", "encode_chunk", "info", "mask_region", "peaks_region"]


class Region(_NamedTuple):
    """Elements with a bound of their own: a map of the image, or squares round centres.

    kind: a name for people, at most 32 ASCII letters.
    bound: text.
    where: (y, x), or of the whole array, true inside; or None.
    centres: pairs of y and x in pixels, of squares of side 2 half + 1; or None.
    """
    kind: str
    bound: str
    where: object = None
    centres: object = None
    half: int = 0


def mask_region(where, bound):
    """The region where a (y, x) array, or one of the whole array's shape, is true."""
    return Region("mask", bound, where=where)


def peaks_region(centres, bound="lossless", half=4):
    """Squares of side 2 half + 1 round peaks: pairs of y and x in pixels."""
    return Region("peaks", bound, centres=centres, half=half)


def compress(array, bound="lossless", *, regions=(), mask=None, dither=False, seed=0, chunk=None,
             level=5, threads=0):
    """A whole array to the bytes of a container.

    array: any shape of at most six axes.
    bound: of elements in no region.
    mask: (y, x), true where pixels are bad: helps the ratio, changes no bound; active regions
        leave these out.
    dither: errors of abs and rel bounds get zero mean; unsigned types come back signed and twice
        as wide. `seed` makes it another.
    chunk: extents of what decodes alone; by default one image, or the whole of fewer than three
        axes.
    level: 1 (memory speed) to 9 (the smallest, slow); every bound holds at every level.
    threads: 0 is one per core; the bytes do not depend on it.

    Raises EtalonError: "usage" for arguments without sense, "check" where no bound meets a target.
    """
    return _core.compress(array, bound, regions, mask, dither, seed, chunk, level, threads)


def decompress(data, *, box=None, threads=0, out=None):
    """The array of a container.

    data: bytes, or anything contiguous that has the buffer protocol (mmap, memoryview, ...).
    box: a slice or a tuple of slices: only chunks that it meets are decoded.
    out: an array of the container's type and shape in C order to write into, which is returned.

    Raises EtalonError: "malformed" when the bytes are no whole container, naming the place; "usage"
    for a box or an `out` that does not fit.
    """
    return _core.decompress(data, box, threads, out)


def encode_chunk(array, bound="lossless", *, regions=(), mask=None, dither=False, seed=0, level=5):
    """One chunk by itself, at most 1 GiB: what the HDF5 filter stores. Arguments as `compress`.

    Stateless. Every chunk that is dithered needs a seed of its own, and rel bounds their range.
    """
    return _core.encode_chunk(array, bound, regions, mask, dither, seed, level)


def decode_chunk(data, *, out=None):
    """The array of a chunk; arguments and errors as `decompress`."""
    return _core.decode_chunk(data, out)


def info(data):
    """What a container or a chunk says of itself.

    A dict: format, dtype (of decoded elements), source (of the original ones), shape, chunk_shape,
    bound, raw_bytes, bytes, ratio, chunks, and regions: a list of dicts with kind ("default" is
    first), bound, elements, share, bytes (modelled) and max_error (measured while encoding, in the
    bound's unit).
    """
    return _core.info(data)


class SeriesEncoder:
    """A container from frames that come one by one, in memory that does not grow with them.

    target: a path, which appears when all is written, or an object with write(bytes).
    dtype, frame: of every frame; at most five axes.
    frames_per_chunk: the last chunk may hold fewer.
    outer: axes between the first one and the frame's; the container's shape is
        (n, *outer, *frame).
    The rest is as in `compress`; rel bounds need their range, and there are no targets. The bytes
    are those of `compress` of the whole with the same chunks.

        with etalon.SeriesEncoder("run.etalon", "u2", (512, 1024), "abs:1") as series:
            for frame in frames:
                series.add(frame)
    """

    def __init__(self, target, dtype, frame, bound="lossless", *, regions=(), mask=None,
                 dither=False, seed=0, frames_per_chunk=1, outer=(), level=5, threads=0):
        self._path = self._part = self._file = None
        write = getattr(target, "write", None)
        if write is None:
            self._path = _os.fspath(target)
            self._part = self._path + ".part"
            self._file = open(self._part, "xb")
            write = self._file.write
        try:
            self._core = _core.SeriesEncoder(write, dtype, frame, bound, regions, mask, dither,
                                             seed, frames_per_chunk, outer, level, threads)
        except BaseException:
            self._drop()
            raise

    def add(self, frame, *, regions=None):
        """Takes a copy of the next frame. regions: of this frame alone, instead of the series'.

        Raises EtalonError; that of an earlier frame may come here, its message names the frame.
        """
        self._core.add(frame, regions)

    def finish(self):
        """Waits for all frames and writes the index; nothing can be added after it."""
        self._core.finish()
        if self._file is not None:
            self._file.close()
            _os.replace(self._part, self._path)
            self._file = None

    def _drop(self):
        if self._file is not None:
            self._file.close()
            _os.remove(self._part)
            self._file = None

    @property
    def frames(self):
        """Frames that were added."""
        return self._core.frames

    @property
    def chunks(self):
        """Chunks that were written."""
        return self._core.chunks

    @property
    def bytes(self):
        """Bytes that were written."""
        return self._core.bytes

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            self._drop()
            return
        try:
            self.finish()
        except BaseException:
            self._drop()
            raise


class Filter(_Mapping):
    """Keyword arguments that make h5py store a dataset under Etalon's HDF5 filter.

        file.create_dataset("a", data=x, **etalon.Filter("abs:1", data=x))
        file.create_dataset("b", (n, 512, 1024), "u2",
                            **etalon.Filter("abs:1", dtype="u2", chunks=(1, 512, 1024)))

    data gives dtype and chunks: one image a chunk. rel bounds need their range; level and dither as
    in `compress`. The dataset must have that dtype and these chunks; with dither its dtype is among
    the arguments, since unsigned elements become signed ones of twice the width. HDF5 finds the
    filter's plugin in HDF5_PLUGIN_PATH, which is read when h5py is imported.
    """
    id = _core.filter_id

    def __init__(self, bound="lossless", *, data=None, dtype=None, chunks=None, level=5,
                 dither=False):
        if data is not None:
            dtype = data.dtype if dtype is None else dtype
            if chunks is None:
                chunks = (1,) * (data.ndim - 2) + tuple(data.shape[-2:])
        if dtype is None or chunks is None:
            raise TypeError("Filter needs data, or dtype and chunks")
        self._arguments = {"chunks": tuple(chunks), "compression": self.id}
        if dither:
            dtype = self._arguments["dtype"] = _core.dithered_dtype(dtype)
        self._arguments["compression_opts"] = _core.cd_values(bound, dtype, chunks, level, dither)

    def __getitem__(self, key):
        return self._arguments[key]

    def __iter__(self):
        return iter(self._arguments)

    def __len__(self):
        return len(self._arguments)
