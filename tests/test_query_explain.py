"""Why a number is what it is: what is told of an entity adds up to what it counts."""

from collections import Counter

import pytest

from stream.config import Config
from stream.metrics.catalog import load_catalog
from stream.metrics.panes import Pane
from stream.query.explain import Contribution, Explanation, explain
from stream.shard.family import family
from stream.shard.image import Image
from tests.answers import REPLY, TEAM_A, Told, image, ms

CONFIG = Config()
WORK = {"work": {"seconds": 90.5}}
TICKET: list[Told] = [
    ("2026-03-02T09:01:00", "ticket.created", "T1", TEAM_A),
    ("2026-03-02T09:03:05.250", "ticket.message_added", "T1", {"ticket": {"status": "open"}, **REPLY}),
    ("2026-03-02T09:30:00", "ticket.resolved", "T1", {"ticket": {"status": "resolved", "team": None}}),
]


def explained(name: str, made: Image, subject: str) -> Explanation:
    """The explanation of an entity in an image."""
    rules = family(name, CONFIG)
    return explain(rules, CONFIG, load_catalog(), made.fence, subject, made.states[subject])


def at(told: Explanation, time: str) -> list[Contribution]:
    """What it contributes in the pane of a time."""
    return [part for part in told.contributions if part.at_ms == ms(time)]


def test_the_history_says_what_each_event_changed() -> None:
    """Type, source, id and what is new in the snapshot; of a message who wrote it."""
    told = explained("tickets", image("tickets", CONFIG, TICKET, "2026-03-02T10:00:00"), "T1")
    assert [(event.type, event.source, event.id, event.said) for event in told.history] == [
        ("ticket.created", "desk", "e0", "channel=email, team=a"),
        ("ticket.message_added", "desk", "e1", "status=open, public reply by a person"),
        ("ticket.resolved", "desk", "e2", "status=resolved, team=null"),
    ]
    assert told.history[1].at_ms == ms("2026-03-02T09:03:05.250")


def test_the_state_leaves_out_what_has_not_happened() -> None:
    """Times are local, segments by name."""
    told = explained("tickets", image("tickets", CONFIG, TICKET[:1], "2026-03-02T10:00:00"), "T1")
    assert told.state == [
        ("answer_from", "2026-03-02 09:01:00"), ("backlog_in", "channel=email, team=a"), ("contact", "True"),
        ("created_counted", "True"), ("created_in", "channel=email, team=a"),
        ("created", "2026-03-02 09:01:00"), ("interactions", "1"), ("last", "2026-03-02 09:01:00"),
        ("last_team", "a"), ("segment", "channel=email, team=a"), ("status", "new"),
        ("status_since", "2026-03-02 09:01:00"), ("unanswered_in", "channel=email, team=a"),
        ("unanswered", "2026-03-02 09:01:00"), ("unassigned_in", "channel=email, team=a"),
    ]  # fmt: skip


def test_the_state_says_what_a_resolution_counts() -> None:
    """Times as lengths, numbers by name; work that nobody logged is nothing."""
    worked: list[Told] = [*TICKET[:2], ("2026-03-02T09:20:00", "ticket.work_logged", "T1", WORK), TICKET[2]]
    made = image("tickets", CONFIG, worked, "2026-03-02T10:00:00")
    told = explained("tickets", made, "T1")
    assert told.history[2].said == "90.5 s of work"
    state = dict(told.state)
    assert (state["worked"], state["logged"]) == ("1740 s", "90.5 s")
    assert state["resolution_counts"] == (
        "waited 1740 s, worked 1740 s, interactions 2, reassignments 0, logged 90.5 s, first_contact 1, "
        "automated 0"
    )
    made = image("tickets", CONFIG, TICKET, "2026-03-02T10:00:00")
    assert "logged nothing" in dict(explained("tickets", made, "T1").state)["resolution_counts"]


def test_a_bucket_of_plain_numbers_has_no_unit() -> None:
    """Interactions are no time."""
    told = explained("tickets", image("tickets", CONFIG, TICKET, "2026-03-02T10:00:00"), "T1")
    assert [part.measure for part in told.contributions if "interactions[" in part.measure] == [
        "interactions[bucket 2] (about 2)"
    ]


def test_a_contribution_names_measure_segments_and_the_metrics_that_read_it() -> None:
    """Of a distribution also the value that its bucket stands for."""
    told = explained("tickets", image("tickets", CONFIG, TICKET, "2026-03-02T10:00:00"), "T1")
    sums = [part for part in at(told, "2026-03-02T09:03:00") if part.measure == "first_response_sum"]
    assert [(part.amount, part.segments, part.metrics) for part in sums] == [
        (125_250, {"channel": "email", "team": "a"}, ("first_response_time",))
    ]
    buckets = [part.measure for part in told.contributions if "first_response[" in part.measure]
    assert buckets == ["first_response[bucket 474] (about 125.738 s)"]


@pytest.mark.parametrize(
    ("now", "panes"),
    [
        ("2026-03-02T09:01:05", [(0, "09:01:00")]),
        ("2026-03-02T09:02:05", [(0, "09:01:00"), (1, "09:01:00")]),
        ("2026-03-02T10:00:00", [(0, "09:01:00"), (1, "09:01:00"), (2, "09:00:00")]),
        ("2026-03-03T09:00:00", [(1, "09:01:00"), (2, "09:00:00"), (3, "00:00:00")]),
    ],
)
def test_panes_are_those_that_hold_it_now(now: str, panes: list[tuple[int, str]]) -> None:
    """Those told are those of the image: open panes get theirs when they close, old ones are gone."""
    made = image("tickets", CONFIG, TICKET[:1], now)
    told = explained("tickets", made, "T1")
    expected: tuple[Pane, ...] = tuple((size, ms(f"2026-03-02T{time}")) for size, time in panes)
    assert {part.panes for part in told.contributions} == {expected}
    assert set(made.cells) == set(expected)


def test_contributions_are_all_that_an_entity_counts() -> None:
    """Of one ticket alone, they sum up to the cells of the image."""
    made = image("tickets", CONFIG, TICKET, "2026-03-02T09:30:05")
    told = explained("tickets", made, "T1")
    assert Counter(part.panes[0] for part in told.contributions).keys() == {
        pane for pane in made.cells if pane[0] == 0
    }
    assert sum(part.amount for part in told.contributions if part.measure == "backlog") == 0


def test_a_call_whose_ending_is_lost_leaves_the_level() -> None:
    """As its shard counts it, by the shard's clock."""
    events: list[Told] = [("2026-03-02T03:20:02", "call.queued", "C1", {"call": {"queue": "sales"}})]
    told = explained("calls", image("calls", CONFIG, events, "2026-03-02T07:00:00"), "C1")
    assert [part.amount for part in told.contributions if part.measure == "calls_waiting"] == [1]
    told = explained("calls", image("calls", CONFIG, events, "2026-03-02T10:00:00"), "C1")
    assert [part.amount for part in told.contributions if part.measure == "calls_waiting"] == [1, -1]
    assert [(part.at_ms, part.metrics) for part in told.contributions if part.measure == "calls_lost"] == [
        (ms("2026-03-02T07:20:00"), ())
    ]


def test_records_and_answers_say_their_values() -> None:
    """Times of a call record, the score of an answer."""
    call = {"queued_at": "2026-03-02T09:20:02Z", "abandoned_at": "2026-03-02T09:21:02Z", "ended_at": None}
    events: list[Told] = [("2026-03-02T09:25:00", "call.record", "C1", {"call": call})]
    told = explained("calls", image("calls", CONFIG, events, "2026-03-02T10:00:00"), "C1")
    assert told.history[0].said == (
        "queued_at=2026-03-02 09:20:02, abandoned_at=2026-03-02 09:21:02, ended_at=null"
    )
    assert ("left", "abandoned") in told.state
    answered: list[Told] = [
        (
            "2026-03-02T09:25:00",
            "survey.responded",
            "S1",
            {"survey": {"kind": "nps"}, "response": {"score": 9}},
        )
    ]
    told = explained("surveys", image("surveys", CONFIG, answered, "2026-03-02T10:00:00"), "S1")
    assert told.history[0].said == "kind=nps, answer 9"
    assert ("counted", "nps_promoters 1") in told.state


def test_sessions_and_reviews_say_what_they_are() -> None:
    """What was rated and how; whether it went on to a person; the score of a review."""
    web = {"session": {"channel": "web"}}
    events: list[Told] = [
        ("2026-03-02T09:20:00", "selfservice.started", "H1", web),
        ("2026-03-02T09:21:00", "selfservice.article_viewed", "H1", {"article": "a1"}),
        ("2026-03-02T09:22:00", "selfservice.article_rated", "H1", {"article": "a1", "helpful": False}),
        ("2026-03-02T09:23:00", "selfservice.contact_opened", "H1", {"ticket": "T1"}),
        ("2026-03-02T09:24:00", "selfservice.ended", "H1", {}),
    ]
    told = explained("selfservice", image("selfservice", CONFIG, events, "2026-03-02T10:00:00"), "H1")
    assert [event.said for event in told.history] == ["channel=web", "", "a1 was not helpful", "", ""]
    assert {("helped", "True"), ("handed_over", "True"), ("ended", "2026-03-02 09:24:00")} <= set(told.state)
    assert [(part.measure, part.amount, part.segments) for part in told.contributions] == [
        ("sessions_started", 1, {"channel": "web"}),
        ("articles_rated", 1, {"channel": "web", "article": "a1"}),
        ("sessions_ended", 1, {"channel": "web"}),
    ]
    assert told.contributions[0].metrics == ("selfservice_sessions", "selfservice_share")
    review = {"review": {"score": 85, "team": "a"}}
    reviewed: list[Told] = [("2026-03-02T09:25:00", "qa.reviewed", "R1", review)]
    told = explained("surveys", image("surveys", CONFIG, reviewed, "2026-03-02T10:00:00"), "R1")
    assert told.history[0].said == "team=a, score 85"
    assert [(part.measure, part.amount, part.metrics) for part in told.contributions] == [
        ("qa_reviews", 1, ("qa_score",)), ("qa_sum", 85, ("qa_score",)),
    ]  # fmt: skip


def test_an_agent_says_its_states_and_kept_heartbeats() -> None:
    """Of heartbeats the first and the last of half a day; in which level it stands, and which metrics read
    that."""
    events: list[Told] = [
        ("2026-03-02T08:00:00", "agent.logged_in", "ann", {"agent": {"team": "red"}}),
        ("2026-03-02T08:20:00", "agent.heartbeat", "ann", {}),
        ("2026-03-02T08:40:00", "agent.heartbeat", "ann", {}),
        ("2026-03-02T09:00:00", "agent.heartbeat", "ann", {}),
        ("2026-03-02T09:30:00", "agent.state_changed", "ann", {"state": "busy"}),
    ]
    told = explained("agents", image("agents", CONFIG, events, "2026-03-02T10:00:00"), "ann")
    assert [(event.type, event.id, event.said) for event in told.history] == [
        ("agent.logged_in", "e0", "team=red, agent=ann, available"),
        ("agent.heartbeat", "", ""),
        ("agent.heartbeat", "", ""),
        ("agent.state_changed", "e4", "busy"),
    ]
    assert ("state", "busy") in told.state
    assert [part.metrics for part in told.contributions if part.measure == "agents_busy"] == [
        ("agents", "occupancy")
    ]


def test_a_removed_ticket_contributes_nothing() -> None:
    """All of its contributions are taken back."""
    spam: Told = ("2026-03-02T09:40:00", "ticket.marked_spam", "T1", {})
    told = explained("tickets", image("tickets", CONFIG, [*TICKET, spam], "2026-03-02T10:00:00"), "T1")
    assert told.contributions == []


def test_sealed_events_still_tell_what_they_contribute() -> None:
    """Events older than the horizon are not listed any more; what came of them is."""
    later: Told = ("2026-03-20T09:00:00", "ticket.updated", "T1", {"ticket": {"priority": "high"}})
    told = explained("tickets", image("tickets", CONFIG, [*TICKET, later], "2026-03-20T10:00:00"), "T1")
    assert told.sealed
    assert [event.id for event in told.history] == ["e3"]
    assert "first_response_sum" in {part.measure for part in told.contributions}
