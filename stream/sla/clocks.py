"""The clocks of one ticket: how events and time change them (sla.md), and what they contribute.

Whoever applies an event first lets time pass (`advance`), then tells what happened, in this order: snapshot
and status (`change`), a reopening, messages, teams and agents, a resolution, a removal; and last `settle`.
What time alone does after the last event is the overlay of the fold: `advance` on a clone.
"""

from __future__ import annotations

from typing import Any, Final

from stream.events.clocks import (
    ASSIGNMENT,
    FIRST_REPLY,
    GROUP_OWNERSHIP,
    NEXT_REPLY,
    PAUSABLE_UPDATE,
    PERIODIC_UPDATE,
    QUEUE_WAIT,
    RESOLUTION,
)
from stream.events.instants import FOREVER, NEVER
from stream.lifecycle.delta import Delta
from stream.metrics.measures import (
    SLA_BREACHES,
    SLA_RUNNING,
)
from stream.metrics.segments import Segment
from stream.sla.clock import FULFILLED, NO_LEVEL, OPEN, Clock
from stream.sla.marks import (
    AT_RISK,
)
from stream.sla.policy import Policies
from stream.sla.running import DONE, FROM_CREATION, GO_ON, ON_RESOLUTION, Running

UNTIMED_MS: Final = 253_402_300_799_999
"""The instant (at the end of the year 9999) of clocks that are open, but that only an event or a new version
of the policies can move: so every open clock has a timer, and is found when a version comes."""


class Clocks(Running):
    """All clocks of one ticket, or the one of a call."""

    __slots__ = ()

    def clone(self) -> Clocks:
        """A copy that goes its own way."""
        twin = Clocks(self.segment)
        twin.live = [clock.clone() for clock in self.live]
        twin.done = list(self.done)  # these change no more
        twin.counts = list(self.counts)
        twin.spans = list(self.spans)
        twin.status = self.status
        twin.removed = self.removed
        twin.shown = self.shown  # this changes no more
        twin.exempt = self.exempt
        twin.wrote = self.wrote
        twin.first_waits = self.first_waits
        twin.tags = self.tags
        twin.due_at_ms = self.due_at_ms
        twin.epoch_ms = self.epoch_ms
        twin.backlog_in = self.backlog_in
        twin.past_in = self.past_in
        twin.now_ms = self.now_ms
        twin.lost_ms = self.lost_ms
        return twin

    # Time

    def next_ms(self, policies: Policies) -> int:
        """When time alone changes something next; `UNTIMED_MS`: nothing is known, `FOREVER`: none is open."""
        if self.removed or not self.live:
            return FOREVER
        soonest = FOREVER
        going = False
        for clock in self.live:
            if clock.outcome == OPEN:
                going = True
                if clock.next_ms != NEVER and clock.next_ms < soonest:
                    soonest = clock.next_ms
        if not going:
            return FOREVER
        change = policies.start_ms(policies.number_at(self.epoch_ms) + 1)
        return min(change, soonest, self.lost_ms, UNTIMED_MS)

    def advance(self, out: Delta, policies: Policies, to_ms: int, inclusive: bool) -> None:
        """Lets time pass to an instant, of which all events are known if `inclusive`.

        What is due at an instant comes after all its events; new policies come into force before them.
        """
        while True:
            at = self.next_ms(policies)
            change = policies.start_ms(policies.number_at(self.epoch_ms) + 1)
            if at >= UNTIMED_MS or at > to_ms:
                break
            if at == change:
                before = self.policy(policies)
                self.epoch_ms = change
                self._drop(out, policies, at, before)
                self._retarget(out, policies, at)
            elif at == to_ms and not inclusive:
                break
            elif at == self.lost_ms:
                self._cancel_all(out, policies, at)
            else:
                self._fire(out, policies, at)
            self._stand(out, at)
        if to_ms > self.now_ms:
            self.now_ms = to_ms

    def _fire(self, out: Delta, policies: Policies, at: int) -> None:
        policy = self.policy(policies)
        for clock in self.live:
            while clock.outcome == OPEN and clock.next_ms == at:
                if clock.next_level == NO_LEVEL:
                    self._breach(out, policies, clock, at, at)
                else:
                    level = policy.levels[clock.next_level]
                    clock.fired = (*clock.fired, level.number)
                    clock.risk = level.number
                    self._mark(out, policies, AT_RISK, clock, at, level.said)
                    self._plan(policies, clock, at)

    # Events

    def change(
        self, out: Delta, policies: Policies, at: int, status: str | None, segment: Segment, tags: str | None,
        due_at_ms: int,
    ) -> None:  # fmt: skip
        """An event has told the ticket's state (a status of `DONE` acts later, by `resolve`)."""
        before = self.policy(policies)
        begin = policies.epochs[policies.number_at(at)].from_ms
        promised = due_at_ms != self.due_at_ms
        self.epoch_ms, self.segment, self.tags, self.due_at_ms = begin, segment, tags, due_at_ms
        retargeted = promised or self.policy(policies) is not before
        if retargeted:
            self._drop(out, policies, at, before)
        if status != self.status and status not in DONE:
            self._enter(out, policies, at, status)
        if retargeted:
            self._retarget(out, policies, at)

    def create(
        self, out: Delta, policies: Policies, at: int, assigned: bool, was_resolved: bool = False
    ) -> None:
        """The ticket exists from now on. `was_resolved`: it did before, and was; `resolution` is over."""
        if self.exempt or self.status in DONE:
            return
        known = [clock.kind for clock in self.live]
        for kind in FROM_CREATION:
            # Where the first event is a reopening, that has started some.
            if kind not in known and (kind != RESOLUTION or not was_resolved):
                self._start(out, policies, kind, at, at)
        if not assigned:
            self._start(out, policies, ASSIGNMENT, at, at)

    def reopen(
        self, out: Delta, policies: Policies, at: int, created_ms: int, unanswered_ms: int, answered: bool
    ) -> None:
        """It is active again; `created_ms`: `NEVER` while its creation is still to come; `unanswered_ms`: the
        oldest customer message since then, or `NEVER`."""
        if self.exempt:
            return
        known = [clock.kind for clock in self.live]
        for clock in self.live:
            if clock.outcome == FULFILLED:
                self._go_on(out, policies, clock, at)
        for kind in GO_ON:
            if kind not in known and created_ms != NEVER:  # its first event said that it was resolved
                self._start(out, policies, kind, created_ms, at)
        if unanswered_ms != NEVER and not self._awaits_reply():
            first = self.first_waits or not answered
            self._start(out, policies, FIRST_REPLY if first else NEXT_REPLY, unanswered_ms, at)
        self.first_waits = False

    def customer_wrote(self, out: Delta, policies: Policies, at: int, answered: bool) -> None:
        """A message of the customer; `answered`: a person has replied before."""
        first = not self.wrote
        self.wrote = True
        if self.exempt:
            return
        if self.status in DONE:
            self.first_waits = self.first_waits or first
        elif not self._awaits_reply():
            self._start(out, policies, FIRST_REPLY if first or not answered else NEXT_REPLY, at, at)

    def _awaits_reply(self) -> bool:
        return any(clock.kind in (FIRST_REPLY, NEXT_REPLY) for clock in self.live)

    def person_replied(self, out: Delta, policies: Policies, at: int) -> None:
        """A public message of a person."""
        self.first_waits = False
        for kind in (FIRST_REPLY, NEXT_REPLY, PERIODIC_UPDATE, PAUSABLE_UPDATE, GROUP_OWNERSHIP):
            self._fulfil_kind(out, policies, kind, at)
        if not self.exempt and self.status not in DONE:
            self._start(out, policies, PERIODIC_UPDATE, at, at)
            self._start(out, policies, PAUSABLE_UPDATE, at, at)

    def team_set(self, out: Delta, policies: Policies, at: int, team: str | None) -> None:
        """Another team has it, or none."""
        for clock in self.live:
            if clock.kind == GROUP_OWNERSHIP:
                self._cancel(out, policies, clock, at)
        self._bury()
        if team is not None and not self.exempt and self.status not in DONE:
            self._start(out, policies, GROUP_OWNERSHIP, at, at)

    def agent_set(self, out: Delta, policies: Policies, at: int) -> None:
        """Another agent has it."""
        self._fulfil_kind(out, policies, ASSIGNMENT, at)
        self._fulfil_kind(out, policies, GROUP_OWNERSHIP, at)

    def resolve(self, out: Delta, policies: Policies, at: int, status: str) -> None:
        """It is resolved, or closed without that."""
        for clock in self.live:
            if clock.outcome == OPEN:
                if clock.kind in ON_RESOLUTION:
                    self._cancel(out, policies, clock, at)
                else:
                    self._fulfil(out, policies, clock, at)
        self._bury()
        self.closed(at, status)

    def closed(self, at: int, status: str) -> None:
        """From resolved to closed, or back."""
        self.status = status
        self.spans.append((at, self._status_now()))

    def exempted(self, out: Delta, policies: Policies, at: int) -> None:
        """None runs any more."""
        self.exempt = True
        self._cancel_all(out, policies, at)

    def remove(self, out: Delta, policies: Policies, at: int, for_good: bool) -> None:
        """It has left all counts; `for_good`: and lives on as another one, so nothing starts any more."""
        if not self.removed:
            shown = self.clone()
            shown._cancel_all(Delta(), policies, at)
            self.shown, self.removed = shown, True
            self._enter(out, policies, at, self.status)
        if for_good:
            self.exempted(out, policies, at)

    def restore(self, out: Delta, policies: Policies, at: int) -> None:
        """It is back."""
        if self.removed:
            self.shown, self.removed = None, False
            self._enter(out, policies, at, self.status)
            self._miss(out, policies, at)

    def queued(self, out: Delta, policies: Policies, at: int) -> None:
        """A call waits in a queue."""
        self.spans.append((at, None))
        self._start(out, policies, QUEUE_WAIT, at, at)

    def answered(self, out: Delta, policies: Policies, at: int) -> None:
        """A call was answered."""
        self._fulfil_kind(out, policies, QUEUE_WAIT, at)

    def left(self, out: Delta, policies: Policies, at: int) -> None:
        """A call waits no more, and was not answered."""
        self._cancel_all(out, policies, at)

    def settle(self, out: Delta, at: int, backlog_in: Segment | None) -> None:
        """The event is over: stands where it does now."""
        self.backlog_in = backlog_in
        self._stand(out, at)

    # Reading

    def standings(self) -> tuple[tuple[int, Segment, int], ...]:
        """Of each clock that runs, breached or not, its level, where it stands, and when it is or was due."""
        return tuple(
            [
                (SLA_RUNNING + 2 * clock.kind, self.segment, clock.due_ms)
                for clock in self.live
                if clock.ticking and not self.removed
            ]
        )

    def awaits(self, kind: int, started_ms: int) -> bool:
        """Whether the clock of that kind that started then is undecided."""
        return any(
            clock.kind == kind and clock.started_ms == started_ms and clock.ticking and not clock.breached
            for clock in self.live
        )

    def keep_breaches(self, out: Delta) -> None:
        """The breaches that happened, which a removal does not take back."""
        for clock in (*self.done, *self.live):
            if clock.breached_in is not None:
                out.add(clock.breached_ms, clock.breached_in, SLA_BREACHES + clock.kind, 1)

    @property
    def ever_breached(self) -> bool:
        """Whether any clock has breached."""
        return any(clock.breached for clock in (*self.live, *self.done))

    def overdue_ms(self, policies: Policies, clock: Clock, at: int) -> int:
        """The business time since a breached clock was due; what it was when it ended."""
        if clock.outcome != OPEN or not clock.named:
            return clock.overdue_ms
        return self._overdue_ms(self.policy(policies), clock, at)

    def due_now_ms(self, clock: Clock) -> int:
        """When a clock is due, or was; `NEVER` while it is paused or when it was cancelled."""
        if clock.breached_ms != NEVER:
            return clock.breached_due_ms
        state = clock.state()
        return NEVER if state == "paused" or state == "cancelled" else clock.due_ms

    def all(self) -> list[Clock]:
        """Every instance that a policy has named, by kind and number. Of a removed ticket as they were when
        it left: what has come after shows once it is back."""
        of = self if self.shown is None else self.shown
        return sorted((clock for clock in (*of.done, *of.live) if clock.instance), key=_place)

    # Checkpoints

    def plain(self) -> list[Any]:
        """All of it as plain values (segments as they are)."""
        return [
            [_plain_clock(clock) for clock in self.live], [_plain_clock(clock) for clock in self.done],
            *[getattr(self, name) for name in _PARTS],
        ]  # fmt: skip

    def fill(self, parts: Any) -> None:
        """The counterpart of `plain`."""
        self.live = [_clock(values) for values in parts[0]]
        self.done = [_clock(values) for values in parts[1]]
        for name, value in zip(_PARTS, parts[2:], strict=True):
            setattr(self, name, list(value) if name in ("counts", "spans") else value)


_PARTS: Final = (
    "backlog_in", "counts", "due_at_ms", "epoch_ms", "exempt", "first_waits", "now_ms", "past_in", "removed",
    "segment", "shown", "spans", "status", "tags", "wrote",
)  # fmt: skip
_CLOCK_PARTS: Final = (
    "breached_due_ms", "breached_in", "breached_ms", "decided_in", "due_ms", "ended_ms", "fired", "instance",
    "named", "next_level", "next_ms", "outcome", "overdue_ms", "paused", "policy", "risk", "risk_as",
    "risk_in", "running_in", "since_ms", "target_ms", "used_ms",
)  # fmt: skip


def _plain_clock(clock: Clock) -> list[Any]:
    return [clock.kind, clock.started_ms, *[getattr(clock, name) for name in _CLOCK_PARTS]]


def _clock(values: Any) -> Clock:
    clock = Clock(values[0], values[1])
    for name, value in zip(_CLOCK_PARTS, values[2:], strict=True):
        setattr(clock, name, value)
    return clock


def _place(clock: Clock) -> tuple[int, int]:
    return clock.kind, clock.instance
