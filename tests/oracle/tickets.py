"""One ticket's history -> facts and level spans, from catalog.md "Tickets" and "Rules for tickets"."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil

from tests.oracle.agreements import Agreements
from tests.oracle.model import HOUR, Config, Event, Fact, Segments, Span, merged, segments_of

ACTIVE = ("new", "open", "pending", "on_hold")
DONE = ("resolved", "closed")

# events.md 3: "status `resolved` / `closed` / `open` unless the snapshot says otherwise".
STATUS_OF_TYPE = {"ticket.resolved": "resolved", "ticket.closed": "closed", "ticket.reopened": "open"}


@dataclass(frozen=True)
class Step:
    """The ticket right after one event, and what that event was."""

    at_ms: int
    segments: Segments
    status: str | None
    waiting: tuple[int, ...]
    """Times of the customer messages that wait for a public human reply."""
    removed: bool
    created: bool
    contact: bool
    """Created by the customer."""
    resolved: bool
    reopened: bool
    first_response_ms: int | None
    """Set when this event is the first response: the span from the customer's message."""
    any_response_ms: int | None
    """The same for the first public message that is not the customer's."""
    next_response_ms: int | None
    """Set when a later public human reply answers: the span from the oldest unanswered message."""
    human: bool
    """A public, not automated message by an agent."""
    interaction: bool
    """The same by an agent or the customer."""
    escalated: bool
    work_ms: int | None
    """Work logged by this event."""


def facts_and_spans(history: list[Event], config: Config, now_ms: int) -> tuple[list[Fact], list[Span]]:
    """All facts and spans of one subject; ageing that is due after `now_ms` has not happened."""
    facts: list[Fact] = []
    spans: list[Span] = []
    for life in lives(history, config.keep_tickets_ms):
        steps = list(walk(life))
        if steps[-1].removed:
            # catalog.md: "A ticket that is merged, spam or deleted takes *all* its contributions of this
            # table back", "Removed tickets also leave the levels of all past time".
            continue
        facts += _facts(life, steps)
        spans += _spans(life, steps, now_ms) + _stale(steps, Agreements(config.settings), now_ms)
    return facts, spans


def lives(history: list[Event], keep_ms: int) -> list[list[Event]]:
    """events.md 3: what follows when a finished entity was "silent in event time for longer than
    `keep_finished`" is a new entity."""
    found: list[list[Event]] = []
    for event in history:
        if found and not _forgotten(found[-1], event, keep_ms):
            found[-1].append(event)
        else:
            found.append([event])
    return found


def _forgotten(life: list[Event], event: Event, keep_ms: int) -> bool:
    if event["time"] - life[-1]["time"] <= keep_ms:
        return False
    last = list(walk(life))[-1]
    return last.removed or last.status in DONE


def walk(life: list[Event]) -> Iterator[Step]:
    """The state machine, one step an event."""
    state: dict[str, object] = {}
    status: str | None = None
    waiting: tuple[int, ...] = ()
    merged_away = hidden = known_created = answered = False
    answered_any = False
    unanswered_since: int | None = None
    unanswered_by_any_since: int | None = None
    for number, event in enumerate(life):
        first = number == 0
        snapshot = dict(event["data"].get("ticket") or {})
        if event["type"] == "ticket.unassigned":
            # events.md 3: "unassigned: agent null" unless the snapshot gives one.
            snapshot.setdefault("agent", None)
        state = merged(state, snapshot)
        created = event["type"] == "ticket.created" and not known_created
        before, status = status, _status(event, snapshot, status, first, created)
        known_created = known_created or created
        # "A first entry into `closed` from an active status is a resolution", from an unknown one, too; "a
        # ticket whose first event already says resolved or closed has no resolution counted".
        done_now = status in DONE and before not in DONE
        reopened = status in ACTIVE and (
            before in DONE or (before is None and event["type"] == "ticket.reopened")
        )
        # sla.md 14: "A reopening acts before the message, a resolution after it".
        if reopened and not answered:
            # sla.md 15: measured from "the oldest unanswered customer message since the resolution", else the
            # next one.
            unanswered_since = waiting[0] if waiting else None
        if reopened and not answered_any:
            unanswered_by_any_since = waiting[0] if waiting else None
        first_response_ms = any_response_ms = next_response_ms = None
        if from_customer(event, created, state):
            waiting += (event["time"],)
            if unanswered_since is None:
                unanswered_since = event["time"]
            if unanswered_by_any_since is None:
                unanswered_by_any_since = event["time"]
        elif _human_reply(event):
            if answered and waiting:
                # "oldest unanswered customer message -> the public human reply; every one after the first".
                next_response_ms = max(0, event["time"] - waiting[0])
            waiting = ()
            if not answered and unanswered_since is not None:
                answered = True
                first_response_ms = max(0, event["time"] - unanswered_since)
        if _public_reply(event) and not answered_any and unanswered_by_any_since is not None:
            answered_any = True
            any_response_ms = max(0, event["time"] - unanswered_by_any_since)
        if done_now:
            # "A resolution clears what was unanswered"; a reopening brings back what is written from here on.
            waiting = ()
        merged_away = merged_away or event["type"] == "ticket.merged"
        if event["type"] in ("ticket.marked_spam", "ticket.deleted"):
            hidden = True
        elif event["type"] == "ticket.restored":
            hidden = False
        yield Step(
            at_ms=event["time"],
            segments=segments_of(state),
            status=status,
            waiting=waiting,
            removed=merged_away or hidden,
            created=created,
            contact=created and state.get("created_by") in (None, "customer"),
            resolved=done_now and not first,
            reopened=reopened,
            first_response_ms=first_response_ms,
            any_response_ms=any_response_ms,
            next_response_ms=next_response_ms,
            human=_human_reply(event),
            interaction=_interaction(event, created, state),
            escalated=event["type"] == "ticket.escalated",
            work_ms=_work_ms(event),
        )


def _status(
    event: Event, snapshot: dict[str, str | None], before: str | None, first: bool, created: bool
) -> str | None:
    if "status" in snapshot:
        return snapshot["status"]
    if event["type"] in STATUS_OF_TYPE:
        return STATUS_OF_TYPE[event["type"]]
    if before is None and created:
        return "new"  # "a second `ticket.created` adds nothing"
    if first and event["type"] == "ticket.message_added":
        # events.md 3: "Its status is `new` if that event is a message, otherwise unknown".
        return "new"
    return before


def from_customer(event: Event, created: bool, state: dict[str, object]) -> bool:
    """A message by the customer; "With `created_by: customer` this is also the first customer message"."""
    if created:
        return (state.get("created_by") or "customer") == "customer"
    return event["type"] == "ticket.message_added" and bool(event["data"]["message"]["author"] == "customer")


def _human_reply(event: Event) -> bool:
    """A public message of an agent with `automated: false` (sla.md "Human")."""
    if event["type"] != "ticket.message_added":
        return False
    message = event["data"]["message"]
    public, automated = message.get("public", True), message.get("automated", False)
    return bool(message["author"] == "agent" and public and not automated)


def _public_reply(event: Event) -> bool:
    """ "any public message by agent, bot or system, automated or not"."""
    if event["type"] != "ticket.message_added":
        return False
    message = event["data"]["message"]
    return bool(message["author"] != "customer" and message.get("public", True))


def _interaction(event: Event, created: bool, state: dict[str, object]) -> bool:
    """ "public, not automated messages of customer and agents ... (a creation by the customer is one)"."""
    if event["type"] != "ticket.message_added":
        return created and from_customer(event, created, state)
    message = event["data"]["message"]
    by_people = message["author"] in ("customer", "agent")
    return bool(by_people and message.get("public", True) and not message.get("automated", False))


def _work_ms(event: Event) -> int | None:
    if event["type"] != "ticket.work_logged":
        return None
    return round(Fraction(event["data"]["work"]["seconds"]) * 1000)


def _facts(life: list[Event], steps: list[Step]) -> list[Fact]:
    # "*Created* = the time of `ticket.created` if it is known, else of the first event".
    created_ms = next((step.at_ms for step in steps if step.created), life[0]["time"])
    facts: list[Fact] = []
    in_force: list[Fact] = []
    resolved_before = False
    for number, step in enumerate(steps):

        def fact(measure: str, value: int, step: Step = step) -> Fact:
            return Fact(measure, step.at_ms, step.segments, value)

        span_ms = max(0, step.at_ms - created_ms)  # "A span that comes out negative counts as 0"
        if step.created:
            facts.append(fact("ticket_volume", 1))
        if step.contact:
            facts.append(fact("contacts", 1))
        if step.first_response_ms is not None:
            facts.append(fact("first_response_time", step.first_response_ms))
        if step.any_response_ms is not None:
            facts.append(fact("first_response_time_any", step.any_response_ms))
        if step.next_response_ms is not None:
            facts.append(fact("next_response_time", step.next_response_ms))
        if step.reopened:
            facts.append(fact("tickets_reopened", 1))
            in_force = []  # "In force": taken back when a later event undoes it
        if step.resolved:
            if not resolved_before:
                facts.append(fact("resolution_time", span_ms))  # "stays when reopened"
            resolved_before = True
            in_force = [fact("tickets_resolved", 1), fact("full_resolution_time", span_ms)]
            in_force += [fact(*figure) for figure in _figures(steps[: number + 1])]
    return facts + in_force + _first_assignment(steps, created_ms) + _cohorts(steps)


def _figures(steps: list[Step]) -> list[tuple[str, int]]:
    """What the resolution by the last of these steps counts: "only what precedes the resolution in force"."""
    humans = sum(step.human for step in steps)
    logged = [step.work_ms for step in steps if step.work_ms is not None]
    agents = _without_repeats([step.segments["agent"] for step in steps])
    figures = [
        ("requester_wait_time", _spent_ms(steps, ("new", "open", "on_hold"))),
        ("agent_work_time", _spent_ms(steps, ("new", "open"))),
        ("interactions_per_ticket", sum(step.interaction for step in steps)),
        ("reassignments_per_ticket", max(0, len(agents) - 1)),
    ]
    if logged:
        figures.append(("ticket_handle_time", sum(logged)))  # "for tickets that have any"
    if humans == 0:
        figures.append(("automated", 1))
    if humans <= 1 and not (
        _transferred(steps) or any(step.escalated for step in steps) or any(step.reopened for step in steps)
    ):
        figures.append(("first_contact", 1))
    return figures


def _spent_ms(steps: list[Step], statuses: tuple[str, ...]) -> int:
    return sum(later.at_ms - step.at_ms for step, later in pairwise(steps) if step.status in statuses)


def _without_repeats(values: list[str | None]) -> list[str]:
    """ "compared with their last non-null value (a -> null -> b is one change; there and back ...)"."""
    told = [value for value in values if value is not None]
    return [value for place, value in enumerate(told) if place == 0 or value != told[place - 1]]


def _transferred(steps: list[Step]) -> bool:
    return len(_without_repeats([step.segments["team"] for step in steps])) > 1


def _first_assignment(steps: list[Step], created_ms: int) -> list[Fact]:
    """ "created -> first time that `agent` is set"; "set at creation: 0", also when set before it."""
    for step in steps:
        if step.segments["agent"] is not None:
            span_ms = max(0, step.at_ms - created_ms)
            return [Fact("time_to_assign", step.at_ms, step.segments, span_ms)]
    return []


def _cohorts(steps: list[Step]) -> list[Fact]:
    """ "the denominator's event sets instant *and* segments of both"."""
    found = []
    for step in steps:
        if step.created:
            told = {
                "created_resolved": steps[-1].status in DONE,
                "created_escalated": any(other.escalated for other in steps),
                "created_transferred": _transferred(steps),
            }
            found += [Fact(name, step.at_ms, step.segments, 1) for name, so in told.items() if so]
    first = next((step for step in steps if step.resolved), None)
    if first is not None:
        found.append(Fact("first_resolved", first.at_ms, first.segments, 1))
        if any(step.reopened for step in steps):
            found.append(Fact("first_reopened", first.at_ms, first.segments, 1))
    return found


def _spans(life: list[Event], steps: list[Step], now_ms: int) -> list[Span]:
    """Levels between one event and the next; "a restored one was in no level while deleted"."""
    created_ms = next((step.at_ms for step in steps if step.created), life[0]["time"])
    spans: list[Span] = []
    ends: list[int | None] = [step.at_ms for step in steps[1:]]
    for step, end in zip(steps, [*ends, None], strict=True):
        if step.removed or step.status not in ACTIVE or end == step.at_ms:
            continue

        def span(level: str, from_ms: int, since_ms: int, step: Step = step, end: int | None = end) -> None:
            if from_ms < end if end is not None else from_ms <= now_ms:
                spans.append(Span(level, from_ms, end, step.segments, since_ms))

        span("backlog", step.at_ms, created_ms)
        if step.waiting:
            span("backlog_unanswered", step.at_ms, step.waiting[0])
        if step.segments["agent"] is None:
            span("backlog_unassigned", step.at_ms, step.at_ms)
        if step.status == "pending":
            span("backlog_pending", step.at_ms, step.at_ms)
        # "age >= 24 h", of a ticket that was created (or first heard of) then.
        span("backlog_older_than_24h", max(step.at_ms, created_ms + 24 * HOUR), created_ms)
    return spans


def _stale(steps: list[Step], agreements: Agreements, now_ms: int) -> list[Span]:
    """ "Nothing happened for 3 business days (default calendar)"; "every known event counts"."""
    spans: list[Span] = []
    ends: list[int | None] = [step.at_ms for step in steps[1:]]
    for step, end in zip(steps, [*ends, None], strict=True):
        if step.removed or step.status not in ACTIVE or end == step.at_ms:
            continue
        until_ms = now_ms + 1 if end is None else end
        edges = [at_ms for at_ms in agreements.changes_ms() if step.at_ms < at_ms < until_ms]
        for from_ms, to_ms in pairwise([step.at_ms, *edges, until_ms]):
            # By the version in force then, as if it had always been (rule 8).
            calendar = agreements.calendar(None, from_ms)
            silent_ms = calendar.stale_after_ms()
            stale_ms = None if silent_ms is None else calendar.after(step.at_ms, ceil(silent_ms))
            if stale_ms is not None and max(from_ms, stale_ms) < to_ms:
                last = None if end is None and to_ms == until_ms else to_ms
                begin_ms = max(from_ms, stale_ms)
                spans.append(Span("backlog_stale", begin_ms, last, step.segments, step.at_ms))
    return spans
