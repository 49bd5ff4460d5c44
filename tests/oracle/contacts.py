"""What joins tickets and calls of one customer, from catalog.md: `first_contact_resolution_7d` and
`repeat_contact_rate`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.oracle import calls, tickets
from tests.oracle.model import DAY, Config, Event, Fact, Segments, merged

WEEK_MS = 7 * DAY


@dataclass(frozen=True)
class Start:
    """A contact that began."""

    at_ms: int
    entity: str
    segments: Segments
    customer: str | None


@dataclass(frozen=True)
class Solved:
    """A ticket's resolution in force, when it is one at first contact."""

    at_ms: int
    entity: str
    segments: Segments
    customer: str | None


def facts(histories: Mapping[tuple[str, str], list[Event]], config: Config) -> list[Fact]:
    """Every contact of a known customer, which of them repeat another, and which resolutions at first contact
    another one followed."""
    told = [one for entity, history in histories.items() for one in _told(*entity, history, config)]
    starts = [one for one in told if isinstance(one, Start) and one.customer]
    solved = [one for one in told if isinstance(one, Solved)]
    counted = [Fact("contacts_known", one.at_ms, one.segments, 1) for one in starts]
    for customer in {one.customer for one in starts}:
        # At one instant the smaller entity is the earlier one.
        own = sorted((s for s in starts if s.customer == customer), key=lambda s: (s.at_ms, s.entity))
        for before, after in pairwise(own):
            if after.at_ms - before.at_ms <= WEEK_MS:
                counted.append(Fact("contacts_repeated", after.at_ms, after.segments, 1))
    for one in solved:
        if one.customer and any(_follows(start, one) for start in starts):
            counted.append(Fact("contacts_returned", one.at_ms, one.segments, 1))
    return counted


def _follows(start: Start, solved: Solved) -> bool:
    """ "no further contact of that customer in the same category within 7 days after the resolution"; "within
    7 days is <=", "absent categories equal each other"."""
    return (
        start.customer == solved.customer
        and start.entity != solved.entity
        and start.segments["category"] == solved.segments["category"]
        and 0 < start.at_ms - solved.at_ms <= WEEK_MS
    )


def _told(topic: str, subject: str, history: list[Event], config: Config) -> Iterator[Start | Solved]:
    if topic == "tickets":
        for life in tickets.lives(history, config.keep_tickets_ms):
            yield from _of_ticket(f"tickets/{subject}", life)
    elif topic == "calls":
        for life in calls.lives(history, config):
            marks, state = calls.marks_of(life)
            for fact in calls._offered_facts(marks) if marks else []:
                if fact.measure == "calls_offered" and fact.segments["direction"] == "inbound":
                    yield Start(fact.at_ms, f"calls/{subject}", fact.segments, state.get("customer"))


def _of_ticket(entity: str, life: list[Event]) -> Iterator[Start | Solved]:
    steps = list(tickets.walk(life))
    if steps[-1].removed:
        return
    state: dict[str, Any] = {}
    for event in life:
        state = merged(state, event["data"].get("ticket") or {})
    customer = state.get("customer")
    for step in steps:
        if step.contact:
            yield Start(step.at_ms, entity, step.segments, customer)
    resolved = [place for place, step in enumerate(steps) if step.resolved]
    reopened = [place for place, step in enumerate(steps) if step.reopened]
    if resolved and not reopened:
        place = resolved[-1]
        if _at_first_contact(life[: place + 1], [step.segments["team"] for step in steps[: place + 1]]):
            yield Solved(steps[place].at_ms, entity, steps[place].segments, customer)


def _at_first_contact(life: list[Event], teams: list[str | None]) -> bool:
    """ "resolved with at most one public human agent message, never transferred, escalated or reopened",
    "only what precedes the resolution in force counts"."""
    replies = sum(tickets._human_reply(event) for event in life)
    escalated = any(event["type"] == "ticket.escalated" for event in life)
    return replies <= 1 and not escalated and len({team for team in teams if team is not None}) <= 1
