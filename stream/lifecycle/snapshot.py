"""What a history keeps of an event's snapshot: the fields that some rule or grouping reads, as a plain tuple.

A value is what the event said: a string (or number), `None` (cleared) or `UNSET` (absent, so unchanged).
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from msgspec import UNSET

Snapshot = tuple[Any, ...]


class Snapshots:
    """Takes the kept fields out of `data.<part>` of an event: `fields` first, then the family's
    dimensions."""

    def __init__(self, part: str, fields: tuple[str, ...], dimensions: tuple[str, ...]) -> None:
        self.names = (*fields, *dimensions)
        self._part = part
        self._fields = attrgetter(*self.names)

    def of(self, data: Any) -> Snapshot | None:
        """The kept fields of an event's `data`, or `None` when it has no snapshot."""
        if not data:
            return None
        part = getattr(data, self._part)
        if not part:
            return None
        kept: Snapshot = self._fields(part)
        return kept


def merged(kept: tuple[str | None, ...], snapshot: Snapshot, begin: int) -> tuple[str | None, ...]:
    """Values of dimensions with those laid over that a snapshot tells from its place `begin` on; the very
    same tuple when none differs."""
    for place, old in enumerate(kept):
        new = snapshot[begin + place]
        if new is not UNSET and new != old:
            given = snapshot[begin:]
            return tuple([old if new is UNSET else new for old, new in zip(kept, given, strict=True)])
    return kept
