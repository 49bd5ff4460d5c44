"""One instance of a clock, and what is read of it."""

from __future__ import annotations

from typing import Final

from stream.events.instants import NEVER
from stream.metrics.segments import Segment

OPEN: Final = 0
FULFILLED: Final = 1
CANCELLED: Final = 2

NO_LEVEL: Final = -1


class Clock:
    """What has become of one instance. Times are ms since the epoch, lengths business ms.

    Instances are facts of the history, whether or not the policy in force names the clock: so one that is
    named later, or again, goes on. `instance` is 0 until it is named for the first time.
    """

    __slots__ = (
        "breached_due_ms", "breached_in", "breached_ms", "decided_in", "due_ms", "ended_ms", "fired",
        "instance", "kind", "named", "next_level", "next_ms", "outcome", "overdue_ms", "paused", "policy",
        "risk", "risk_as", "risk_in", "running_in", "since_ms", "started_ms", "target_ms", "used_ms",
    )  # fmt: skip

    def __init__(self, kind: int, started_ms: int) -> None:
        self.kind = kind
        self.started_ms = started_ms
        self.instance = 0
        self.named = False  # by the policy in force, which gives it a target
        self.policy = ""  # the last that named it
        self.target_ms = -1
        self.outcome = OPEN
        self.ended_ms = NEVER  # fulfilled or cancelled
        self.decided_in: Segment | None = None  # where its `met` is counted
        self.paused = False
        self.used_ms = 0  # up to `since_ms`
        self.since_ms = started_ms
        self.due_ms = NEVER  # the last one known; while it is paused there is none
        self.next_ms = NEVER  # when the next level is passed or it breaches, whichever comes first
        self.next_level = NO_LEVEL  # the place of that level in the policy; NO_LEVEL: it breaches
        self.fired: tuple[int, ...] = ()  # numbers of levels that have warned, or were passed over
        self.risk = NO_LEVEL  # the number of the highest level passed, as it stands now
        self.breached_ms = NEVER
        self.breached_due_ms = NEVER
        self.breached_in: Segment | None = None
        self.overdue_ms = 0  # of a breached one when it ended, or when no policy named it any more
        self.running_in: Segment | None = None  # where it stands in the levels `sla_running`
        self.risk_in: Segment | None = None  # and `sla_at_risk`, with the level `risk_as`
        self.risk_as = NO_LEVEL

    def clone(self) -> Clock:
        """A copy that goes its own way."""
        twin = Clock(self.kind, self.started_ms)
        twin.instance = self.instance
        twin.named = self.named
        twin.policy = self.policy
        twin.target_ms = self.target_ms
        twin.outcome = self.outcome
        twin.ended_ms = self.ended_ms
        twin.decided_in = self.decided_in
        twin.paused = self.paused
        twin.used_ms = self.used_ms
        twin.since_ms = self.since_ms
        twin.due_ms = self.due_ms
        twin.next_ms = self.next_ms
        twin.next_level = self.next_level
        twin.fired = self.fired
        twin.risk = self.risk
        twin.breached_ms = self.breached_ms
        twin.breached_due_ms = self.breached_due_ms
        twin.breached_in = self.breached_in
        twin.overdue_ms = self.overdue_ms
        twin.running_in = self.running_in
        twin.risk_in = self.risk_in
        twin.risk_as = self.risk_as
        return twin

    @property
    def breached(self) -> bool:
        """Whether it has breached, fulfilled later or not."""
        return self.breached_ms != NEVER

    @property
    def ticking(self) -> bool:
        """Whether its time runs."""
        return self.named and self.outcome == OPEN and not self.paused

    @property
    def past(self) -> bool:
        """Past due and not over."""
        return self.breached_ms != NEVER and self.outcome == OPEN and self.named

    def state(self) -> str:
        """As people read it."""
        if self.breached_ms != NEVER:
            return "breached"
        if self.outcome == FULFILLED and self.named:
            return "met"
        if self.outcome != OPEN or not self.named:
            return "cancelled"
        if self.paused:
            return "paused"
        return "running" if self.risk == NO_LEVEL else "at_risk"
