"""How the histories of tickets are read: which events fold them again, what is foreseen, sealed and kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import NEVER, Fold, Life
from stream.lifecycle.rows import Row
from stream.lifecycle.snapshot import Snapshot
from stream.lifecycle.ticket import Ticket
from stream.lifecycle.ticket_rules import (
    CREATED,
    CREATION_WITHIN_MS,
    MERGED,
    MESSAGE,
    RESTORED,
    WORK_LOGGED,
    Rules,
    TicketSnapshots,
    kind_of,
)
from stream.metrics.segments import Segments
from stream.sla.policy import NO_POLICIES, Policies


class TicketFold(Fold):
    """How the histories of tickets are read. The segments have the dimensions agent and team."""

    def __init__(self, segments: Segments, keep_finished_ms: int, policies: Policies = NO_POLICIES) -> None:
        snapshots = TicketSnapshots(segments.dimensions, policies.tagged)
        super().__init__("tickets", segments, snapshots, keep_finished_ms, timed=True, sealed=True)
        self.policies = policies
        self.rules = Rules(segments, policies)

    def new(self) -> Ticket:
        return Ticket(self.segments.nothing)

    def extra_of(self, rank: int, data: Any) -> int | None:
        """Of a message, what kind it is; of logged work, how long (ms)."""
        if not data:
            return None
        if rank == MESSAGE:
            return kind_of(data.message)
        return round(data.work.seconds * 1000) if rank == WORK_LOGGED else None

    def needs_replay(self, life: Life, rank: int) -> bool:
        """Removals and what follows them, and a creation that comes behind other events: clocks then run from
        there."""
        if life.removed or MERGED <= rank <= RESTORED:
            return True
        assert isinstance(life, Ticket)
        return rank == CREATED and life.exists and not life.created_counted

    def foresee(self, life: Life, rows: Sequence[Row]) -> None:
        """Of several creations the first counts."""
        assert isinstance(life, Ticket)
        if not life.created_counted:
            life.creation_ms = _creation(life, rows)

    def may_seal(self, life: Life, rows: Sequence[Row], sealed_before_ms: int) -> bool:
        """Not while a creation may come that moves the start of clocks."""
        assert isinstance(life, Ticket)
        if life.created_counted or _creation(life, rows) != NEVER:
            return True
        return _first_ms(life, rows) + CREATION_WITHIN_MS < sealed_before_ms

    def keep(self, out: Delta, life: Life) -> None:
        """The breaches before it was removed."""
        assert isinstance(life, Ticket)
        if life.clocks is not None:
            life.clocks.keep_breaches(out)

    def apply(
        self, out: Delta, life: Life, at: int, rank: int, snapshot: Snapshot | None, extra: Any
    ) -> None:
        assert isinstance(life, Ticket)
        life.apply(out, at, rank, snapshot, extra, self.rules)

    def ages_ms(self, life: Life) -> int:
        """When it becomes older or stale."""
        assert isinstance(life, Ticket)
        return life.ages_ms()

    def change(self, out: Delta, life: Life, number: int, due: int, sign: int) -> None:
        """It becomes older, or stale."""
        assert isinstance(life, Ticket)
        life.age_once(out, number, due, sign)


def _first_ms(life: Ticket, rows: Sequence[Row]) -> int:
    return life.created_ms if life.exists else rows[0][0]


def _creation(life: Ticket, rows: Sequence[Row]) -> int:
    """When the ticket is created within rows that follow, or `NEVER`."""
    for row in rows:
        if row[3] == CREATED:
            return row[0] if row[0] <= _first_ms(life, rows) + CREATION_WITHIN_MS else NEVER
    return NEVER
