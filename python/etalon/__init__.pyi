import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, NamedTuple, Optional, Protocol, TypedDict, Union

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__version__: str

_Bytes = Union[bytes, bytearray, memoryview, NDArray[Any], Any]
_Extents = Union[int, Sequence[int]]

class EtalonError(Exception):
    code: Literal["usage", "malformed", "check", "io", "missing", "interrupted"]

class Region(NamedTuple):
    kind: str
    bound: str
    where: Optional[ArrayLike] = ...
    centres: Optional[Iterable[Sequence[int]]] = ...
    half: int = ...

_Regions = Iterable[Union[str, Region]]

class RegionInfo(TypedDict):
    kind: str
    bound: str
    elements: int
    share: float
    bytes: int
    max_error: float

class Info(TypedDict):
    format: str
    dtype: np.dtype[Any]
    source: np.dtype[Any]
    shape: tuple[int, ...]
    chunk_shape: tuple[int, ...]
    bound: str
    raw_bytes: int
    bytes: int
    ratio: float
    chunks: int
    regions: list[RegionInfo]

class _Sink(Protocol):
    def write(self, data: bytes, /) -> Any: ...

def mask_region(where: ArrayLike, bound: str) -> Region: ...
def peaks_region(
    centres: Iterable[Sequence[int]], bound: str = ..., half: int = ...
) -> Region: ...
def compress(
    array: ArrayLike,
    bound: str = ...,
    *,
    regions: _Regions = ...,
    mask: Optional[ArrayLike] = ...,
    dither: bool = ...,
    seed: int = ...,
    chunk: Optional[_Extents] = ...,
    level: int = ...,
    threads: int = ...,
) -> bytes: ...
def decompress(
    data: _Bytes,
    *,
    box: Union[None, slice, tuple[slice, ...]] = ...,
    threads: int = ...,
    out: Optional[NDArray[Any]] = ...,
) -> NDArray[Any]: ...
def encode_chunk(
    array: ArrayLike,
    bound: str = ...,
    *,
    regions: _Regions = ...,
    mask: Optional[ArrayLike] = ...,
    dither: bool = ...,
    seed: int = ...,
    level: int = ...,
) -> bytes: ...
def decode_chunk(data: _Bytes, *, out: Optional[NDArray[Any]] = ...) -> NDArray[Any]: ...
def info(data: _Bytes) -> Info: ...

class SeriesEncoder:
    def __init__(
        self,
        target: Union[str, os.PathLike[str], _Sink],
        dtype: DTypeLike,
        frame: _Extents,
        bound: str = ...,
        *,
        regions: _Regions = ...,
        mask: Optional[ArrayLike] = ...,
        dither: bool = ...,
        seed: int = ...,
        frames_per_chunk: int = ...,
        outer: _Extents = ...,
        level: int = ...,
        threads: int = ...,
    ) -> None: ...
    def add(self, frame: ArrayLike, *, regions: Optional[_Regions] = ...) -> None: ...
    def finish(self) -> None: ...
    @property
    def frames(self) -> int: ...
    @property
    def chunks(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    def __enter__(self) -> SeriesEncoder: ...
    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None: ...

class Filter(Mapping[str, Any]):
    id: int
    def __init__(
        self,
        bound: str = ...,
        *,
        data: Optional[NDArray[Any]] = ...,
        dtype: Optional[DTypeLike] = ...,
        chunks: Optional[Sequence[int]] = ...,
        level: int = ...,
        dither: bool = ...,
    ) -> None: ...
    def __getitem__(self, key: str) -> Any: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
