"""What a history keeps of an event's snapshot: the fields that some rule or grouping reads, as a plain tuple.

A value is what the event said: a string (or number), `None` (cleared) or `UNSET` (absent, so unchanged).
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

from msgspec import UNSET

Snapshot = tuple[Any, ...]

KNOWN_MAX: Final = 50_000
"""Values of snapshots that are kept to be shared."""


class Snapshots:
    """Takes the kept fields out of `data.<part>` of an event: `fields` first, then the family's
    dimensions."""

    def __init__(self, part: str, fields: tuple[str, ...], dimensions: tuple[str, ...]) -> None:
        self.names = (*fields, *dimensions)
        self._part = part
        self._fields: Callable[[Any], Any] = attrgetter(*self.names) if len(self.names) > 1 else self._few
        self._known: dict[object, object] = {}

    def of(self, data: Any) -> Snapshot | None:
        """The kept fields of an event's `data`, or `None` when it has no snapshot."""
        if not data:
            return None
        part = getattr(data, self._part)
        if not part:
            return None
        return self._shared(self._told(part))

    def of_subject(self, subject: str, data: Any) -> Snapshot | None:
        """The same for an event of an entity."""
        return self.of(data)

    def _told(self, part: Any) -> Snapshot:
        """The kept fields of a snapshot, each a value that can be packed and compared."""
        told: Snapshot = self._fields(part)
        return told

    def _few(self, part: Any) -> Snapshot:
        """As `attrgetter`, which gives no tuple of less than two."""
        return tuple([getattr(part, name) for name in self.names])

    def _shared(self, snapshot: Snapshot) -> Snapshot:
        """The same with one object for equal values: histories then share them, and comparing is cheap."""
        known = self._known
        if len(known) > KNOWN_MAX:
            known.clear()  # forgetting is safe: equal objects are equal
        values: list[object] = []
        for value in snapshot:
            shared = known.get(value)
            if shared is None and value is not None:
                shared = known[value] = value
            values.append(shared)
        return tuple(values)


def merged(kept: tuple[str | None, ...], snapshot: Snapshot, begin: int) -> tuple[str | None, ...]:
    """Values of dimensions with those laid over that a snapshot tells from its place `begin` on; the very
    same tuple when none differs."""
    for place, old in enumerate(kept):
        new = snapshot[begin + place]
        if new is not UNSET and new != old:
            given = snapshot[begin:]
            return tuple([old if new is UNSET else new for old, new in zip(kept, given, strict=True)])
    return kept
