"""Mappings become structs of the model: unknown keys and bad values are noted, absent ones are defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from stream.config.keys import Field, fields_of
from stream.config.kinds import Kind
from stream.config.problems import At, Wrong, shown

_Struct = TypeVar("_Struct", bound=msgspec.Struct)
_ABSENT = object()


def read_struct(struct: type[_Struct], value: object, at: At) -> _Struct:
    """The struct that the mapping `value` and the reading's overrides describe; problems are noted."""
    fields = fields_of(struct)
    known = [field.name for field in fields]
    given = value if isinstance(value, Mapping) else {}
    if not isinstance(value, Mapping):
        # The value itself is not shown: it may be a password or a URL put one level too high.
        what = shown(value) if value is None else "a single value or a list"
        at.note(f"expected keys below it ({', '.join(known)}), got {what}")
    for name in given:
        if name not in known:
            at.note_unknown(str(name), known)
    values = {field.attribute: _read_field(field, given.get(field.name, _ABSENT), at) for field in fields}
    try:
        return struct(**values)
    except Wrong as wrong:
        (at.into(wrong.key) if wrong.key else at).note(str(wrong))
        return struct()


def _read_field(field: Field, value: object, at: At) -> object:
    here = at.into(field.name)
    if field.section is not None:
        return read_struct(field.section, {} if value is _ABSENT else value, here)
    value = at.reading.overrides.get(here.path, value)
    if field.key is None or value is _ABSENT or (value is None and field.default is None):
        return field.default
    try:
        return field.key.kind.read(value, here)
    except Wrong as wrong:
        here.note(str(wrong))
        return field.default


class ListOf(Kind):
    """A list of mappings, each one struct of the model."""

    yaml_text = True

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        self.struct = struct

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, list):
            raise Wrong(f"expected a list, got {shown(value)}")
        return tuple(read_struct(self.struct, entry, at.into(i)) for i, entry in enumerate(value))

    def show(self, value: object) -> object:
        return [show_struct(entry) for entry in value] if isinstance(value, tuple) else value


class MapOf(Kind):
    """Names, each with a mapping that is one struct of the model; `load` checks the names."""

    yaml_text = True

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        self.struct = struct

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, Mapping):
            raise Wrong(f"expected a mapping, got {shown(value)}")
        return {
            str(name): read_struct(self.struct, entry, at.into(str(name))) for name, entry in value.items()
        }

    def show(self, value: object) -> object:
        return (
            {name: show_struct(entry) for name, entry in value.items()} if isinstance(value, dict) else value
        )


class MapOfKinds(Kind):
    """Names, each with a mapping whose key `kind` says which struct of the model it is."""

    yaml_text = True

    def __init__(self, structs: Mapping[str, type[msgspec.Struct]]) -> None:
        self.structs = structs

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, Mapping):
            raise Wrong(f"expected a mapping, got {shown(value)}")
        entries: dict[str, msgspec.Struct] = {}
        for name, entry in value.items():
            here = at.into(str(name))
            kind = entry.get("kind") if isinstance(entry, Mapping) else None
            if isinstance(kind, str) and kind in self.structs:
                entries[str(name)] = read_struct(self.structs[kind], entry, here)
            else:
                here.into("kind").note(f"expected one of {', '.join(self.structs)}, got {shown(kind)}")
        return entries

    def show(self, value: object) -> object:
        return {name: show_struct(each) for name, each in value.items()} if isinstance(value, dict) else value


class ListOfKinds(Kind):
    """A list of mappings whose key `kind` says which struct of the model each is; without it, `usual`."""

    yaml_text = True

    def __init__(self, structs: Mapping[str, type[msgspec.Struct]], usual: str) -> None:
        self.structs = structs
        self._usual = usual

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, list):
            raise Wrong(f"expected a list, got {shown(value)}")
        entries: list[msgspec.Struct] = []
        for place, entry in enumerate(value):
            here = at.into(place)
            kind = entry.get("kind", self._usual) if isinstance(entry, Mapping) else self._usual
            if isinstance(kind, str) and kind in self.structs:
                entries.append(read_struct(self.structs[kind], entry, here))
            else:
                here.note(f"expected `kind` to be one of {', '.join(self.structs)}, got {shown(kind)}")
                entries.append(self.structs[self._usual]())  # so that the others keep their places
        return tuple(entries)

    def show(self, value: object) -> object:
        return [show_struct(entry) for entry in value] if isinstance(value, tuple) else value


def show_struct(struct: msgspec.Struct) -> dict[str, object]:
    """A struct of the model as floorcast.yaml would say it, passwords masked."""
    shown_keys: dict[str, object] = {}
    for field in fields_of(type(struct)):
        value = getattr(struct, field.attribute)
        if isinstance(value, msgspec.Struct):
            shown_keys[field.name] = show_struct(value)
        elif field.key is not None:
            shown_keys[field.name] = None if value is None else field.key.kind.show(value)
    return shown_keys
