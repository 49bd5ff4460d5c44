"""The clocks of one ticket, from sla.md: what starts, fulfils and cancels them, event by event.

clocks(config, events, subject, now_ms)     # config: the raw mapping of a scenario
"""

from collections.abc import Callable, Iterable
from typing import Any

from tests.oracle import calls, queuewait, tickets
from tests.oracle.agreements import Agreements, Settings, Terms
from tests.oracle.clock import GO_ON, Clocks, ClockView, Instance, Moment
from tests.oracle.model import Config, Event, Fact, Span, histories, json_hash, merged, to_ms
from tests.oracle.settings import config_of
from tests.oracle.tickets import DONE, Step

CREATED = ("resolution", *GO_ON)
REPLIES = ("first_reply", "next_reply")
UPDATES = ("periodic_update", "pausable_update")
CANCELLED = (*REPLIES, *UPDATES, "assignment", "group_ownership")
"""rule 5."""


def clocks(
    config: Settings,
    events: Iterable[Event],
    subject: str,
    now_ms: int,
    content_hash: Callable[[Event], Any] = json_hash,
) -> list[ClockView]:
    """All instances of clocks of a ticket or call at `now_ms`; of its last life, when it had several."""
    found = histories(events, content_hash)
    made = config_of(config)
    views: list[ClockView] = []
    if ("tickets", subject) in found:
        lives = tickets.lives(found["tickets", subject], made.keep_tickets_ms)
        views += play(lives[-1], made, now_ms).views()
    if ("calls", subject) in found:
        life = calls.lives(found["calls", subject], made)[-1]
        views += queuewait.play(life, made, now_ms).views()
    return views


def facts_and_spans(history: list[Event], config: Config, now_ms: int) -> tuple[list[Fact], list[Span]]:
    """All that the clocks of one ticket count."""
    facts: list[Fact] = []
    spans: list[Span] = []
    # Without either no clock has a target, so that none is ever seen; real data has a hundred thousand such.
    agreed = config.settings.get("policies") or any(_promises(event) for event in history)
    for life in tickets.lives(history, config.keep_tickets_ms):
        steps = list(tickets.walk(life))
        found = play(life, config, now_ms) if agreed else Clocks(now_ms)
        facts += found.facts(steps[-1].removed)
        if steps[-1].removed:
            continue
        spans += found.spans
        facts += _received(steps, found) + _business(life, steps, config)
    return facts, spans


def _promises(event: Event) -> bool:
    return "due_at" in (event["data"].get("ticket") or {})


def _received(steps: list[Step], found: Clocks) -> list[Fact]:
    """ "Resolved now and no clock breached (no policy counts as none breached)"."""
    if steps[-1].status not in DONE or any(one.breached_ms is not None for one in found.instances):
        return []
    return [Fact("received_kept", step.at_ms, step.segments, 1) for step in steps if step.created]


def _business(life: list[Event], steps: list[Step], config: Config) -> list[Fact]:
    """ "The same span as `first_response_time` in the business time of the ticket's calendar (its policy's,
    else the default calendar, else 24x7)"."""
    agreements = Agreements(config.settings)
    state: dict[str, Any] = {}
    for event, step in zip(life, steps, strict=True):
        state = _merged(state, event)
        if step.first_response_ms is not None:
            policy = agreements.policy(state, step.at_ms) or {}
            calendar = agreements.calendar(policy.get("calendar"), step.at_ms)
            span_ms = calendar.between(step.at_ms - step.first_response_ms, step.at_ms)
            return [Fact("first_response_time_business", step.at_ms, step.segments, span_ms)]
    return []


def _merged(state: dict[str, Any], event: Event) -> dict[str, Any]:
    snapshot = dict(event["data"].get("ticket") or {})
    if event["type"] == "ticket.unassigned":
        snapshot.setdefault("agent", None)
    return merged(state, snapshot)


def play(life: list[Event], config: Config, now_ms: int) -> Clocks:
    """The clocks of one life of a ticket at `now_ms`."""
    agreements = Agreements(config.settings)
    steps = list(tickets.walk(life))
    removed_at = len(steps)
    while removed_at and steps[removed_at - 1].removed:
        removed_at -= 1
    ticket = _Ticket(life, steps, agreements, now_ms)
    changes = [at_ms for at_ms in agreements.changes_ms() if life[0]["time"] < at_ms <= now_ms]
    for place, step in enumerate(steps):
        while changes and changes[0] <= step.at_ms:
            ticket.configured(changes.pop(0))
        if place == removed_at:
            ticket.removed(step)
            return ticket.clocks
        ticket.event(place)
    for at_ms in changes:
        ticket.configured(at_ms)
    ticket.clocks.finish()
    return ticket.clocks


class _Ticket:
    """A ticket between two events."""

    def __init__(self, life: list[Event], steps: list[Step], agreements: Agreements, now_ms: int) -> None:
        self.life, self.steps, self.agreements = life, steps, agreements
        self.clocks = Clocks(now_ms)
        # catalog.md: "the time of `ticket.created` if it is known, else of the first event"
        self.created_ms = next((step.at_ms for step in steps if step.created), life[0]["time"])
        created = next((place for place, step in enumerate(steps) if step.created), 0)
        self.begins = created if steps[created].at_ms > life[0]["time"] else 0
        self.state: dict[str, Any] = {}
        self.team: str | None = None  # "compared with their last non-null value"
        self.agent: str | None = None
        self.questions = 0
        self.answered = self.done = self.exempt = False

    def configured(self, at_ms: int) -> None:
        """rule 11: another version is in force; running clocks "are recomputed at that instant"."""
        last = self.clocks.moments[-1]
        self.clocks.step(at_ms)
        self._retarget(at_ms, last)
        self.clocks.moments.append(Moment(at_ms, last.segments, last.status, last.removed, last.done))

    def removed(self, step: Step) -> None:
        """rule 6: "Merge, spam, deletion: all running clocks are `cancelled`"."""
        self.clocks.step(step.at_ms)
        for one in self.clocks.instances:
            if one.open:
                self.clocks.cancel(one, step.at_ms)

    def event(self, place: int) -> None:
        """One event: policy, reopening, people, message, resolution, in this order (rule 14)."""
        event, step = self.life[place], self.steps[place]
        at_ms = step.at_ms
        self.clocks.step(at_ms)
        self.clocks.removed = step.removed
        self.state = _merged(self.state, event)
        if event["type"] == "ticket.sla_exempted":
            self._exempt(at_ms)
        moment = Moment(at_ms, step.segments, step.status, step.removed, self.done)
        self._retarget(at_ms, moment)
        resolves = step.status in DONE and (place == 0 or self.steps[place - 1].status not in DONE)
        if place == 0 and step.status in DONE:
            self.done = True
        if place == self.begins:
            self._begin(place)
        if step.reopened:
            self._reopened(step, self.steps[place - 1].waiting if place else ())
        self._people(step)
        self._message(event, step)
        if resolves and place > 0:
            for one in self.clocks.of(*CREATED):
                self.clocks.fulfil(one, at_ms, step.segments)
            for one in self.clocks.of(*CANCELLED):
                self.clocks.cancel(one, at_ms)
        self.done = (self.done or resolves) and not step.reopened
        self.clocks.moments.append(Moment(at_ms, step.segments, step.status, step.removed, self.done))

    def _terms(self, clock: str, at_ms: int) -> Terms | None:
        due_at = self.state.get("due_at")
        return self.agreements.terms(clock, self.state, None if due_at is None else to_ms(due_at), at_ms)

    def _retarget(self, at_ms: int, moment: Moment) -> None:
        for one in self.clocks.instances:
            if one.open:
                self.clocks.retarget(one, self._terms(one.clock, at_ms), at_ms, moment.segments)

    def _start(self, clock: str, start_ms: int, step: Step) -> None:
        if not self.exempt:
            self.clocks.start(clock, start_ms, self._terms(clock, step.at_ms), step.at_ms, step.segments)

    def _exempt(self, at_ms: int) -> None:
        """ "All running clocks are cancelled, none starts again"."""
        self.exempt = True
        for one in self.clocks.instances:
            if one.open:
                self.clocks.cancel(one, at_ms)

    def _begin(self, place: int) -> None:
        """What starts when it is created, whatever was heard of it before. Resolved by then, it has had its
        first resolution; the clocks that go on after a reopening wait for one. Its creation may be that one:
        a reopening acts first (rule 14)."""
        step = self.steps[place]
        if self.steps[max(0, place - 1)].status in DONE and not step.reopened:
            self.clocks.instances += [Instance(clock, self.created_ms, open=False) for clock in GO_ON]
            return
        # Rule 25, as far as the new life tells: what is reopened had been resolved.
        resolved = self.life[0]["type"] == "ticket.reopened" or any(
            one.status in DONE or one.reopened for one in self.steps[:place]
        )
        for clock in CREATED:
            if clock != "resolution" or not resolved:
                self._start(clock, self.created_ms, step)
        # rule 18: "no clock when created with an agent"
        if step.segments["agent"] is None:
            self._start("assignment", self.created_ms, step)

    def _reopened(self, step: Step, waiting: tuple[int, ...]) -> None:
        """rules 7 and 15."""
        self.done = False
        for one in self.clocks.instances:
            if one.clock in GO_ON and not one.open and not self.exempt:
                self.clocks.reopen(one, self._terms(one.clock, step.at_ms), step.at_ms, step.segments)
        if waiting:
            self._question(waiting[0], step, first=len(waiting) == self.questions)

    def _question(self, since_ms: int, step: Step, *, first: bool) -> None:
        """A customer message that may start a reply clock; `first`: their first one."""
        if not self.clocks.of(*REPLIES):
            self._start("first_reply" if first or not self.answered else "next_reply", since_ms, step)

    def _people(self, step: Step) -> None:
        """rule 18, and `assignment`."""
        team, agent = step.segments["team"], step.segments["agent"]
        if team is not None and team != self.team:
            self.team = team
            for one in self.clocks.of("group_ownership"):
                self.clocks.cancel(one, step.at_ms)
            if not self.done:
                self._start("group_ownership", step.at_ms, step)
        if agent is not None and agent != self.agent:
            for one in self.clocks.of("assignment", "group_ownership"):
                self.clocks.fulfil(one, step.at_ms, step.segments)
        self.agent = agent

    def _message(self, event: Event, step: Step) -> None:
        if tickets.from_customer(event, step.created, self.state):
            self.questions += 1
            if not self.done:
                self._question(step.at_ms, step, first=self.questions == 1)
        if step.human:
            for one in self.clocks.of(*REPLIES, *UPDATES, "group_ownership"):
                self.clocks.fulfil(one, step.at_ms, step.segments)
            if not self.done:
                for clock in UPDATES:
                    self._start(clock, step.at_ms, step)
        self.answered = self.answered or step.human
