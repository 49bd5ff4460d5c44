"""One ticket: what its events mean, and what it contributes (catalog.md, Tickets).

The rules live in `Ticket.apply`, which takes the next event in order. Whatever an event undoes, it takes back
explicitly from
where it was counted, so replaying a history from its start gives the same sum as following it live.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from stream.events.tickets import RANKS
from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import NEVER, Fold, Life
from stream.lifecycle.snapshot import Snapshot, Snapshots, merged
from stream.metrics.measures import (
    BACKLOG,
    BACKLOG_UNANSWERED,
    FIRST_RESPONSE,
    FIRST_RESPONSE_SUM,
    FULL_RESOLUTION,
    FULL_RESOLUTION_SUM,
    RESOLUTION,
    RESOLUTION_SUM,
    TICKETS_BY_OTHERS,
    TICKETS_CREATED,
    TICKETS_NEGATIVE,
    TICKETS_REOPENED,
    TICKETS_RESOLVED,
)
from stream.metrics.segments import Segment, Segments

CREATED: Final = RANKS["ticket.created"]
MESSAGE: Final = RANKS["ticket.message_added"]
UNASSIGNED: Final = RANKS["ticket.unassigned"]
RESOLVED: Final = RANKS["ticket.resolved"]
CLOSED: Final = RANKS["ticket.closed"]
REOPENED: Final = RANKS["ticket.reopened"]
MERGED: Final = RANKS["ticket.merged"]
SPAM: Final = RANKS["ticket.marked_spam"]
DELETED: Final = RANKS["ticket.deleted"]
RESTORED: Final = RANKS["ticket.restored"]

FIELDS: Final = ("status", "created_by")
"""What a ticket's history keeps of a snapshot besides the dimensions."""

ACTIVE: Final = ("new", "open", "pending", "on_hold")
DONE: Final = ("resolved", "closed")

# What a message was, as kept in the history.
BY_CUSTOMER: Final = 1
HUMAN_REPLY: Final = 2
OTHER_MESSAGE: Final = 3


class Ticket(Life):
    """The state of one ticket."""

    __slots__ = (
        "answer_from", "answered", "backlog_in", "created_by", "created_counted", "created_ms",
        "first_resolved_in", "first_resolved_ms", "merged", "resolved_in", "resolved_ms", "status",
        "unanswered_in", "unanswered_ms",
    )  # fmt: skip

    def __init__(self, nothing: Segment) -> None:
        super().__init__(nothing)
        self.created_ms = NEVER  # the first event's time until `ticket.created` comes
        self.created_counted = False
        self.created_by: str | None = None  # the customer
        self.status: str | None = None
        self.answer_from = NEVER  # where first response time starts
        self.answered = False  # first response given
        self.unanswered_ms = NEVER  # the oldest customer message that waits for a public human reply
        self.resolved_ms = NEVER  # the resolution in force
        self.resolved_in = nothing
        self.first_resolved_ms = NEVER
        self.first_resolved_in = nothing
        self.backlog_in: Segment | None = None  # where the ticket stands in the levels
        self.unanswered_in: Segment | None = None
        self.merged = False

    def finished(self) -> bool:
        """When it is removed, resolved or closed."""
        return self.removed or self.status in DONE

    def apply(
        self, out: Delta, at: int, rank: int, snapshot: Snapshot | None, extra: int | None, segments: Segments
    ) -> None:
        """The next event of the ticket in order."""
        first = not self.exists
        if first:
            self.exists = True
            self.created_ms = at
        self.last_ms = at
        if snapshot is not None:
            if snapshot[1] is not UNSET:
                self.created_by = snapshot[1]
            values = merged(self.segment.values, snapshot, len(FIELDS))
            if values is not self.segment.values:
                self.segment = segments.of(values)
        if rank == UNASSIGNED:
            self._unassign(snapshot, segments)
        before = self.status
        after = self._status_after(rank, snapshot, first)
        self.status = after
        was_done = before in DONE
        # A reopening acts before a message of the same event, a resolution after it.
        if after in ACTIVE and (was_done or (before is None and rank == REOPENED)):
            self._reopen(out, at)
        if rank == CREATED:
            self._create(out, at)
        elif rank == MESSAGE:
            self._message(out, at, extra)
        if not was_done and after in DONE:
            self._resolve(out, at, first)
        if RESTORED >= rank >= MERGED:
            self._remove_or_restore(rank)
        self._stand(out, at)

    def _unassign(self, snapshot: Snapshot | None, segments: Segments) -> None:
        if "agent" not in segments.dimensions:
            return
        place = segments.dimensions.index("agent")
        if snapshot is None or snapshot[len(FIELDS) + place] is UNSET:
            values = list(self.segment.values)
            values[place] = None
            self.segment = segments.of(tuple(values))

    def _status_after(self, rank: int, snapshot: Snapshot | None, first: bool) -> str | None:
        if snapshot is not None and snapshot[0] is not UNSET:
            told: str | None = snapshot[0]
            return told
        if rank == RESOLVED:
            return "resolved"
        if rank == CLOSED:
            return "closed"
        if rank == REOPENED:
            return "open"
        if self.status is None and (
            (rank == CREATED and not self.created_counted) or (first and rank == MESSAGE)
        ):
            return "new"
        return self.status

    def _create(self, out: Delta, at: int) -> None:
        if self.created_counted:
            return
        self.created_counted = True
        if at != self.created_ms:
            # Resolved before it was created: what was measured from the first event is measured from here.
            self._observe_resolutions(out, -1)
            self.created_ms = at
            self._observe_resolutions(out, 1)
        out.add(at, self.segment, TICKETS_CREATED, 1)
        if self.created_by is None or self.created_by == "customer":
            self._message(out, at, BY_CUSTOMER)
        else:
            out.add(at, self.segment, TICKETS_BY_OTHERS, 1)

    def _message(self, out: Delta, at: int, kind: int | None) -> None:
        if kind == BY_CUSTOMER:
            if self.unanswered_ms == NEVER:
                self.unanswered_ms = at
            if self.answer_from == NEVER:
                self.answer_from = at
        elif kind == HUMAN_REPLY:
            if not self.answered and self.answer_from != NEVER:
                self.answered = True
                took = at - self.answer_from
                out.observe(at, self.segment, FIRST_RESPONSE_SUM, FIRST_RESPONSE, took, TICKETS_NEGATIVE, 1)
            self.unanswered_ms = NEVER

    def _resolve(self, out: Delta, at: int, first: bool) -> None:
        self.unanswered_ms = NEVER
        if first:
            return  # it was resolved before anything was heard of it
        self._take_resolution_back(out)  # one is in force where a cleared status came between
        self.resolved_ms = at
        self.resolved_in = self.segment
        if self.first_resolved_ms == NEVER:
            self.first_resolved_ms, self.first_resolved_in = at, self.segment
            self._observe_first(out, 1)
        out.add(at, self.segment, TICKETS_RESOLVED, 1)
        self._observe_full(out, 1)

    def _reopen(self, out: Delta, at: int) -> None:
        out.add(at, self.segment, TICKETS_REOPENED, 1)
        self._take_resolution_back(out)
        if not self.answered:
            # sla.md 15: measured from the oldest customer message since the resolution, else from the next
            # one.
            self.answer_from = self.unanswered_ms

    def _take_resolution_back(self, out: Delta) -> None:
        if self.resolved_ms != NEVER:
            out.add(self.resolved_ms, self.resolved_in, TICKETS_RESOLVED, -1)
            self._observe_full(out, -1)
            self.resolved_ms = NEVER

    def _observe_resolutions(self, out: Delta, sign: int) -> None:
        if self.first_resolved_ms != NEVER:
            self._observe_first(out, sign)
        if self.resolved_ms != NEVER:
            self._observe_full(out, sign)

    def _observe_first(self, out: Delta, sign: int) -> None:
        at, took = self.first_resolved_ms, self.first_resolved_ms - self.created_ms
        out.observe(at, self.first_resolved_in, RESOLUTION_SUM, RESOLUTION, took, TICKETS_NEGATIVE, sign)

    def _observe_full(self, out: Delta, sign: int) -> None:
        at, took = self.resolved_ms, self.resolved_ms - self.created_ms
        out.observe(at, self.resolved_in, FULL_RESOLUTION_SUM, FULL_RESOLUTION, took, TICKETS_NEGATIVE, sign)

    def _remove_or_restore(self, rank: int) -> None:
        if rank == RESTORED:
            self.removed = self.merged
        else:
            self.removed = True
            self.merged = self.merged or rank == MERGED

    def _stand(self, out: Delta, at: int) -> None:
        """Moves the ticket in the levels to where it stands now."""
        backlog = self.segment if self.status in ACTIVE and not self.removed else None
        if backlog is not self.backlog_in:
            _move(out, at, BACKLOG, self.backlog_in, backlog)
            self.backlog_in = backlog
        unanswered = backlog if self.unanswered_ms != NEVER else None
        if unanswered is not self.unanswered_in:
            _move(out, at, BACKLOG_UNANSWERED, self.unanswered_in, unanswered)
            self.unanswered_in = unanswered


def _move(out: Delta, at: int, level: int, old: Segment | None, new: Segment | None) -> None:
    if old is not None:
        out.level(at, old, level, -1)
    if new is not None:
        out.level(at, new, level, 1)


class TicketFold(Fold):
    """How the histories of tickets are read."""

    def __init__(self, segments: Segments, keep_finished_ms: int) -> None:
        snapshots = Snapshots("ticket", FIELDS, segments.dimensions)
        super().__init__("tickets", segments, snapshots, keep_finished_ms, sealed=True)

    def new(self) -> Ticket:
        return Ticket(self.segments.nothing)

    def extra_of(self, rank: int, data: Any) -> int | None:
        """Of a message, who wrote it."""
        if rank != MESSAGE or not data:
            return None
        message = data.message
        if message.author == "customer":
            return BY_CUSTOMER
        if message.author == "agent" and message.public and not message.automated:
            return HUMAN_REPLY
        return OTHER_MESSAGE

    def needs_replay(self, life: Life, rank: int) -> bool:
        """Removals and what follows them."""
        return life.removed or MERGED <= rank <= RESTORED

    def apply(
        self, out: Delta, life: Life, at: int, rank: int, snapshot: Snapshot | None, extra: Any
    ) -> None:
        assert isinstance(life, Ticket)
        life.apply(out, at, rank, snapshot, extra, self.segments)
