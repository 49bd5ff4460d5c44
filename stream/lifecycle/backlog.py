"""Where a ticket stands in the levels of the backlog, and how it ages there (catalog.md, Tickets).

Two levels change at an instant without an event: a ticket is *older* once 24 h have passed since its
creation, and *stale* once nothing has happened to it for some days. Each event first brings both up to its
own instant (`age`); what comes due after the last event is the overlay of the fold (`Fold.overlay`).
"""

from __future__ import annotations

from typing import Final

from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import NEVER, Life, Standing
from stream.metrics.measures import (
    BACKLOG,
    BACKLOG_OLDER,
    BACKLOG_PENDING,
    BACKLOG_STALE,
    BACKLOG_UNANSWERED,
    BACKLOG_UNASSIGNED,
)
from stream.metrics.segments import Segment

OLDER_MS: Final = 24 * 3_600_000
STALE_DAYS: Final = 3
"""Business days without any event after which a ticket is stale."""

ACTIVE: Final = ("new", "open", "pending", "on_hold")


class Backlogged(Life):
    """What the levels need to know of a ticket, and where it stands in them."""

    __slots__ = (
        "backlog_in", "created_counted", "created_ms", "older_in", "older_moves", "pending_in",
        "stale_ms", "status", "unanswered_in", "unanswered_ms", "unassigned_in",
    )  # fmt: skip

    def __init__(self, nothing: Segment) -> None:
        super().__init__(nothing)
        self.stale_ms = NEVER  # when it is stale if nothing happens
        self.created_ms = NEVER  # the first event's time until `ticket.created` comes
        self.created_counted = False
        self.status: str | None = None
        self.unanswered_ms = NEVER  # the oldest customer message that waits for a public human reply
        self.backlog_in: Segment | None = None
        self.unanswered_in: Segment | None = None
        self.unassigned_in: Segment | None = None
        self.pending_in: Segment | None = None
        self.older_in: Segment | None = None
        self.older_moves: tuple[tuple[int, Segment, int], ...] = ()  # while the creation is unknown

    def standings(self) -> tuple[Standing, ...]:
        """Since when it is in the backlog and unanswered, and when its clocks are due."""
        if self.backlog_in is None:
            return ()
        backlog: Standing = (BACKLOG, self.backlog_in, self.created_ms)
        clocks = self.clocks_now()
        due: tuple[Standing, ...] = () if clocks is None else clocks.standings()
        if self.unanswered_in is None:
            return (backlog, *due)
        return (backlog, (BACKLOG_UNANSWERED, self.unanswered_in, self.unanswered_ms), *due)

    def stand(self, out: Delta, at: int, agent: int) -> None:
        """Moves it in the levels to where it stands now. `agent` is the place of that dimension."""
        old = self.backlog_in
        backlog = self.segment if self.status in ACTIVE and not self.removed else None
        if backlog is None and old is None:
            return  # nor in any other
        if backlog is not old:
            _move(out, at, BACKLOG, old, backlog)
            self.backlog_in = backlog
            older = backlog if at >= self.created_ms + OLDER_MS else None
            if older is not self.older_in:
                self._move_older(out, at, older)
            unassigned = backlog if self.segment.values[agent] is None else None
            if unassigned is not self.unassigned_in:
                _move(out, at, BACKLOG_UNASSIGNED, self.unassigned_in, unassigned)
                self.unassigned_in = unassigned
        unanswered = backlog if self.unanswered_ms != NEVER else None
        if unanswered is not self.unanswered_in:
            _move(out, at, BACKLOG_UNANSWERED, self.unanswered_in, unanswered)
            self.unanswered_in = unanswered
        pending = backlog if self.status == "pending" else None
        if pending is not self.pending_in:
            _move(out, at, BACKLOG_PENDING, self.pending_in, pending)
            self.pending_in = pending

    def age(self, out: Delta, at: int) -> None:
        """What time alone has changed since the last event, before the next one, at `at`."""
        where = self.backlog_in
        if where is None:
            return
        if self.older_in is None:
            due = self.created_ms + OLDER_MS
            if at >= due:
                self._move_older(out, due, where)
        due = self.stale_ms
        if at > due:
            out.level(due, where, BACKLOG_STALE, 1)
            out.level(at, where, BACKLOG_STALE, -1)

    def know_creation(self, out: Delta, at: int) -> None:
        """It was created now: if it had aged from an earlier event, that is taken back."""
        if at != self.created_ms:
            for moved_ms, segment, change in self.older_moves:
                out.level(moved_ms, segment, BACKLOG_OLDER, -change)
            self.older_in = None
            self.created_ms = at
        self.created_counted = True
        self.older_moves = ()

    def ages_ms(self) -> int:
        """When it next ages without an event, after the `aged` times that are counted; or `NEVER`."""
        if self.backlog_in is None:
            return NEVER
        stale = self.stale_ms
        if self.older_in is not None:
            return stale if self.aged == 0 else NEVER
        older = self.created_ms + OLDER_MS
        if self.aged == 0:
            return older if older < stale else stale
        if self.aged == 1:
            return stale if older < stale else older
        return NEVER

    def age_once(self, out: Delta, number: int, due: int, sign: int) -> None:
        """Counts (1) or takes back (-1) the ageing of that number, which is due then."""
        assert self.backlog_in is not None
        stale_first = self.older_in is not None or self.stale_ms <= self.created_ms + OLDER_MS
        level = BACKLOG_STALE if (number == 0) == stale_first else BACKLOG_OLDER
        out.level(due, self.backlog_in, level, sign)

    def _move_older(self, out: Delta, at: int, new: Segment | None) -> None:
        old = self.older_in
        _move(out, at, BACKLOG_OLDER, old, new)
        self.older_in = new
        if not self.created_counted:
            if old is not None:
                self.older_moves += ((at, old, -1),)
            if new is not None:
                self.older_moves += ((at, new, 1),)


def _move(out: Delta, at: int, level: int, old: Segment | None, new: Segment | None) -> None:
    if old is not None:
        out.level(at, old, level, -1)
    if new is not None:
        out.level(at, new, level, 1)
