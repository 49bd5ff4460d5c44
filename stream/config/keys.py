"""How the model declares its keys, and how they are found again: by path and by environment variable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import get_args, get_type_hints

import msgspec

from stream.config.kinds import Kind
from stream.config.problems import Path

PREFIX = "FLOORCAST_"


@dataclass(frozen=True)
class Key:
    """Beside a field of the model (in `Annotated`): its kind, what it means, and its key where that differs.

    Without `name` the key is the field's name without the unit: `horizon_ms` is the key `horizon`.
    """

    kind: Kind
    meaning: str
    name: str | None = None


@dataclass(frozen=True)
class Field:
    """One field of a model struct: a value with its `key`, or a `section` of further fields."""

    name: str
    attribute: str
    default: object
    key: Key | None = None
    section: type[msgspec.Struct] | None = None


@cache
def fields_of(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The keys that a struct of the model has in floorcast.yaml, in order."""
    hints = get_type_hints(struct, include_extras=True)
    fields = []
    for info in msgspec.structs.fields(struct):
        hint = hints[info.name]
        keys = [extra for extra in get_args(hint) if isinstance(extra, Key)]
        if keys:
            default = info.default if info.default is not msgspec.NODEFAULT else info.default_factory()
            name = keys[0].name or info.name.removesuffix("_ms")
            fields.append(Field(name, info.name, default, key=keys[0]))
        elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            fields.append(Field(info.name, info.name, info.default, section=hint))
    return tuple(fields)


def leaves(struct: type[msgspec.Struct], above: Path = ()) -> Iterator[tuple[Path, Field]]:
    """Every value of the model with its path, section by section."""
    for field in fields_of(struct):
        path = (*above, field.name)
        if field.section is None:
            yield path, field
        else:
            yield from leaves(field.section, path)


def environment_name(path: Path) -> str:
    """`FLOORCAST_RETENTION_10S` for the path retention.10s."""
    return PREFIX + "_".join(str(step) for step in path).upper()
