"""What a history keeps of an event's snapshot: the fields that some rule or grouping reads, as a plain tuple.

A value is what the event said: a string (or number), `None` (cleared) or `UNSET` (absent, so unchanged).
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import astuple

Snapshot = tuple[Any, ...]

KNOWN_MAX: Final = 50_000
"""Values of snapshots that are kept to be shared."""


class Snapshots:
    """Takes the kept fields out of `data.<part>` of an event: `fields` first, then the family's
    dimensions."""

    def __init__(self, part: str, fields: tuple[str, ...], dimensions: tuple[str, ...]) -> None:
        self.names = (*fields, *dimensions)
        self._part = part
        self._places: list[int] = []
        self._known: dict[object, object] = {}

    def of(self, data: Any, last: Snapshot | None = None) -> Snapshot | None:
        """The kept fields of an event's `data`, or `None` when it has no snapshot. `last`: the one before."""
        if not data:
            return None
        part = getattr(data, self._part)
        if not part:
            return None
        if not self._places:
            fields = part.__struct_fields__
            self._places = [fields.index(name) for name in self.names]
        # All fields at once, then those that are kept: quicker than each by its name.
        given: tuple[Any, ...] = astuple(part)
        return self._shared(self._told([given[place] for place in self._places]), last)

    def of_subject(self, subject: str, data: Any, last: Snapshot | None = None) -> Snapshot | None:
        """The same for an event of an entity."""
        return self.of(data, last)

    def _told(self, given: list[Any]) -> list[Any]:
        """The kept fields, each a value that can be packed and compared."""
        return given

    def _shared(self, given: list[Any], last: Snapshot | None) -> Snapshot:
        """The same with one object for equal values: histories then share them, and comparing is cheap.
        Mostly they are those of the snapshot before: these are found without a look into a table."""
        if last is None:
            return tuple([self._known_as(value) for value in given])
        values: list[Any] = []
        changed = False
        for place, value in enumerate(given):
            old = last[place]
            if value is old or (value is not UNSET and value == old):
                values.append(old)
            else:
                changed = True
                values.append(self._known_as(value))
        return tuple(values) if changed else last

    def _known_as(self, value: Any) -> Any:
        if value is UNSET or value is None:
            return value
        known = self._known
        shared = known.get(value)
        if shared is None:
            if len(known) > KNOWN_MAX:
                known.clear()  # forgetting is safe: equal objects are equal
            shared = known[value] = value
        return shared


def merged(kept: tuple[str | None, ...], snapshot: Snapshot, begin: int) -> tuple[str | None, ...]:
    """Values of dimensions with those laid over that a snapshot tells from its place `begin` on; the very
    same tuple when none differs."""
    for place, old in enumerate(kept):
        new = snapshot[begin + place]
        if new is not old and new is not UNSET and new != old:
            given = snapshot[begin:]
            return tuple([old if new is UNSET else new for old, new in zip(kept, given, strict=True)])
    return kept
