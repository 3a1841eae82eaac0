"""The dtype of the columns that hold shapes: JSON text in Arrow, plain lists and dicts on access.

Shapes are most of the bytes of an export. They stay text until one is asked for, so that reading
costs nothing, memory is that of the file, and what is written again is equal.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.extensions import ExtensionArray, ExtensionDtype, register_extension_dtype
from pandas.api.indexers import check_array_indexer
from pandas.api.types import is_integer, is_list_like

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.shapes.rle import BROKEN, compress_counts, rle_area


@register_extension_dtype
class SegmentationDtype(ExtensionDtype):
    """The dtype ``"segmentation"``: each value a shape.

    A value is a list of numbers (polyline, point, keypoints), a list of rings (polygon), or an RLE
    dict ``{"size": [height, width], "counts": str}``; coordinates are pixels. Missing is NaN.
    """

    name = "segmentation"
    type = object
    kind = "O"
    na_value = np.nan

    @classmethod
    def construct_array_type(cls) -> Any:
        """The array that holds values of this dtype."""
        return SegmentationArray

    def __from_arrow__(self, array: pa.Array | pa.ChunkedArray) -> SegmentationArray:
        return SegmentationArray(array)


@functools.cache
def _codec() -> tuple[Callable[[str], Any], Callable[[Any], bytes]]:
    import msgspec

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        raise TypeError(f"a shape cannot hold a {type(value).__name__}")

    return msgspec.json.decode, msgspec.json.Encoder(enc_hook=plain).encode


def decode_shape(text: str) -> Any:
    """Return plain lists, or an RLE dict whose ``counts`` is text, from JSON text.

    Numbers that no float can hold become infinite: no valid shape has any, and whoever uses it refuses it.
    """
    try:
        value = _codec()[0](text)
    except ValueError as error:
        try:
            value = json.loads(text, parse_int=lambda number: int(number) if len(number) < 309 else float(number))
        except ValueError:
            raise error from None
    return compressed(value) if isinstance(value, dict) else value


def compressed(rle: dict[str, Any]) -> dict[str, Any]:
    """An RLE whose ``counts`` is text, where it came as a list of runs."""
    if isinstance(rle.get("counts"), list):
        try:
            rle["counts"] = compress_counts(rle["counts"])
        except (TypeError, ValueError, OverflowError):
            return rle  # broken runs are handed out as they came; check() tells
    return rle


def same_shape(text: str | None, other: str | None) -> bool:
    """Whether two JSON texts are one shape, also where they are written with other spaces or digits."""
    return text == other or (text is not None and other is not None and bool(decode_shape(text) == decode_shape(other)))


def texts_of(column: pd.Series) -> list[str | None]:
    """The JSON texts of a column of shapes, None for what is missing; of any dtype."""
    shapes: Any = column if column.dtype == "segmentation" else column.astype("segmentation")
    return shapes.array.texts().to_pylist()  # type: ignore[no-any-return]


def encode_shape(value: Any) -> str | None:
    """JSON text from a list, a dict, or JSON text itself; None for what is missing."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, str):
        try:
            decode_shape(value)
        except ValueError as problem:
            raise InvalidArgumentError(f"a shape as text is JSON, not {value[:40]!r}: {problem}.") from None
        return value
    if not isinstance(value, list | tuple | dict | np.ndarray):
        raise TypeError(f"a shape is a list, an RLE dict or JSON text, not {type(value).__name__}")
    if isinstance(value, dict) and isinstance(value.get("counts"), bytes):
        value = {**value, "counts": value["counts"].decode("ascii")}
    return _codec()[1](value).decode()


def describe_shape(value: Any) -> str:
    """A few words for a frame's repr.

    Examples
    --------
    >>> describe_shape([[0, 0, 4, 0, 4, 3], [9, 9, 12, 9, 12, 12]])
    'polygon, 2 rings, 6 points'
    """
    if isinstance(value, dict):
        size = value.get("size")
        if not (isinstance(size, list) and len(size) == 2):
            return "mask"
        try:
            return f"mask {size[0]} x {size[1]}, {rle_area(value):,} pixels"
        except BROKEN:
            return f"mask {size[0]} x {size[1]}"  # it does not hold together; check() tells
    if isinstance(value, list):
        if value and all(isinstance(ring, list) for ring in value):
            points = sum(len(ring) for ring in value) // 2
            return f"polygon, {len(value)} ring{'s' * (len(value) > 1)}, {points} points"
        return f"{len(value)} numbers"
    return str(value)


def _taken(texts: pa.ChunkedArray, positions: np.ndarray[Any, np.dtype[np.int64]]) -> pa.ChunkedArray:
    """The texts at these positions; rows in order are taken piece by piece, since Arrow would join all pieces first."""
    if texts.num_chunks < 2 or (np.diff(positions) < 0).any():
        return texts.take(pa.array(positions))
    ends = np.cumsum([len(chunk) for chunk in texts.chunks])
    cuts = [0, *np.searchsorted(positions, ends).tolist()]
    pieces = [
        chunk.take(pa.array(positions[start:stop] - (end - len(chunk))))
        for chunk, end, start, stop in zip(texts.chunks, ends.tolist(), cuts, cuts[1:], strict=False)
        if stop > start
    ]
    return pa.chunked_array(pieces, texts.type)


class SegmentationArray(ExtensionArray):
    """Shapes over one chunked Arrow array of JSON text.

    Parameters
    ----------
    texts : pyarrow.Array or pyarrow.ChunkedArray of strings
        JSON; not looked at until a value is asked for.
    """

    __array_priority__ = 1000

    def __init__(self, texts: pa.Array | pa.ChunkedArray) -> None:
        if isinstance(texts, pa.Array):
            texts = pa.chunked_array([texts])
        # In pieces, as a reader makes them: joining them would copy most of the bytes of an export.
        self._held: list[pa.ChunkedArray] = [texts.cast(pa.large_string())]  # views share this list

    @property
    def _texts(self) -> pa.ChunkedArray:
        return self._held[0]

    # --- from and to other forms

    @classmethod
    def _from_sequence(cls, scalars: Iterable[Any], *, dtype: object = None, copy: bool = False) -> SegmentationArray:
        if isinstance(scalars, cls):
            return scalars
        return cls(pa.array([encode_shape(value) for value in scalars], pa.large_string()))

    @classmethod
    def _from_sequence_of_strings(
        cls, strings: Iterable[Any], *, dtype: object = None, copy: bool = False
    ) -> SegmentationArray:
        return cls._from_sequence(None if value == "" else value for value in strings)

    @classmethod
    def _from_factorized(cls, values: Any, original: SegmentationArray) -> SegmentationArray:
        return cls(pa.array(values, pa.large_string()))

    def __arrow_array__(self, type: pa.DataType | None = None) -> pa.ChunkedArray:
        return self._texts if type is None else self._texts.cast(type)

    def texts(self) -> pa.ChunkedArray:
        """The JSON texts, as they are held."""
        return self._texts

    def _text_objects(self) -> np.ndarray[Any, np.dtype[Any]]:
        return np.array(self._texts.to_pylist(), dtype=object)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if copy is False:
            raise ValueError("Unable to avoid copy while creating an array as requested.")
        values = np.empty(len(self), dtype=object)
        for position, value in enumerate(self):
            values[position] = value
        return values if dtype is None else values.astype(dtype)

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """As pandas has it; text dtypes give the JSON text."""
        dtype = pd.api.types.pandas_dtype(dtype)
        if isinstance(dtype, SegmentationDtype):
            return self.copy() if copy else self
        if isinstance(dtype, pd.StringDtype):
            return dtype.construct_array_type()._from_sequence(self._texts.to_pylist(), dtype=dtype)
        if isinstance(dtype, np.dtype) and dtype.kind == "U":
            return np.array(self._texts.to_pylist(), dtype=dtype)
        return super().astype(dtype, copy=copy)

    # --- what pandas asks of every array

    @property
    def dtype(self) -> SegmentationDtype:
        """The dtype, ``segmentation``."""
        return SegmentationDtype()

    @property
    def nbytes(self) -> int:
        """Bytes of the texts and their offsets."""
        return int(self._texts.nbytes)

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[Any]:
        for chunk in self._texts.chunks if isinstance(self._texts, pa.ChunkedArray) else [self._texts]:
            for start in range(0, len(chunk), 10_000):  # of Arrow's values one by one each costs more than its decoding
                for text in chunk.slice(start, 10_000).to_pylist():
                    yield self.dtype.na_value if text is None else decode_shape(text)

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, tuple):  # arr[..., key], which pandas may ask for
            item = tuple(part for part in item if part is not Ellipsis)
            if len(item) > 1:
                raise IndexError("too many indices for array")
            item = item[0] if item else slice(None)
        if item is Ellipsis:
            item = slice(None)
        if is_integer(item):
            position = int(item) + (len(self) if item < 0 else 0)
            if not 0 <= position < len(self):
                raise IndexError(f"index {item} is out of bounds for axis 0 with size {len(self)}")
            text = self._texts[position].as_py()
            return self.dtype.na_value if text is None else decode_shape(text)
        item = check_array_indexer(self, item)
        if isinstance(item, slice):
            start, stop, step = item.indices(len(self))
            if (start, stop, step) == (0, len(self), 1):
                return self.view()
            if step == 1:
                return type(self)(self._texts.slice(start, max(stop - start, 0)))
            item = np.arange(len(self))[item]
        if not isinstance(item, np.ndarray):
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or "
                f"boolean arrays are valid indices, not {item!r}"
            )
        if item.dtype == bool:
            return type(self)(self._texts.filter(pa.array(item)))
        return self.take(item.tolist())

    def __setitem__(self, key: Any, value: Any) -> None:
        if getattr(self, "_readonly", False):
            raise ValueError("Cannot modify read-only array")
        key = check_array_indexer(self, key)
        texts = self._text_objects()
        if is_integer(key):
            if isinstance(value, type(self)):
                raise ValueError("setting an array element with a sequence.")
            texts[key] = encode_shape(value)
        elif (shapes := self._sequence_for(value, len(texts[key]))) is not None:
            texts[key] = shapes._text_objects()
        else:
            texts[key] = encode_shape(value)
        self._held[0] = pa.chunked_array([pa.array(texts, pa.large_string())])

    @classmethod
    def _sequence_for(cls, value: Any, length: int) -> SegmentationArray | None:
        """The value as `length` shapes, or None where it is one shape: both may be lists."""
        if isinstance(value, cls):
            return value
        if isinstance(value, dict | str) or not is_list_like(value):
            return None
        values = list(value)
        if len(values) != length and values and isinstance(values[0], list | int | float):
            return None  # numbers or rings of one shape
        try:
            return cls._from_sequence(values)
        except TypeError:
            return None  # as many numbers as positions: one shape after all

    def isna(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where the shape is missing."""
        return np.asarray(pc.is_null(self._texts).to_numpy(zero_copy_only=False), dtype=bool)

    def take(self, indices: Sequence[int], *, allow_fill: bool = False, fill_value: Any = None) -> SegmentationArray:
        """The shapes at these positions; with `allow_fill`, -1 stands for `fill_value`."""
        positions = np.asarray(indices, dtype=np.int64)
        size = len(self)
        if not size and len(positions) and not (allow_fill and (positions == -1).all()):
            raise IndexError("cannot do a non-empty take from an empty axes.")
        if allow_fill:
            if (positions < -1).any():
                raise ValueError("indices must be -1 or positions, where allow_fill is true")
            if len(positions) and positions.max() >= size:
                raise IndexError("out of bounds value in 'indices'")
            missing = positions == -1
            if not missing.any():
                return type(self)(_taken(self._texts, positions))
            taken = self._texts.take(pa.array(positions, mask=missing))
            fill = encode_shape(fill_value)
            return type(self)(taken if fill is None else pc.if_else(pa.array(missing), fill, taken))
        if len(positions) and (positions.max() >= size or positions.min() < -size):
            raise IndexError("out of bounds value in 'indices'")
        return type(self)(_taken(self._texts, np.where(positions < 0, positions + size, positions)))

    def copy(self) -> SegmentationArray:
        """A copy; the Arrow memory is never written to, so it is shared."""
        return type(self)(self._texts)

    def view(self, dtype: Any = None) -> Any:
        """Another array over the same memory."""
        if dtype is not None:
            return super().view(dtype)
        other = type(self)(self._texts)
        other._held = self._held
        if getattr(self, "_readonly", False):  # pandas 3 marks arrays so
            other._readonly = True
        return other

    def transpose(self, *axes: int) -> SegmentationArray:
        """A view: one dimension stays one."""
        return self.view()  # type: ignore[no-any-return]

    def __contains__(self, item: object) -> bool:
        if isinstance(item, float):
            return item != item and bool(self.isna().any())
        return isinstance(item, list | dict) and encode_shape(item) in self._texts.to_pylist()

    @classmethod
    def _concat_same_type(cls, to_concat: Sequence[SegmentationArray]) -> SegmentationArray:
        chunks = [chunk for array in to_concat for chunk in array._texts.chunks]
        return cls(pa.chunked_array(chunks, pa.large_string()))

    def __reduce__(self) -> Any:
        return type(self), (self._texts,)

    # --- equality, by the text

    def _compare(self, other: Any, equal: bool) -> Any:
        if isinstance(other, pd.Series | pd.DataFrame | pd.Index):
            return NotImplemented
        try:
            shapes = self._sequence_for(other, len(self))
            texts = shapes._texts if shapes is not None else encode_shape(other)
        except (TypeError, ValueError):
            texts = None  # what is no shape equals none
        if isinstance(texts, pa.ChunkedArray) and len(texts) != len(self):
            raise ValueError("Lengths must match to compare")
        if texts is None:
            return np.full(len(self), not equal)
        same = pc.fill_null(pc.equal(self._texts, texts), False)
        return np.asarray(same.to_numpy(zero_copy_only=False), dtype=bool) == equal

    def __eq__(self, other: object) -> Any:
        return self._compare(other, equal=True)

    def __ne__(self, other: object) -> Any:
        return self._compare(other, equal=False)

    def _refuse(self, other: Any) -> Any:
        if isinstance(other, pd.Series | pd.DataFrame | pd.Index):
            return NotImplemented
        raise TypeError("shapes have no order, and nothing can be added to them")

    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __pow__ = __rpow__ = _refuse
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = __truediv__ = __rtruediv__ = _refuse
    __divmod__ = __rdivmod__ = _refuse

    def equals(self, other: object) -> bool:
        """Whether both hold the same texts."""
        return type(other) is type(self) and bool(self._texts.equals(other._texts))

    def _values_for_factorize(self) -> tuple[np.ndarray[Any, np.dtype[Any]], None]:
        return self._text_objects(), None

    def _values_for_argsort(self) -> np.ndarray[Any, np.dtype[Any]]:
        return self._text_objects()

    def unique(self) -> SegmentationArray:
        """Each shape once, in the order of the first of each."""
        return type(self)(pc.unique(self._texts))

    def duplicated(self, keep: Any = "first") -> Any:
        """Which shapes stand earlier (or later) already, by their text."""
        return pd.Series(self._text_objects(), dtype=object).duplicated(keep=keep).to_numpy()

    def value_counts(self, dropna: bool = True) -> Any:
        """How often each shape occurs, by its text."""
        counts = pd.Series(self._text_objects(), dtype=object).value_counts(dropna=dropna)
        counts.index = pd.Index(self._from_sequence(counts.index))
        return counts

    # --- how it looks

    def _formatter(self, boxed: bool = False) -> Callable[[Any], str]:
        return describe_shape
