"""Clocks in a shard: what time does to many at once, and what is told of them."""

from __future__ import annotations

import pytest

from stream.config import Config, parse
from stream.events.sla import SlaEvent
from stream.metrics.cells import unpack_cell
from stream.metrics.measures import BACKLOG_PAST_SLA, SLA_RUNNING
from stream.shard.family import family
from stream.shard.image import Image, run_batch
from stream.shard.notices import sla_events
from stream.shard.shard import TIMERS_MAX, Shard
from tests.answers import Told, ms, record
from tests.core import new_shard

CONFIG = parse({"policies": [{"name": "all", "targets": {"first_reply": "1h"}, "warn": ["50%"]}]})
CREATED, REPLIED = "ticket.created", "ticket.message_added"
REPLY = {"message": {"author": "agent"}}
NINE = "2026-03-02T09:00:00"


def told(shard: Shard, image: Image, events: list[Told], now: str, offset: int = 0) -> list[SlaEvent]:
    """What a batch read at `now` tells of clocks."""
    records = [record(offset + place, event, ms(now)) for place, event in enumerate(events)]
    changes = run_batch(shard, image, records, ms(now))
    dimensions = shard.family.fold.segments.dimensions
    return [event for packed in changes.notices_added.values() for event in sla_events(packed, dimensions)]


def kinds(events: list[SlaEvent]) -> list[str]:
    """What happened, in order."""
    return [event.kind for event in events]


def level(image: Image, code: int) -> int:
    """The live value of a level over all groups of the whole."""
    whole = b"\x91\x00"
    return unpack_cell(image.levels[whole]).get(code, 0) if whole in image.levels else 0


@pytest.fixture
def config() -> Config:
    """One policy for every ticket."""
    return CONFIG


def test_many_timers_that_are_due_at_once_are_spread_over_commits(config: Config) -> None:
    """No commit grows without bound; all of them together leave what one by one would, nothing twice."""
    shard, image = new_shard("tickets", config), Image()
    count = 2 * TIMERS_MAX + 500
    events: list[Told] = [(NINE, CREATED, f"T{n}", {}) for n in range(count)]
    run_batch(shard, image, [record(n, event) for n, event in enumerate(events)], ms(NINE))
    sizes = []
    run_batch(shard, image, [], ms("2026-03-02T10:30:00"))
    while True:
        sizes.append(level(image, BACKLOG_PAST_SLA))
        if not shard.pending(shard.fence.clock):
            break
        changes = run_batch(shard, image, [], None)
        assert len(changes.states) <= TIMERS_MAX
    assert sizes == [TIMERS_MAX, 2 * TIMERS_MAX, count]
    assert level(image, SLA_RUNNING) == 0
    assert level(image, BACKLOG_PAST_SLA) == count


def test_an_event_of_a_ticket_whose_timer_had_to_wait(config: Config) -> None:
    """It is folded with everything that was due before it, once."""
    shard, image = new_shard("tickets", config), Image()
    count = TIMERS_MAX + 100
    run_batch(shard, image, [record(n, (NINE, CREATED, f"T{n:05}", {})) for n in range(count)], ms(NINE))
    run_batch(shard, image, [], ms("2026-03-02T10:30:00"))
    answers: list[Told] = [("2026-03-02T10:31:00", REPLIED, f"T{n:05}", REPLY) for n in range(0, count, 7)]
    found = told(shard, image, answers, "2026-03-02T10:31:00", count)
    while shard.pending(shard.fence.clock):
        run_batch(shard, image, [], None)
    assert kinds(found).count("fulfilled") == len(answers)
    assert level(image, BACKLOG_PAST_SLA) == count - len(answers)
    again = new_shard("tickets", config)
    again.restore(image.restored())
    assert again.next_timer_ms() > ms("2026-03-02T10:31:00")


def test_what_is_told_of_a_clock_on_its_way(config: Config) -> None:
    """Each transition with the clock as it stood then; times as they happened, and when they were found."""
    shard, image = new_shard("tickets", config), Image()
    (activated,) = told(shard, image, [(NINE, CREATED, "T1", {"ticket": {"team": "red"}})], NINE)
    clock = activated.data.sla
    assert (activated.type, activated.subject, activated.data.segments) == (
        "sla.activated", "T1", {"team": "red"},
    )  # fmt: skip
    assert (clock.clock, clock.instance, clock.policy, clock.target_ms) == (
        "first_reply",
        1,
        "all",
        3_600_000,
    )
    (warned,) = told(shard, image, [], "2026-03-02T09:30:01")
    assert (warned.kind, warned.data.sla.level, warned.data.sla.elapsed_ms) == ("at_risk", "50%", 1_800_000)
    (breached,) = told(shard, image, [], "2026-03-02T10:00:02")
    assert breached.kind == "breached"
    assert (breached.time, breached.recordedtime.second) == (breached.data.sla.due_at, 2)
    (fulfilled,) = told(
        shard, image, [("2026-03-02T10:05:00", REPLIED, "T1", REPLY)], "2026-03-02T10:05:00", 1
    )
    assert (fulfilled.kind, fulfilled.data.sla.overdue_ms) == ("fulfilled", 300_000)


def test_a_late_answer_takes_a_breach_back(config: Config) -> None:
    """Told as a retraction; the same breach found again has the same id."""
    shard, image = new_shard("tickets", config), Image()
    told(shard, image, [(NINE, CREATED, "T1", {})], NINE)
    late = told(shard, image, [], "2026-03-02T10:00:00")
    assert kinds(late) == ["breached"]
    answer: Told = ("2026-03-02T09:50:00", REPLIED, "T1", REPLY)
    after = told(shard, image, [answer], "2026-03-02T10:10:00", 1)
    assert sorted(kinds(after)) == ["breach_retracted", "fulfilled"]
    twin, other = new_shard("tickets", config), Image()
    (again,) = [
        e
        for e in told(twin, other, [(NINE, CREATED, "T1", {})], "2026-03-02T11:00:00")
        if e.kind == "breached"
    ]
    assert again.id in {event.id for event in late}


def test_a_warning_comes_too_late_when_the_clock_is_decided(config: Config) -> None:
    """Read in one go after the answer: only what stands is told."""
    shard, image = new_shard("tickets", config), Image()
    events: list[Told] = [(NINE, CREATED, "T1", {}), ("2026-03-02T09:45:00", REPLIED, "T1", REPLY)]
    assert sorted(kinds(told(shard, image, events, "2026-03-02T11:00:00"))) == ["activated", "fulfilled"]


def test_without_policies_nothing_is_told() -> None:
    """But what somebody promised is a clock of its own."""
    config = Config()
    shard, image = new_shard("tickets", config), Image()
    assert told(shard, image, [(NINE, CREATED, "T1", {})], NINE) == []
    promise = {"ticket": {"due_at": "2026-03-02T12:00:00Z"}}
    ten_past = "2026-03-02T09:10:00"
    (activated,) = told(shard, image, [(ten_past, "ticket.updated", "T1", promise)], ten_past, 1)
    assert (activated.data.sla.clock, activated.data.sla.policy) == ("resolution", "")
    (breached,) = told(shard, image, [], "2026-03-02T12:00:00")
    assert breached.data.sla.elapsed_ms == 3 * 3_600_000
    assert family("tickets", config).fold.policies.clocks == frozenset()
