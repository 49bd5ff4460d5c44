"""The contacts of one customer: which are repeated, and which resolutions they show to have been none
(catalog.md, `repeat_contact_rate` and `first_contact_resolution_7d`)."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from stream.events.contacts import CONTACT_RESOLVED, CONTACT_STARTED
from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import NEVER, Fold, Life
from stream.lifecycle.snapshot import Snapshot, Snapshots
from stream.metrics.measures import CONTACTS_REPEATED, CONTACTS_RETURNED, CONTACTS_STARTED
from stream.metrics.segments import Segment, Segments

WITHIN_MS: Final = 7 * 86_400_000
"""A contact so long after another one, or after a resolution, still has to do with it."""
FIELDS: Final = ("entity",)
"""What a customer's history keeps of a fact besides the dimensions."""

Resolution = tuple[int, Segment, str]
"""When, where, and of which entity."""


class Customer(Life):
    """What of a customer's past may matter to the next contact."""

    __slots__ = ("resolutions", "started_ms")

    def __init__(self, nothing: Segment) -> None:
        super().__init__(nothing)
        self.started_ms = NEVER  # the last contact
        self.resolutions: tuple[Resolution, ...] = ()  # those that no contact has followed yet


class ContactFold(Fold):
    """How the facts about customers are read. A silence longer than `WITHIN_MS` begins a new life, which is
    the same: nothing reaches over it."""

    def __init__(self, segments: Segments) -> None:
        snapshots = Snapshots("contact", FIELDS, segments.dimensions)
        super().__init__("contacts", segments, snapshots, WITHIN_MS, sealed=True)
        self.removals = False
        self._category = segments.dimensions.index("category")

    def new(self) -> Customer:
        return Customer(self.segments.nothing)

    def apply(
        self, out: Delta, life: Life, at: int, rank: int, snapshot: Snapshot | None, extra: Any
    ) -> None:
        """The next fact in order. One that was withdrawn says nothing."""
        assert isinstance(life, Customer)
        life.exists = True
        life.last_ms = at
        if snapshot is None:
            return
        if rank == CONTACT_STARTED:
            self._start(out, life, at, self._segment(snapshot), snapshot[0])
        elif rank == CONTACT_RESOLVED:
            life.resolutions = (*life.resolutions, (at, self._segment(snapshot), snapshot[0]))

    def _segment(self, snapshot: Snapshot) -> Segment:
        # Each fact tells all that it knows: what is absent is not known, instead of unchanged.
        said = [None if value is UNSET else value for value in snapshot[len(FIELDS) :]]
        return self.segments.of(tuple(said))

    def _start(self, out: Delta, customer: Customer, at: int, segment: Segment, entity: str) -> None:
        out.add(at, segment, CONTACTS_STARTED, 1)
        if at - customer.started_ms <= WITHIN_MS:
            out.add(at, segment, CONTACTS_REPEATED, 1)
        customer.started_ms = at
        if not customer.resolutions:
            return
        category = segment.values[self._category]
        kept: list[Resolution] = []
        for resolution in customer.resolutions:
            resolved_ms, where, by = resolution
            if at - resolved_ms > WITHIN_MS:
                continue
            if where.values[self._category] == category and by != entity:
                out.add(resolved_ms, where, CONTACTS_RETURNED, 1)
            else:
                kept.append(resolution)
        customer.resolutions = tuple(kept)
