"""Instances of clocks of one entity, moved from one step of its history to the next (sla.md "Rules").

Every instance is known from its start to its end, whether a policy names it or not ("open"); it *exists* for
people only while the terms in force name it ("named"). Nothing is remembered about elapsed time: it is
added up from the instance's start again, under the terms of the moment, whenever it is asked for (rule 8).
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from tests.oracle.agreements import Terms
from tests.oracle.business import Calendar, duration_ms
from tests.oracle.model import Fact, Segments, Span

ACTIVE = ("new", "open", "pending", "on_hold")
GO_ON = ("requester_wait", "agent_work", "full_resolution")
"""rule 7: "go on with what had elapsed; the span spent resolved counts nothing"."""

Counted = list[tuple[int, int | None]]
"""Stretches in which a clock runs; the last may be open."""


@dataclass(frozen=True)
class ClockView:
    """One instance of a clock as people read it at an instant (sla.md 20, 21, "States read by people")."""

    clock: str
    instance: int
    state: str
    due_ms: int | None
    elapsed_ms: int
    started_ms: int
    breached_at_ms: int | None
    fulfilled_at_ms: int | None
    overdue_ms: int | None
    policy: str | None
    level: str | None


@dataclass(frozen=True)
class Moment:
    """How the entity stands from an instant on."""

    at_ms: int
    segments: Segments
    status: str | None = None
    removed: bool = False
    done: bool = False


@dataclass
class Instance:
    """One instance of a clock."""

    clock: str
    start_ms: int
    open: bool = True
    terms: Terms | None = None
    """The terms in force, or the last ones."""
    named: bool = False
    number: int = 0
    """0 until it is named for the first time."""
    breached_ms: int | None = None
    missed_due_ms: int | None = None
    breach_segments: Segments = field(default_factory=dict)
    fulfilled_ms: int | None = None
    fulfilled_segments: Segments = field(default_factory=dict)
    last_due_ms: int | None = None
    frozen: tuple[int, int | None] | None = None
    """Elapsed and overdue when it ended or was dropped."""


def elapsed_ms(counted: Counted, calendar: Calendar, at_ms: int) -> int:
    """Business time of the stretches up to an instant."""
    return sum(calendar.between(begin, at_ms if end is None else min(end, at_ms)) for begin, end in counted)


def reached_ms(counted: Counted, calendar: Calendar, amount_ms: int) -> int | None:
    """ "The first instant at which the elapsed business time reaches" an amount "given no further pause".

    "Paused at that instant: breaches at the resume". None while paused, or when the calendar never opens.
    """
    left_ms = amount_ms
    for begin, end in counted:
        at_ms = calendar.after(begin, left_ms)
        if end is None:
            return at_ms
        if at_ms is not None and at_ms < end:
            return at_ms
        left_ms -= calendar.between(begin, end)
    return None


class Clocks:
    """The clocks of one entity. `moments` tell how it stood until now; the last one goes on."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.moments: list[Moment] = []
        self.instances: list[Instance] = []
        self.spans: list[Span] = []
        self.removed = False
        """The entity is removed after what happens now: nothing is decided."""

    def of(self, *clocks: str) -> list[Instance]:
        """The open instances of some clocks."""
        return [one for one in self.instances if one.open and one.clock in clocks]

    # What happens to an instance.

    def start(self, clock: str, start_ms: int, terms: Terms | None, at_ms: int, segments: Segments) -> None:
        """It begins, at `start_ms`, known at `at_ms`."""
        instance = Instance(clock, start_ms)
        self.instances.append(instance)
        self.retarget(instance, terms, at_ms, segments)

    def retarget(self, one: Instance, terms: Terms | None, at_ms: int, segments: Segments) -> None:
        """rule 8: other terms "as if [they] had applied from the start"; without any it is cancelled."""
        if terms is None:
            if one.named:
                self._freeze(one, at_ms)
                one.named = False
            return
        one.terms, one.frozen = terms, None
        if not one.named:
            one.named = True
            if not one.number:
                one.number = 1 + sum(other.number > 0 for other in self.instances if other.clock == one.clock)
        due_ms = self.due_ms(one)
        if due_ms is not None and due_ms < at_ms and not self.removed:
            # "If the new due instant is already past, the breach is at the instant of the change."
            self._breach(one, at_ms, due_ms, segments)

    def fulfil(self, one: Instance, at_ms: int, segments: Segments) -> None:
        """It ends as it should, in time or not."""
        if one.named:
            one.last_due_ms = self.due_ms(one, resumed_ms=at_ms)
            self._freeze(one, at_ms)
            one.fulfilled_ms, one.fulfilled_segments = at_ms, segments
        one.open = False

    def cancel(self, one: Instance, at_ms: int) -> None:
        """It ends without a verdict, unless it was breached before."""
        if one.named:
            self._freeze(one, at_ms)
        one.open = one.named = False

    def reopen(self, one: Instance, terms: Terms | None, at_ms: int, segments: Segments) -> None:
        """rule 7: it goes on, and a `met` is taken back."""
        one.open = True
        one.fulfilled_ms = one.last_due_ms = None
        self.retarget(one, terms, at_ms, segments)

    def _freeze(self, one: Instance, at_ms: int) -> None:
        one.frozen = (self.elapsed_ms(one, at_ms), self.overdue_ms(one, at_ms))

    def _breach(self, one: Instance, at_ms: int, due_ms: int, segments: Segments) -> None:
        if one.breached_ms is None:  # "A breach that has happened stays; the clock does not breach twice."
            one.breached_ms, one.missed_due_ms, one.breach_segments = at_ms, due_ms, segments

    # Time.

    def step(self, at_ms: int) -> None:
        """Time goes on to `at_ms`, before anything happens there: timers due before it fire.

        Those due at that instant wait: rule 19, "after all events of that instant".
        """
        self._fire(at_ms - 1)
        self._levels(at_ms)

    def finish(self) -> None:
        """Time goes on to now, after everything."""
        self._fire(self.now_ms)
        self._levels(None)

    def _fire(self, until_ms: int) -> None:
        if not self.moments or self.moments[-1].removed:
            return
        for one in self.instances:
            if one.open and one.named and one.breached_ms is None:
                due_ms = self.due_ms(one)
                if due_ms is not None and due_ms <= until_ms:
                    self._breach(one, due_ms, due_ms, self.moments[-1].segments)

    def counts(self, one: Instance, moment: Moment) -> bool:
        """Whether the instance runs while the entity stands so, under its terms."""
        assert one.terms is not None
        resolved = moment.done and one.clock in GO_ON
        return not moment.removed and not resolved and moment.status not in one.terms.pauses

    def counted(self, one: Instance) -> Counted:
        """Where the instance ran since its start, under its terms, neighbours joined."""
        if not self.moments:
            return [(one.start_ms, None)]
        found: Counted = []
        ends: list[int | None] = [moment.at_ms for moment in self.moments[1:]]
        for place, (moment, end) in enumerate(zip(self.moments, [*ends, None], strict=True)):
            # Before the first moment the entity stood as it is heard of: nothing paused.
            begin = one.start_ms if place == 0 else max(one.start_ms, moment.at_ms)
            if not self.counts(one, moment) or (end is not None and end <= begin):
                continue
            if found and found[-1][1] == begin:
                found[-1] = (found[-1][0], end)
            else:
                found.append((begin, end))
        return found

    def due_ms(self, one: Instance, resumed_ms: int | None = None) -> int | None:
        """When it breaches, given no further pause (and that a pause ends at `resumed_ms`)."""
        assert one.terms is not None
        counted = self.counted(one)
        if resumed_ms is not None and (not counted or counted[-1][1] is not None):
            counted = [*counted, (max(resumed_ms, one.start_ms), None)]
        due_at_ms = one.terms.due_at_ms
        if due_at_ms is None:
            assert one.terms.target_ms is not None
            return reached_ms(counted, one.terms.calendar, one.terms.target_ms)
        if due_at_ms < one.start_ms:
            return due_at_ms
        for begin, end in counted:
            if end is None or due_at_ms < end:
                return max(begin, due_at_ms)
        return None

    def elapsed_ms(self, one: Instance, at_ms: int) -> int:
        """Business time that it has run."""
        assert one.terms is not None
        return elapsed_ms(self.counted(one), one.terms.calendar, at_ms)

    def overdue_ms(self, one: Instance, at_ms: int) -> int | None:
        """ "Business time since `due`, frozen while paused"."""
        if one.missed_due_ms is None:
            return None
        assert one.terms is not None
        since_ms, calendar = one.missed_due_ms, one.terms.calendar
        after = [
            (max(begin, since_ms), end) for begin, end in self.counted(one) if end is None or end > since_ms
        ]
        return calendar.between(since_ms, one.start_ms) + elapsed_ms(after, calendar, at_ms)

    # Warnings.

    def levels_of(self, one: Instance) -> list[tuple[int, str]]:
        """(elapsed business time at which a warning level is passed, the level as spelled), ascending."""
        terms = one.terms
        assert terms is not None
        target_ms = terms.target_ms
        if terms.due_at_ms is not None:
            # "Percentages under a `due_at` are shares of start..`due_at`": what will have elapsed by then.
            target_ms = elapsed_ms(self.counted(one), terms.calendar, terms.due_at_ms)
        assert target_ms is not None
        found = []
        for level in terms.warn:
            if level.endswith("%"):
                at_ms = ceil(Fraction(level[:-1]) * target_ms / 100)
                fires = Fraction(level[:-1]) < 100 and at_ms < target_ms
            else:
                at_ms = target_ms - duration_ms(level)
                fires = 0 < at_ms < target_ms
            if fires:  # "Levels at or past the target never fire"
                found.append((at_ms, level))
        return sorted(found, key=lambda level: level[0])

    def level(self, one: Instance, at_ms: int) -> str | None:
        """ "The highest warning passed" by position."""
        has_ms = self.elapsed_ms(one, at_ms)
        passed = [name for level_ms, name in self.levels_of(one) if level_ms <= has_ms]
        return passed[-1] if passed else None

    def _levels(self, to_ms: int | None) -> None:
        """Spans of levels from the last moment until now."""
        if not self.moments or (to_ms is not None and to_ms == self.moments[-1].at_ms):
            return
        moment = self.moments[-1]
        overdue = []
        for one in self.instances:
            if not one.open or not one.named or moment.removed:
                continue
            if one.breached_ms is not None:
                overdue.append(max(one.breached_ms, moment.at_ms))
            if self.counts(one, moment):
                self._running(one, moment, to_ms)
        if overdue and moment.status in ACTIVE:
            self._span("backlog_past_sla", min(overdue), to_ms, moment.segments, min(overdue))

    def _running(self, one: Instance, moment: Moment, to_ms: int | None) -> None:
        """ "`sla_running` = running or at risk, not paused, not breached"; `level` = the highest passed."""
        assert one.terms is not None
        begin_ms = max(moment.at_ms, one.start_ms)
        end_ms = to_ms if one.breached_ms is None else one.breached_ms
        edges: list[tuple[int, str | None]] = [(begin_ms, None)]
        for level_ms, name in self.levels_of(one):
            at_ms = reached_ms(self.counted(one), one.terms.calendar, level_ms)
            if at_ms is not None:
                edges.append((max(begin_ms, at_ms), name))
        ends: list[int | None] = [at_ms for at_ms, _ in edges[1:]]
        for (at_ms, level), until_ms in zip(edges, [*ends, end_ms], strict=True):
            if until_ms is None or (end_ms is not None and end_ms < until_ms):
                until_ms = end_ms
            labels = {**moment.segments, "clock": one.clock, "level": level}
            self._span("sla_running", at_ms, until_ms, labels, one.start_ms)
            if level is not None:
                self._span("sla_at_risk", at_ms, until_ms, labels, one.start_ms)

    def _span(self, level: str, from_ms: int, to_ms: int | None, segments: Segments, since_ms: int) -> None:
        if from_ms > self.now_ms or (to_ms is not None and to_ms <= from_ms):
            return
        if to_ms is not None and to_ms > self.now_ms:
            to_ms = None
        self.spans.append(Span(level, from_ms, to_ms, segments, since_ms))

    # What is read.

    def facts(self, removed: bool) -> list[Fact]:
        """Breaches and decisions; of a removed entity only the breaches."""
        found = []
        for one in self.instances:
            if one.breached_ms is not None:
                labels = {**one.breach_segments, "clock": one.clock}
                found.append(Fact("sla_breaches", one.breached_ms, labels, 1))
                if not removed:
                    found.append(Fact("sla_decided", one.breached_ms, labels, 1))
            elif one.fulfilled_ms is not None and not removed:
                labels = {**one.fulfilled_segments, "clock": one.clock}
                found += [Fact(name, one.fulfilled_ms, labels, 1) for name in ("sla_decided", "sla_met")]
        return found

    def views(self) -> list[ClockView]:
        """Every instance that has ever been named, at now."""
        return [self._view(one) for one in self.instances if one.number]

    def _view(self, one: Instance) -> ClockView:
        assert one.terms is not None
        runs = one.open and one.named
        state, due_ms, level = "cancelled", None, None
        if one.breached_ms is not None:
            state, due_ms = "breached", one.missed_due_ms
        elif one.fulfilled_ms is not None:
            state, due_ms = "met", one.last_due_ms
        elif runs and not self.counts(one, self.moments[-1]):
            state = "paused"
        elif runs:
            level = self.level(one, self.now_ms)
            state, due_ms = "running" if level is None else "at_risk", self.due_ms(one)
        elapsed, overdue = one.frozen or (
            self.elapsed_ms(one, self.now_ms),
            self.overdue_ms(one, self.now_ms),
        )
        return ClockView(
            one.clock, one.number, state, due_ms, elapsed, one.start_ms, one.breached_ms, one.fulfilled_ms,
            overdue, one.terms.policy, level,
        )  # fmt: skip
