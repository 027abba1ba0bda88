"""Frozen domain values ↔ strict JSON, driven by their own type hints; never pickle.

The form of each type is found once and kept as a function, so that the thousands of values of one
recording cost little.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Encode: TypeAlias = Callable[[object], Json]
Decode: TypeAlias = Callable[[Json], object]
T = TypeVar("T")

#: Values written as text, and how each is read back.
TEXTUAL: Mapping[type, Callable[[str], object]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    uuid.UUID: uuid.UUID,
}


def dumps(document: Json) -> str:
    """Return compact ASCII JSON text; ``ValueError`` on NaN and infinities."""
    return json.dumps(document, allow_nan=False, ensure_ascii=True, separators=(",", ":"))


def encode(value: object) -> Json:
    """Return ``value`` as JSON; ``TypeError`` for what has no place in a document.

    A mapping becomes an object when its keys are text and a list of pairs otherwise.
    """
    kind: type = type(value)
    return _encoder(kind)(value)


def encode_fields(value: object, *, without: Collection[str] = ()) -> dict[str, Json]:
    """Return a dataclass as a JSON object, leaving out the fields kept elsewhere."""
    kind: type = type(value)
    return {name: encode(getattr(value, name)) for name in _names(kind) if name not in without}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _encoder(kind: type) -> Encode:
    if dataclasses.is_dataclass(kind):
        return encode_fields
    for base, form in FORMS:
        if issubclass(kind, base):
            return form
    raise TypeError(f"no JSON form for {kind.__name__}")


def _as_it_is(value: object) -> Json:
    return cast("Json", value)


def _encode_items(value: object) -> Json:
    items = cast("Collection[object]", value)
    # Sample indices are most of what is stored: whole rows of them go through as they are.
    if set(map(type, items)) <= {int}:
        return list(cast("Collection[int]", items))
    return [encode(item) for item in items]


def _encode_numpy(value: object) -> Json:
    return encode(cast("np.generic", value).item())


def _encode_instant(value: object) -> Json:
    return cast("date", value).isoformat()


def _encode_float(value: object) -> float:
    number = float(cast("float", value))
    if not math.isfinite(number):
        raise ValueError("a document holds finite numbers only")
    return number


def _encode_mapping(value: object) -> Json:
    mapping = cast("Mapping[object, object]", value)
    if all(isinstance(key, str) for key in mapping):
        return {str(key): encode(item) for key, item in mapping.items()}
    return [[encode(key), encode(item)] for key, item in mapping.items()]


#: The form of each sort of value that is no dataclass; the first that fits.
FORMS: tuple[tuple[type, Encode], ...] = (
    (str, str),
    (int, _as_it_is),
    (types.NoneType, _as_it_is),
    (float, _encode_float),
    (tuple, _encode_items),
    (list, _encode_items),
    (Mapping, _encode_mapping),
    (np.generic, _encode_numpy),
    (date, _encode_instant),
    (uuid.UUID, str),
)


def decode(kind: type[T], document: Json, **given: object) -> T:
    """Return the value of type ``kind`` that ``encode`` wrote; ``given`` are fields kept elsewhere.

    Fields missing from an older document take their defaults; unknown fields and values of another
    type are refused with ``ValueError``.
    """
    hint: type = kind
    decoded = _decode_dataclass(hint, document, given) if given else _decoder(hint)(document)
    return cast("T", decoded)


@cache
def _decoder(hint: object) -> Decode:
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        (inner,) = (_decoder(option) for option in get_args(hint) if option is not types.NoneType)
        return lambda document: None if document is None else inner(document)
    if origin is tuple:
        return _tuple_decoder(get_args(hint))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_decoder(*get_args(hint))
    if not isinstance(hint, type):
        raise TypeError(f"no JSON form for {hint}")
    if dataclasses.is_dataclass(hint):
        return lambda document: _decode_dataclass(hint, document, {})
    return _scalar_decoder(hint)


def _tuple_decoder(hints: tuple[object, ...]) -> Decode:
    if hints in NUMBERED:
        return NUMBERED[hints]
    if hints[-1] is Ellipsis:
        each = _decoder(hints[0])
        return lambda document: tuple(each(item) for item in _expect(list, document))
    places = tuple(_decoder(hint) for hint in hints)
    return lambda document: tuple(
        place(item) for place, item in zip(places, _expect(list, document), strict=True)
    )


def _decode_whole_numbers(document: Json) -> object:
    return _whole_numbers(_expect(list, document))


def _decode_ranges(document: Json) -> object:
    ranges = tuple(_whole_numbers(_expect(list, item)) for item in _expect(list, document))
    if not set(map(len, ranges)) <= {2}:
        raise ValueError("expected ranges of two numbers")
    return ranges


def _whole_numbers(items: list[Json]) -> tuple[Json, ...]:
    if not set(map(type, items)) <= {int}:
        raise ValueError("expected whole numbers")
    return tuple(items)


#: The tuples that hold most of what is stored, checked a row at a time.
NUMBERED: dict[tuple[object, ...], Decode] = {
    (int, ...): _decode_whole_numbers,
    (tuple[int, int], ...): _decode_ranges,
}


def _mapping_decoder(key_hint: object, value_hint: object) -> Decode:
    key_of, value_of = _decoder(key_hint), _decoder(value_hint)

    def decode_pairs(document: Json) -> object:
        pairs = document.items() if isinstance(document, dict) else _expect(list, document)
        return {key_of(key): value_of(item) for key, item in pairs}

    return decode_pairs


def _scalar_decoder(kind: type) -> Decode:
    if issubclass(kind, StrEnum):
        return lambda document: kind(_expect(str, document))
    if kind in TEXTUAL:
        read = TEXTUAL[kind]
        return lambda document: read(_expect(str, document))
    if kind is float:
        return _decode_float
    return lambda document: _expect(kind, document)


def _decode_float(document: Json) -> float:
    return float(_expect(int, document)) if isinstance(document, int) else _expect(float, document)


def _decode_dataclass(kind: type, document: Json, given: Mapping[str, object]) -> object:
    decoders = _field_decoders(kind)
    fields = _expect(dict, document)
    unknown = fields.keys() - decoders.keys()
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {sorted(unknown)}")
    built: object = kind(**{name: decoders[name](item) for name, item in fields.items()}, **given)
    return built


@cache
def _field_decoders(kind: type) -> dict[str, Decode]:
    hints = get_type_hints(kind)
    return {name: _decoder(hints[name]) for name in _names(kind)}


def _expect(kind: type[T], document: object) -> T:
    if not isinstance(document, kind) or (kind is int and isinstance(document, bool)):
        raise ValueError(f"expected {kind.__name__}, found {type(document).__name__}")
    return document
