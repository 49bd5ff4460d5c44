"""One ticket's history -> facts and level spans, from catalog.md "Tickets" and "Rules for tickets"."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.oracle.model import Config, Event, Fact, Segments, Span, merged, segments_of

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


def facts_and_spans(history: list[Event], config: Config, now_ms: int) -> tuple[list[Fact], list[Span]]:
    """All facts and spans of one subject; `now_ms` changes nothing, tickets have no lost ending."""
    facts: list[Fact] = []
    spans: list[Span] = []
    for life in lives(history, config.keep_tickets_ms):
        steps = list(walk(life))
        if steps[-1].removed:
            # catalog.md: "A ticket that is merged, spam or deleted takes *all* its contributions of this
            # table back", "Removed tickets also leave the levels of all past time".
            continue
        facts += _facts(life, steps)
        spans += _spans(steps)
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
    unanswered_since: int | None = None
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
        first_response_ms = None
        if _from_customer(event, created, state):
            waiting += (event["time"],)
            if unanswered_since is None:
                unanswered_since = event["time"]
        elif _human_reply(event):
            waiting = ()
            if not answered and unanswered_since is not None:
                answered = True
                first_response_ms = max(0, event["time"] - unanswered_since)
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


def _from_customer(event: Event, created: bool, state: dict[str, object]) -> bool:
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


def _facts(life: list[Event], steps: list[Step]) -> list[Fact]:
    # "*Created* = the time of `ticket.created` if it is known, else of the first event".
    created_ms = next((step.at_ms for step in steps if step.created), life[0]["time"])
    facts: list[Fact] = []
    in_force: list[Fact] = []
    resolved_before = False
    for step in steps:

        def fact(measure: str, value: int, step: Step = step) -> Fact:
            return Fact(measure, step.at_ms, step.segments, value)

        span_ms = max(0, step.at_ms - created_ms)  # "A span that comes out negative counts as 0"
        if step.created:
            facts.append(fact("ticket_volume", 1))
        if step.contact:
            facts.append(fact("contacts", 1))
        if step.first_response_ms is not None:
            facts.append(fact("first_response_time", step.first_response_ms))
        if step.reopened:
            facts.append(fact("tickets_reopened", 1))
            in_force = []  # "In force": taken back when a later event undoes it
        if step.resolved:
            if not resolved_before:
                facts.append(fact("resolution_time", span_ms))  # "stays when reopened"
            resolved_before = True
            in_force = [fact("tickets_resolved", 1), fact("full_resolution_time", span_ms)]
    return facts + in_force


def _spans(steps: list[Step]) -> list[Span]:
    """Levels between one event and the next; "a restored one was in no level while deleted"."""
    spans: list[Span] = []
    ends: list[int | None] = [step.at_ms for step in steps[1:]]
    for step, end in zip(steps, [*ends, None], strict=True):
        if step.removed or step.status not in ACTIVE or end == step.at_ms:
            continue
        spans.append(Span("backlog", step.at_ms, end, step.segments, step.at_ms))
        if step.waiting:
            spans.append(Span("backlog_unanswered", step.at_ms, end, step.segments, step.waiting[0]))
    return spans
