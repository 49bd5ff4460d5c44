"""Single clocks of a ticket or call: how each starts, gets a target, warns, breaches and ends, and where it
stands in the levels. What makes these things happen is in clocks.py."""

from __future__ import annotations

from typing import Final

from stream.events.clocks import (
    AGENT_WORK,
    ASSIGNMENT,
    CLOCKS,
    FIRST_REPLY,
    FULL_RESOLUTION,
    GROUP_OWNERSHIP,
    NEXT_REPLY,
    PAUSABLE_UPDATE,
    PERIODIC_UPDATE,
    REQUESTER_WAIT,
    RESOLUTION,
)
from stream.events.instants import FOREVER, NEVER
from stream.lifecycle.delta import Delta
from stream.metrics.measures import (
    BACKLOG_PAST_SLA,
    SLA_BREACHES,
    SLA_DECIDED,
    SLA_MET,
    SLA_RUNNING,
    at_risk_code,
)
from stream.metrics.segments import Segment
from stream.sla.clock import CANCELLED, FULFILLED, NO_LEVEL, OPEN, Clock
from stream.sla.marks import (
    ACTIVATED,
    AT_RISK,
    BREACHED,
    CANCELLED_MARK,
    FULFILLED_MARK,
    PAUSED,
    RESUMED,
    RETARGETED,
    mark_of,
)
from stream.sla.policy import NO_TARGET, Level, Policies, Policy

DELETED: Final = "deleted"
"""The status of the spans in which a ticket is removed."""
DONE: Final = ("resolved", "closed")
ON_RESOLUTION: Final = (
    FIRST_REPLY, NEXT_REPLY, PERIODIC_UPDATE, PAUSABLE_UPDATE, ASSIGNMENT, GROUP_OWNERSHIP,
)  # fmt: skip
"""Clocks that a resolution cancels."""
GO_ON: Final = (REQUESTER_WAIT, AGENT_WORK, FULL_RESOLUTION)
"""Clocks that go on after a reopening."""
FROM_CREATION: Final = (REQUESTER_WAIT, AGENT_WORK, RESOLUTION, FULL_RESOLUTION)


class Running:
    """The clocks, and what their rules hang on."""

    __slots__ = (
        "backlog_in", "counts", "done", "due_at_ms", "epoch_ms", "exempt", "first_waits", "live", "lost_ms",
        "now_ms", "past_in", "removed", "segment", "shown", "spans", "status", "tags", "wrote",
    )  # fmt: skip

    def __init__(self, segment: Segment) -> None:
        self.live: list[Clock] = []  # open ones, and those that may go on after a reopening
        self.done: list[Clock] = []  # over for good
        self.counts: list[int] = [0] * len(CLOCKS)  # instances that have been named, by kind
        self.spans: list[tuple[int, str | None]] = []  # (from when, status)
        self.status: str | None = None
        self.removed = False
        self.shown: Running | None = None  # of a removed one: the clocks as they were when it left
        self.exempt = False
        self.wrote = False  # the customer has written
        self.first_waits = False  # for the first time after the resolution in force
        self.tags: str | None = None
        self.due_at_ms = NEVER
        self.segment = segment
        self.epoch_ms = NEVER  # the beginning of the epoch of the policy in force
        self.backlog_in: Segment | None = None
        self.past_in: Segment | None = None
        self.now_ms = NEVER  # up to when time has passed
        self.lost_ms = FOREVER  # when a call is lost, and its clock with it

    def policy(self, policies: Policies) -> Policy:
        """The one in force."""
        return policies.epochs[policies.number_at(self.epoch_ms)].policy_of(self.segment, self.tags)

    def elapsed_ms(self, policies: Policies, clock: Clock, at: int) -> int:
        """The business time that a clock has run, at an instant not before its last change."""
        if not clock.ticking:
            return clock.used_ms
        return clock.used_ms + self.policy(policies).calendar.elapsed_ms(clock.since_ms, at)

    # One clock

    def _start(self, out: Delta, policies: Policies, kind: int, started_ms: int, at: int) -> None:
        clock = Clock(kind, started_ms)
        self.live.append(clock)
        self._aim(out, policies, clock, at, ACTIVATED)

    def _named(self, policy: Policy, kind: int) -> bool:
        return policy.targets[kind] != NO_TARGET or (kind == RESOLUTION and self.due_at_ms != NEVER)

    def _promised(self, kind: int) -> bool:
        """Whether a person's `due_at` holds for a clock of that kind."""
        return self.due_at_ms != NEVER and kind in (RESOLUTION, FULL_RESOLUTION)

    def _promised_ms(self, policy: Policy, clock: Clock) -> int:
        """When a promised clock is due: within a pause where that ends, `NEVER` while it lasts."""
        if self.due_at_ms < clock.started_ms:
            return self.due_at_ms
        last = len(self.spans) - 1
        for number, (begin, status) in enumerate(self.spans):
            end = self.spans[number + 1][0] if number < last else FOREVER
            begin = clock.started_ms if number == 0 else max(begin, clock.started_ms)
            if begin < end and self.due_at_ms < end and not self._pausing(policy, clock.kind, status):
                return max(begin, self.due_at_ms)
        return NEVER

    def _pausing(self, policy: Policy, kind: int, status: str | None) -> bool:
        """Whether a clock stands still in a status."""
        if status == DELETED:
            return True
        if status in DONE:
            return kind in GO_ON
        return status in policy.pauses[kind]

    def _aim(self, out: Delta, policies: Policies, clock: Clock, at: int, mark: int) -> None:
        """Gives an open clock the target of the policy in force, as if it had applied from the start."""
        policy = self.policy(policies)
        if not self._named(policy, clock.kind):
            return
        if not clock.named:
            mark = ACTIVATED
        clock.named = True
        clock.policy = policy.name
        if clock.instance == 0:
            self.counts[clock.kind] += 1
            clock.instance = self.counts[clock.kind]
        clock.target_ms = policy.targets[clock.kind]
        clock.paused = self._pausing(policy, clock.kind, self._status_now())
        used_ms, reached_ms = self._spent(policy, clock, at, clock.target_ms)
        clock.used_ms, clock.since_ms = used_ms, at
        if clock.target_ms == NO_TARGET:  # only a person's word
            clock.target_ms = max(0, policy.calendar.elapsed_ms(clock.started_ms, self.due_at_ms))
        self._mark(out, policies, mark, clock, at, "")
        if self._promised(clock.kind):
            reached_ms = self._promised_ms(policy, clock)
        if clock.breached_ms == NEVER and reached_ms != NEVER and reached_ms < at and not self.removed:
            self._breach(out, policies, clock, at, reached_ms)
            return
        self._warn_passed(out, policies, clock, at)
        self._plan(policies, clock, at)

    def _drop(self, out: Delta, policies: Policies, at: int, before: Policy) -> None:
        """Ends what `before` named and the policy in force does not, as it stood until now."""
        policy = self.policy(policies)
        for clock in self.live:
            if clock.outcome == OPEN and clock.named and not self._named(policy, clock.kind):
                if not clock.paused:
                    clock.used_ms += before.calendar.elapsed_ms(clock.since_ms, at)
                if clock.breached:
                    clock.overdue_ms = self._overdue_ms(before, clock, at)
                clock.named = False
                clock.next_ms, clock.risk = NEVER, NO_LEVEL
                self._mark(out, policies, CANCELLED_MARK, clock, at, "")

    def _retarget(self, out: Delta, policies: Policies, at: int) -> None:
        """Another policy is in force, or another `due_at`."""
        for clock in self.live:
            if clock.outcome == OPEN:
                self._aim(out, policies, clock, at, RETARGETED)

    def _warn_passed(self, out: Delta, policies: Policies, clock: Clock, at: int) -> None:
        """Levels whose instant is past warn now, but only the highest."""
        policy = self.policy(policies)
        clock.risk = NO_LEVEL
        if clock.breached_ms != NEVER:
            return
        highest: Level | None = None
        highest_ms = NEVER
        silent = False
        for level in policy.levels:
            passed_ms = self._passed_ms(policy, clock, level, at)
            if passed_ms == NEVER or passed_ms >= at:
                continue
            if highest is None or passed_ms >= highest_ms:
                highest, highest_ms = level, passed_ms
            if level.number not in clock.fired:
                clock.fired = (*clock.fired, level.number)
                silent = True
        if highest is not None:
            clock.risk = highest.number
            if silent:
                self._mark(out, policies, AT_RISK, clock, at, highest.said)

    def _passed_ms(self, policy: Policy, clock: Clock, level: Level, at: int) -> int:
        """When a level was passed, or will be if nothing changes; `NEVER` when it is none of this target."""
        calendar = policy.calendar
        if self._promised(clock.kind):
            whole = calendar.elapsed_ms(clock.started_ms, self.due_at_ms)
            need = level.used_ms(whole)
            return calendar.due_ms(clock.started_ms, need) if 0 < need < whole else NEVER
        need = level.used_ms(clock.target_ms)
        if not 0 < need < clock.target_ms:
            return NEVER
        if clock.used_ms < need:
            return NEVER if clock.paused else calendar.due_ms(clock.since_ms, need - clock.used_ms)
        return self._spent(policy, clock, at, need)[1]

    def _plan(self, policies: Policies, clock: Clock, at: int) -> None:
        """Works out what time does to it next."""
        clock.next_ms, clock.next_level = NEVER, NO_LEVEL
        if not clock.ticking:
            return
        policy = self.policy(policies)
        if clock.breached_ms != NEVER:
            return
        self._plan_due(policies, clock, at)
        clock.next_ms = clock.due_ms
        for place, level in enumerate(policy.levels):
            if level.number in clock.fired:
                continue
            passed_ms = self._passed_ms(policy, clock, level, at)
            if passed_ms != NEVER and passed_ms < clock.next_ms:
                clock.next_ms, clock.next_level = passed_ms, place

    def _plan_due(self, policies: Policies, clock: Clock, at: int) -> None:
        if self._promised(clock.kind):
            due_ms = self._promised_ms(self.policy(policies), clock)
            clock.due_ms = due_ms if due_ms != NEVER else max(self.due_at_ms, at)
        else:
            calendar = self.policy(policies).calendar
            clock.due_ms = calendar.due_ms(clock.since_ms, clock.target_ms - clock.used_ms)

    def _breach(self, out: Delta, policies: Policies, clock: Clock, at: int, due_ms: int) -> None:
        clock.breached_ms, clock.breached_due_ms, clock.breached_in = at, due_ms, self.segment
        clock.due_ms = due_ms
        clock.next_ms, clock.next_level, clock.risk = NEVER, NO_LEVEL, NO_LEVEL
        out.add(at, self.segment, SLA_BREACHES + clock.kind, 1)
        out.add(at, self.segment, SLA_DECIDED + clock.kind, 1)
        self._mark(out, policies, BREACHED, clock, at, "")

    def _miss(self, out: Delta, policies: Policies, at: int) -> None:
        """Back from a removal: what was due by the terms that have come meanwhile breaches now."""
        policy = self.policy(policies)
        for clock in self.live:
            if clock.outcome == OPEN and clock.named and not clock.breached:
                if self._promised(clock.kind):
                    due_ms = self._promised_ms(policy, clock)
                else:
                    due_ms = self._spent(policy, clock, at, clock.target_ms)[1]
                if due_ms != NEVER and due_ms < at:
                    self._breach(out, policies, clock, at, due_ms)

    def _overdue_ms(self, policy: Policy, clock: Clock, at: int) -> int:
        """The business time since a breached clock was due, but for its pauses, under a policy. Before its
        start, when a person's `due_at` is as old as that, nothing paused."""
        due_ms, started_ms = clock.breached_due_ms, clock.started_ms
        before_ms = policy.calendar.elapsed_ms(due_ms, started_ms)
        return before_ms + self._counted(policy, clock.kind, max(due_ms, started_ms), at, -1)[0]

    def _end(self, policies: Policies, clock: Clock, at: int) -> None:
        """Its time runs no more, and what it is overdue stays."""
        if clock.breached and clock.named:
            clock.overdue_ms = self._overdue_ms(self.policy(policies), clock, at)
        self._stop(policies, clock, at)

    def _stop(self, policies: Policies, clock: Clock, at: int) -> None:
        """Its time runs no more."""
        if clock.ticking:
            clock.used_ms += self.policy(policies).calendar.elapsed_ms(clock.since_ms, at)
        clock.since_ms = at
        clock.next_ms, clock.next_level = NEVER, NO_LEVEL

    def _fulfil(self, out: Delta, policies: Policies, clock: Clock, at: int) -> None:
        self._end(policies, clock, at)
        if clock.paused and clock.named and not clock.breached:
            # It was due at no instant: as if it had gone on just then, so that what is met was never late.
            self._plan_due(policies, clock, at)
        clock.outcome, clock.ended_ms = FULFILLED, at
        self._move(out, at, clock, None)
        if not clock.named:
            return
        if clock.breached_ms == NEVER:
            clock.decided_in = self.segment
            out.add(at, self.segment, SLA_MET + clock.kind, 1)
            out.add(at, self.segment, SLA_DECIDED + clock.kind, 1)
        self._mark(out, policies, FULFILLED_MARK, clock, at, "")

    def _fulfil_kind(self, out: Delta, policies: Policies, kind: int, at: int) -> None:
        found = False
        for clock in self.live:
            if clock.kind == kind and clock.outcome == OPEN:
                self._fulfil(out, policies, clock, at)
                found = True
        if found:
            self._bury()

    def _go_on(self, out: Delta, policies: Policies, clock: Clock, at: int) -> None:
        if clock.decided_in is not None:
            out.add(clock.ended_ms, clock.decided_in, SLA_MET + clock.kind, -1)
            out.add(clock.ended_ms, clock.decided_in, SLA_DECIDED + clock.kind, -1)
            clock.decided_in = None
        clock.outcome, clock.ended_ms = OPEN, NEVER
        if not self._named(self.policy(policies), clock.kind):
            clock.named = False
            return
        self._aim(out, policies, clock, at, RESUMED)

    def _cancel(self, out: Delta, policies: Policies, clock: Clock, at: int) -> None:
        self._end(policies, clock, at)
        if clock.named:
            self._mark(out, policies, CANCELLED_MARK, clock, at, "")
        clock.outcome, clock.ended_ms = CANCELLED, at
        self._move(out, at, clock, None)

    def _cancel_all(self, out: Delta, policies: Policies, at: int) -> None:
        for clock in self.live:
            if clock.outcome == OPEN:
                self._cancel(out, policies, clock, at)
        self._bury()

    def _bury(self) -> None:
        """Puts what is over for good with the others; nothing is kept of what no policy ever named."""
        live: list[Clock] = []
        for clock in self.live:
            if clock.outcome == OPEN or (clock.outcome == FULFILLED and clock.kind in GO_ON):
                live.append(clock)
            elif clock.instance:
                self.done.append(clock)
        self.live = live

    # Statuses

    def _status_now(self) -> str | None:
        return DELETED if self.removed else self.status

    def _enter(self, out: Delta, policies: Policies, at: int, status: str | None) -> None:
        """Another status: clocks pause, or go on."""
        self.status = status
        now = self._status_now()
        self.spans.append((at, now))
        policy = self.policy(policies)
        for clock in self.live:
            if clock.outcome != OPEN:
                continue
            pausing = self._pausing(policy, clock.kind, now)
            if pausing == clock.paused:
                continue
            if pausing:
                self._stop(policies, clock, at)
                clock.paused = True
                if clock.named:
                    self._mark(out, policies, PAUSED, clock, at, "")
            else:
                clock.paused = False
                clock.since_ms = at
                if clock.named:
                    self._mark(out, policies, RESUMED, clock, at, "")
                    self._resume(out, policies, clock, at)

    def _resume(self, out: Delta, policies: Policies, clock: Clock, at: int) -> None:
        if self._promised(clock.kind):
            self._warn_passed(out, policies, clock, at)
        self._plan(policies, clock, at)

    def _spent(self, policy: Policy, clock: Clock, at: int, need_ms: int) -> tuple[int, int]:
        """Business time that a clock has run from its start to `at` under a policy, and when that came to
        `need_ms` (`NEVER`: not before `at`)."""
        return self._counted(policy, clock.kind, clock.started_ms, at, need_ms)

    def _counted(self, policy: Policy, kind: int, from_ms: int, to_ms: int, need_ms: int) -> tuple[int, int]:
        """Business time between two instants without pauses; when it came to `need_ms` (-1: not asked)."""
        calendar = policy.calendar
        used, reached = 0, NEVER
        last = len(self.spans) - 1
        for number, (begin, status) in enumerate(self.spans):
            end = self.spans[number + 1][0] if number < last else to_ms
            begin, end = max(begin, from_ms), min(end, to_ms)
            if number == 0:
                begin = from_ms
            if begin > end or (begin == end and number < last) or self._pausing(policy, kind, status):
                continue
            gained = calendar.elapsed_ms(begin, end)
            if reached == NEVER and 0 <= need_ms <= used + gained:
                at = calendar.due_ms(begin, need_ms - used)
                stands = number < last and self._pausing(policy, kind, self._status_from(number + 1))
                if at < end or not stands:
                    reached = at
            used += gained
        return used, reached

    def _status_from(self, number: int) -> str | None:
        """The status in which an instant leaves the ticket that the span of this number begins at."""
        at = self.spans[number][0]
        while number < len(self.spans) - 1 and self.spans[number + 1][0] == at:
            number += 1
        return self.spans[number][1]

    # Levels

    def _stand(self, out: Delta, at: int) -> None:
        """Moves the clocks in the levels to where they stand now."""
        past = False
        for clock in self.live:
            here: Segment | None = None
            if clock.ticking and clock.breached_ms == NEVER and not self.removed:
                here = self.segment
            self._move(out, at, clock, here)
            if clock.past and not self.removed:
                past = True
        here = self.backlog_in if past else None
        if here is not self.past_in:
            if self.past_in is not None:
                out.level(at, self.past_in, BACKLOG_PAST_SLA, -1)
            if here is not None:
                out.level(at, here, BACKLOG_PAST_SLA, 1)
            self.past_in = here

    def _move(self, out: Delta, at: int, clock: Clock, here: Segment | None) -> None:
        if here is not clock.running_in:
            if clock.running_in is not None:
                out.level(at, clock.running_in, SLA_RUNNING + 2 * clock.kind, -1)
            if here is not None:
                out.level(at, here, SLA_RUNNING + 2 * clock.kind, 1)
            clock.running_in = here
        risky = here if clock.risk != NO_LEVEL else None
        if risky is not clock.risk_in or clock.risk != clock.risk_as:
            if clock.risk_in is not None:
                out.level(at, clock.risk_in, at_risk_code(clock.kind, clock.risk_as), -1)
            if risky is not None:
                out.level(at, risky, at_risk_code(clock.kind, clock.risk), 1)
            clock.risk_in, clock.risk_as = risky, clock.risk

    # Marks

    def _mark(self, out: Delta, policies: Policies, kind: int, clock: Clock, at: int, said: str) -> None:
        elapsed_ms = self.elapsed_ms(policies, clock, at)
        out.mark(mark_of(kind, clock, at, said, elapsed_ms, self.segment.values), 1)
