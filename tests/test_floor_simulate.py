"""The simulated floor: deterministic, in order, within the contract, and believable."""

from collections import Counter, defaultdict
from functools import lru_cache
from itertools import islice, pairwise, takewhile
from typing import get_args

import msgspec
import pytest

from stream.events.selfservice import RANKS
from stream.events.surveys import Kind
from stream.floor import simulate
from stream.floor.sessions import OPENED_SHARE
from stream.floor.surveys import REVIEW_SCORES
from stream.floor.telling import Event, Told
from stream.shard.family import COUNTED
from stream.sources.live import event_ms
from stream.sources.prepare import prepare

MONDAY_8_MS = 1_767_600_000_000  # 2026-01-05T08:00Z
DAY_MS = 86_400_000
OUTCOMES = {
    "call.answered", "call.abandoned", "call.callback_requested", "call.voicemail_left", "call.overflowed",
    "call.missed",
}  # fmt: skip


@lru_cache(maxsize=1)
def two_days() -> tuple[Told, ...]:
    """Some 70,000 events of a floor that opens on a Monday at eight."""
    end_ms = MONDAY_8_MS + 2 * DAY_MS
    return tuple(takewhile(lambda told: event_ms(told[1]) < end_ms, simulate(7, MONDAY_8_MS, 0.4)))


def histories(family: str) -> dict[str, list[Event]]:
    """The events of each entity of a family."""
    found: dict[str, list[Event]] = defaultdict(list)
    for of, event in two_days():
        if of == family:
            found[event["subject"]].append(event)
    return found


def kinds(family: str) -> Counter[str]:
    """How often each type occurs."""
    return Counter(event["type"] for of, event in two_days() if of == family)


def test_the_same_arguments_give_the_same_events() -> None:
    """A seed reproduces a run, to the byte."""
    first, second = (msgspec.json.encode(list(islice(simulate(3, MONDAY_8_MS, 5), 5000))) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("seed", "start_ms", "rate"), [(4, 0, 5.0), (3, 1000, 5.0), (3, 0, 6.0)])
def test_another_run_has_other_subjects(seed: int, start_ms: int, rate: float) -> None:
    """Two runs into one log never mix their tickets and calls."""

    def subjects(seed: int, start_ms: int, rate: float) -> set[str]:
        return {event["subject"] for _, event in islice(simulate(seed, MONDAY_8_MS + start_ms, rate), 2000)}

    assert not subjects(3, 0, 5.0) & subjects(seed, start_ms, rate)


def test_every_event_is_of_the_contract_and_of_its_topic() -> None:
    """What the floor sends is never a dead letter."""
    for family, event in islice(two_days(), 0, None, 3):
        assert prepare(event, 262_144).family == family


def test_events_come_in_order_of_time() -> None:
    """Event time never runs backwards, in no family."""
    times = [event["time"] for _, event in two_days()]
    assert times == sorted(times)


def test_an_event_is_identified_and_placed_by_its_entity() -> None:
    """Ids are unique, and `sequence` says the order where two events share an instant."""
    ids = [event["id"] for _, event in two_days()]
    assert len(set(ids)) == len(ids)
    for family in COUNTED:
        for events in histories(family).values():
            assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))


def test_the_rate_is_the_mean_over_a_week() -> None:
    """A week's events are `rate` for each of its seconds, once the floor has tickets of every age."""
    rate, warm_ms, week_ms = 0.25, 2 * DAY_MS, 7 * DAY_MS
    times = (event_ms(event) - MONDAY_8_MS for _, event in simulate(2, MONDAY_8_MS, rate))
    counted = sum(at >= warm_ms for at in takewhile(lambda at: at < warm_ms + week_ms, times))
    assert counted == pytest.approx(rate * week_ms / 1000, rel=0.08)


@pytest.mark.parametrize("rate", [0, -1, 1e6, float("nan")])
def test_a_rate_out_of_bounds_is_refused(rate: float) -> None:
    """The error says which rates there are."""
    with pytest.raises(ValueError, match="above 0 and below 1,000,000"):
        next(simulate(1, 0, rate))


def test_a_call_has_one_outcome() -> None:
    """It is offered first, leaves the queue in one way, and is over after its end."""
    ended = 0
    for events in histories("calls").values():
        types = [event["type"] for event in events]
        assert types[0] == "call.offered"
        assert types.count("call.offered") == 1
        assert len(OUTCOMES & set(types)) <= 1
        assert types.count("call.ended") <= 1
        assert types.count("call.held") - types.count("call.resumed") in (0, 1)
        if "call.ended" in types:
            assert "call.answered" in types
            assert set(types[types.index("call.ended") + 1 :]) <= {"call.wrapup_ended"}
            ended += 1
    assert ended > 2000


def test_an_agent_is_on_one_call_at_a_time() -> None:
    """Capacity is limited: that is where waits come from."""
    busy: dict[str, str] = {}
    for family, event in two_days():
        call = event["data"].get("call", {})
        if family != "calls" or event["type"] not in (
            "call.answered",
            "call.transferred",
            "call.wrapup_ended",
        ):
            continue
        if event["type"] == "call.answered":
            assert busy.get(call["agent"], event["subject"]) == event["subject"]
            busy[call["agent"]] = event["subject"]
        else:
            busy = {agent: subject for agent, subject in busy.items() if subject != event["subject"]}


NEXT = {
    "offline": {"available"},
    "available": {"ringing", "offline"},
    "ringing": {"busy", "available", "break", "offline"},
    "busy": {"hold", "wrapup", "available", "break", "offline"},
    "hold": {"busy"},
    "wrapup": {"available", "break", "offline"},
    "break": {"available", "offline"},
}
"""What an agent can do after what."""


def test_an_agent_goes_from_state_to_state_as_contacts_do() -> None:
    """Logged in first; rings before it talks, wraps up after; all states occur, and signs of life between."""
    seen: Counter[str] = Counter()
    for events in histories("agents").values():
        state = "offline"
        for event in events:
            if event["type"] == "agent.heartbeat":
                assert state != "offline"
                continue
            logged = {"agent.logged_in": "available", "agent.logged_out": "offline"}
            after = logged.get(event["type"]) or event["data"]["state"]
            assert after in NEXT[state], (state, event)
            state = after
            seen[state] += 1
    assert set(seen) == set(NEXT)
    assert kinds("agents")["agent.heartbeat"] > 500


def test_an_agent_is_busy_while_its_call_is_answered() -> None:
    """What agents say is what the calls say: at each answer the agent's next word is that it is busy."""
    told = [event for family, event in two_days() if family in ("calls", "agents")]
    answers = 0
    for event, following in pairwise(told):
        if event["type"] == "call.answered":
            assert following["subject"].endswith(":" + event["data"]["call"]["agent"])
            assert (following["time"], following["data"]["state"]) == (event["time"], "busy")
            answers += 1
    assert answers > 2000


def test_customers_wait_and_some_give_up() -> None:
    """Most calls are answered soon; short and long abandons, hang-ups in the IVR and while ringing occur."""
    waits: list[float] = []
    abandons: Counter[str] = Counter()
    for events in histories("calls").values():
        at = {event["type"]: event_ms(event) for event in reversed(events)}
        if "call.answered" in at and "call.queued" in at:
            waits.append((at["call.answered"] - at["call.queued"]) / 1000)
        if events[-1]["type"] == "call.abandoned":
            stage = events[-1]["data"]["abandon"]["stage"]
            short = stage == "queue" and at["call.abandoned"] - at["call.queued"] <= 5000
            abandons["short" if short else stage] += 1
    assert 0.4 < sum(wait <= 20 for wait in waits) / len(waits) < 0.98
    assert max(waits) > 60
    assert set(abandons) == {"ivr", "queue", "ring", "short"}


def test_a_ticket_lives_as_tickets_do() -> None:
    """Created once and first; spam, a merge and closing are the end; reopened only when resolved."""
    for events in histories("tickets").values():
        types = [event["type"] for event in events]
        assert types[0] == "ticket.created"
        assert types.count("ticket.created") == 1
        for last in {"ticket.marked_spam", "ticket.merged", "ticket.closed"} & set(types):
            assert types[-1] == last
        status = None
        for event in events:
            if event["type"] == "ticket.reopened":
                assert status == "resolved"
            status = event["data"]["ticket"]["status"]


def test_much_happens_to_tickets() -> None:
    """Every kind of event that the floor knows occurs, and messages of every author."""
    assert set(kinds("tickets")) == {
        "ticket.created", "ticket.message_added", "ticket.assigned", "ticket.updated", "ticket.escalated",
        "ticket.status_changed", "ticket.resolved", "ticket.reopened", "ticket.closed", "ticket.merged",
        "ticket.marked_spam", "ticket.work_logged",
    }  # fmt: skip
    messages = [event["data"]["message"] for events in histories("tickets").values() for event in events
                if event["type"] == "ticket.message_added"]  # fmt: skip
    seen = {(message["author"], message["public"], message["automated"]) for message in messages}
    assert seen == {
        ("customer", True, False), ("agent", True, False), ("agent", False, False), ("bot", True, True),
    }  # fmt: skip


def test_merged_tickets_live_on_in_one_that_exists() -> None:
    """`merged_into` names an earlier ticket of the same customer."""
    tickets = histories("tickets")
    merged = [events[-1] for events in tickets.values() if events[-1]["type"] == "ticket.merged"]
    assert merged
    for event in merged:
        other = tickets[event["data"]["ticket"]["merged_into"]][0]
        assert other["data"]["ticket"]["customer"] == event["data"]["ticket"]["customer"]


def asked() -> dict[str, list[list[Event]]]:
    """The events of each invitation, by its kind."""
    found: dict[str, list[list[Event]]] = defaultdict(list)
    for events in histories("surveys").values():
        if events[0]["type"] == "survey.sent":
            found[events[0]["data"]["survey"]["kind"]].append(events)
    return found


def test_surveys_are_partly_answered_within_their_scales() -> None:
    """About a third of the invitations are answered; all kinds occur."""
    assert 0.2 < kinds("surveys")["survey.responded"] / kinds("surveys")["survey.sent"] < 0.35
    assert set(asked()) == set(get_args(Kind))
    for kind, surveys in asked().items():
        assert sum(len(events) > 1 for events in surveys) > 5
        for event in [event for events in surveys for event in events[1:]]:
            survey, response = event["data"]["survey"], event["data"].get("response", {})
            assert bool(response) == (event["type"] != "survey.expired")
            if "score" in response:
                assert survey["scale_min"] <= response["score"] <= survey["scale_max"]
            assert ("confirmed" in response) == (bool(response) and kind == "fcr")


def test_who_is_asked_fits_the_question() -> None:
    """Customers after a ticket or a call, about the experience after calls only; the staff about nobody."""
    for kind, surveys in asked().items():
        about = [{"ticket", "call", "customer", "agent"} & set(e[0]["data"]["survey"]) for e in surveys]
        if kind == "employee":
            assert not any(about)
        elif kind == "cx":
            assert all(of - {"agent"} == {"call", "customer"} for of in about)
        else:
            assert {"ticket", "call"} <= set().union(*about)


def test_some_resolved_tickets_are_reviewed() -> None:
    """A few of a hundred, once, after the resolution, under the team and agent who had it then."""
    tickets = histories("tickets")
    reviews = [events for events in histories("surveys").values() if events[0]["type"] == "qa.reviewed"]
    for (event,) in reviews:
        review = event["data"]["review"]
        ticket = [told for told in tickets[review["ticket"]] if told["time"] <= event["time"]]
        assert "ticket.resolved" in [told["type"] for told in ticket]
        assert REVIEW_SCORES[0] <= review["score"] <= REVIEW_SCORES[1]
        assert {review[name] == ticket[-1]["data"]["ticket"][name] for name in ("team", "agent")} == {True}
    assert 0.01 < len(reviews) / kinds("tickets")["ticket.resolved"] < 0.05


def test_a_session_lives_as_sessions_do() -> None:
    """It starts once and first; what was rated had been viewed; if its end is told, that is the last."""
    ended = 0
    for events in histories("selfservice").values():
        types = [event["type"].removeprefix("selfservice.") for event in events]
        assert types[0] == "started"
        assert types.count("started") == 1
        assert set(types[:-1]) & {"ended"} == set()
        ended += types[-1] == "ended"
        assert articles(events, "article_rated") <= articles(events, "article_viewed")
    assert 0.8 < ended / len(histories("selfservice")) < 0.95
    assert set(kinds("selfservice")) == set(RANKS)


def articles(events: list[Event], kind: str) -> set[str]:
    """Those that events of a type are about."""
    return {event["data"]["article"] for event in events if event["type"] == f"selfservice.{kind}"}


def test_some_sessions_go_on_to_a_ticket() -> None:
    """As many as the floor reckons with; the ticket is that customer's, about the same."""
    tickets = histories("tickets")
    opened = 0
    for events in histories("selfservice").values():
        for event in events:
            if event["type"] == "selfservice.contact_opened":
                opened += 1
                session, created = event["data"]["session"], tickets[event["data"]["ticket"]][0]
                ticket = created["data"]["ticket"]
                assert created["time"] == event["time"]
                assert ticket["created_by"] == "customer"
                assert session.items() <= ticket.items()
    assert opened / len(histories("selfservice")) == pytest.approx(OPENED_SHARE, abs=0.03)
