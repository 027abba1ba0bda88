"""Frozen domain values ↔ strict JSON, driven by their own type hints; never pickle."""

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
T = TypeVar("T")

SCALARS: Mapping[type, Callable[[str], object]] = {
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
    if isinstance(value, np.generic):
        value = value.item()
    if dataclasses.is_dataclass(value):
        return encode_fields(value)
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return _encode_mapping(value)
    return _encode_scalar(value)


def encode_fields(value: object, *, without: Collection[str] = ()) -> dict[str, Json]:
    """Return a dataclass as a JSON object, leaving out the fields kept elsewhere."""
    if not dataclasses.is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is no dataclass")
    names = [field.name for field in dataclasses.fields(value) if field.name not in without]
    return {name: encode(getattr(value, name)) for name in names}


def _encode_mapping(value: Mapping[object, object]) -> Json:
    if all(isinstance(key, str) for key in value):
        return {str(key): encode(item) for key, item in value.items()}
    return [[encode(key), encode(item)] for key, item in value.items()]


def _encode_scalar(value: object) -> Json:
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a document holds finite numbers only")
        return float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


def decode(kind: type[T], document: Json, **given: object) -> T:
    """Return the value of type ``kind`` that ``encode`` wrote; ``given`` are fields kept elsewhere.

    Fields missing from an older document take their defaults; unknown fields and values of another
    type are refused with ``ValueError``.
    """
    decoded = _decode_dataclass(kind, document, given) if given else _decode(kind, document)
    return cast("T", decoded)


def _decode(hint: object, document: Json) -> object:
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        (inner,) = (option for option in get_args(hint) if option is not types.NoneType)
        return None if document is None else _decode(inner, document)
    if origin is tuple:
        return _decode_tuple(get_args(hint), document)
    if origin is not None and issubclass(origin, Mapping):
        return _decode_mapping(get_args(hint), document)
    if not isinstance(hint, type):
        raise TypeError(f"no JSON form for {hint}")
    if dataclasses.is_dataclass(hint):
        return _decode_dataclass(hint, document, {})
    return _decode_scalar(hint, document)


def _decode_tuple(hints: tuple[object, ...], document: Json) -> tuple[object, ...]:
    items = _expect(list, document)
    if hints[-1] is Ellipsis:
        return tuple(_decode(hints[0], item) for item in items)
    return tuple(_decode(hint, item) for hint, item in zip(hints, items, strict=True))


def _decode_mapping(hints: tuple[object, ...], document: Json) -> dict[object, object]:
    key_hint, value_hint = hints
    pairs = document.items() if isinstance(document, dict) else _expect(list, document)
    return {_decode(key_hint, key): _decode(value_hint, item) for key, item in pairs}


def _decode_dataclass(kind: type, document: Json, given: Mapping[str, object]) -> object:
    fields = _expect(dict, document)
    hints = _hints(kind)
    unknown = fields.keys() - hints.keys()
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {sorted(unknown)}")
    built: object = kind(**{name: _decode(hints[name], item) for name, item in fields.items()}, **given)
    return built


@cache
def _hints(kind: type) -> dict[str, object]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _decode_scalar(kind: type, document: Json) -> object:
    if issubclass(kind, StrEnum):
        return kind(_expect(str, document))
    if kind in SCALARS:
        return SCALARS[kind](_expect(str, document))
    if kind is float and isinstance(document, int) and not isinstance(document, bool):
        return float(document)
    return _expect(kind, document)


def _expect(kind: type[T], document: object) -> T:
    if not isinstance(document, kind) or (kind is int and isinstance(document, bool)):
        raise ValueError(f"expected {kind.__name__}, found {type(document).__name__}")
    return document
