"""What a history keeps of an event's snapshot: the fields that some rule or grouping reads, as a plain tuple.

A value is what the event said: a string (or number), `None` (cleared) or `UNSET` (absent, so unchanged).
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

Snapshot = tuple[Any, ...]


class Snapshots:
    """Takes the kept fields out of `data.<part>` of an event: `fields` first, then the family's
    dimensions."""

    def __init__(self, part: str, fields: tuple[str, ...], dimensions: tuple[str, ...]) -> None:
        self.names = (*fields, *dimensions)
        self._part = attrgetter(part)
        self._fields = attrgetter(*self.names)

    def of(self, event: Any) -> Snapshot | None:
        """The kept fields, or `None` when the event has no snapshot."""
        if not event.data:
            return None
        part = self._part(event.data)
        return self._fields(part) if part else None
