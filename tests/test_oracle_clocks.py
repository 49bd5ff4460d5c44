"""What must be true of the oracle of clocks, whatever happens, so that a difference from it tells."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tests import oracle
from tests.oracle.agreements import Agreements
from tests.oracle.business import Calendar
from tests.strategies import DAY_MS, HOUR_MS, MINUTE_MS
from tests.strategies_sla import BASES_MS, Play, agreements, sla_calls, sla_tickets

PLAYS = sla_tickets() | sla_calls()
RUNS = ("running", "at_risk")
CLOCK = ("clock",)


def events_of(play: Play) -> list[oracle.Event]:
    """The oracle's form of what was sent."""
    return [oracle.parse(one.event) for one in play.sent]


def views(play: Play, now_ms: int, events: list[oracle.Event] | None = None) -> list[Any]:
    """(subject, view) of every clock at an instant."""
    known = events_of(play) if events is None else events
    subjects = sorted({event["subject"] for event in known})
    return [
        (subject, view) for subject in subjects for view in oracle.clocks(play.config, known, subject, now_ms)
    ]


def image(play: Play, events: list[oracle.Event]) -> Counter[str]:
    """Everything counted, without an order."""
    made = oracle.walk(events, oracle.config_of(play.config), play.now_ms)
    return Counter(repr(one) for one in [*made.facts, *made.spans])


@given(play=PLAYS, data=st.data())
def test_order_and_repetition_of_what_is_told_mean_nothing(play: Play, data: st.DataObject) -> None:
    """The same clocks, facts and levels of the same set of events."""
    events = events_of(play)
    twice = [*events, *data.draw(st.lists(st.sampled_from(events), max_size=3))]
    shuffled = data.draw(st.permutations(twice))
    assert views(play, play.now_ms, shuffled) == views(play, play.now_ms)
    assert image(play, shuffled) == image(play, events)


@given(play=PLAYS, wait_ms=st.sampled_from([1, MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, DAY_MS, 5 * DAY_MS]))
def test_a_verdict_stays_while_time_goes_on(play: Play, wait_ms: int) -> None:
    """Without another event only what runs changes; and what is decided never does."""
    later_ms = play.now_ms + wait_ms
    changes = Agreements(play.config).changes_ms()
    quiet = not any(play.now_ms < at_ms <= later_ms for at_ms in changes)
    was = {(subject, view.clock, view.instance): view for subject, view in views(play, play.now_ms)}
    now = {(subject, view.clock, view.instance): view for subject, view in views(play, later_ms)}
    assert was.keys() == now.keys() if quiet else was.keys() <= now.keys()
    for key, before in was.items():
        after = now[key]
        assert (after.started_ms, after.fulfilled_at_ms) == (before.started_ms, before.fulfilled_at_ms)
        if before.state == "met":
            assert after == before
        elif before.state == "breached":
            decided = (after.state, after.breached_at_ms, after.due_ms)
            assert decided == ("breached", before.breached_at_ms, before.due_ms)
        elif quiet and before.state in RUNS:
            # A call that is lost leaves the levels by itself.
            lost = key[1] == "queue_wait" and after.state == "cancelled"
            assert lost or after.state in (*RUNS, "breached")
            assert after.state != "running" or before.state == "running"
            if before.due_ms is not None and after.state == "breached":
                assert play.now_ms < before.due_ms == after.due_ms == after.breached_at_ms <= later_ms
        elif quiet:
            assert after == before


@given(play=PLAYS)
def test_a_clock_makes_sense(play: Play) -> None:
    """Met is in time, breached is not before it was due, what runs is not yet due; instances are counted
    without a gap."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for subject, view in views(play, play.now_ms):
        numbers.setdefault((subject, view.clock), []).append(view.instance)
        assert view.elapsed_ms >= 0
        if view.state == "met":
            assert view.due_ms is None or view.fulfilled_at_ms <= view.due_ms
        elif view.state == "breached":
            assert view.due_ms <= view.breached_at_ms <= play.now_ms
            assert view.fulfilled_at_ms is None or view.breached_at_ms <= view.fulfilled_at_ms
            assert view.overdue_ms >= 0
        elif view.state in RUNS:
            assert view.due_ms is None or view.due_ms > play.now_ms
        else:
            assert view.due_ms is None
        assert (view.level is not None) == (view.state == "at_risk")
        assert (
            (view.breached_at_ms is not None) == (view.state == "breached") == (view.overdue_ms is not None)
        )
    assert all(sorted(of) == list(range(1, len(of) + 1)) for of in numbers.values())


@given(play=PLAYS)
def test_the_metrics_count_the_clocks(play: Play) -> None:
    """Compliance and levels now are those of the clocks that people read, but for removed tickets and earlier
    lives of a subject (which the histories here are too short for)."""
    events = events_of(play)
    made = oracle.walk(events, oracle.config_of(play.config), play.now_ms)
    removed = {event["subject"] for event in events if event["type"] in ("ticket.merged",)}
    for subject in {event["subject"] for event in events} - removed:
        turns = [
            event["type"] for event in sorted(events, key=lambda event: (event["time"], event["sequence"]))
            if event["subject"] == subject
            and event["type"] in ("ticket.deleted", "ticket.marked_spam", "ticket.restored")
        ]  # fmt: skip
        if turns and turns[-1] != "ticket.restored":
            removed.add(subject)
    shown = views(play, play.now_ms)
    kept = [view for subject, view in shown if subject not in removed]

    def counted(metric: str, stat: str, from_ms: int | None) -> Counter[str]:
        rows = oracle.answer(made, metric, from_ms, play.now_ms + (from_ms is not None), {}, CLOCK)
        return Counter({str(row.by["clock"]): int(row.values[stat] or 0) for row in rows})

    long_ago_ms = BASES_MS[0] - DAY_MS
    breached = Counter(view.clock for _, view in shown if view.state == "breached")
    decided = Counter(view.clock for view in kept if view.state in ("met", "breached"))
    met = Counter(view.clock for view in kept if view.state == "met")
    # A clock whose start lies ahead of now (its creation comes later) is in no level yet.
    running = Counter(v.clock for v in kept if v.state in RUNS and v.started_ms <= play.now_ms)
    at_risk = Counter(view.clock for view in kept if view.state == "at_risk")
    assert counted("sla_breaches", "value", long_ago_ms) == breached
    assert counted("sla_compliance", "denominator", long_ago_ms) == decided
    assert counted("sla_compliance", "numerator", long_ago_ms) == met
    assert counted("sla_running", "value", None) == running
    assert counted("sla_at_risk", "value", None) == at_risk


STATES = ("running", "at_risk", "paused", "breached", "met", "cancelled")


@pytest.mark.parametrize("state", STATES)
def test_the_histories_lead_into_every_state(state: str) -> None:
    """Else the tests above would say nothing about it."""
    look = settings(max_examples=2000, derandomize=True, database=None, phases=[Phase.generate])

    def there(play: Play) -> bool:
        return any(view.state == state for _, view in views(play, play.now_ms))

    assert find(sla_tickets(), there, settings=look)


@given(data=st.data())
def test_business_time_is_the_minutes_at_which_the_wall_clock_is_inside(data: st.DataObject) -> None:
    """Against a count minute by minute of a day and a half, over changes of the clocks, too."""
    base_ms = data.draw(st.sampled_from(BASES_MS)) + data.draw(st.integers(-24, 72)) * HOUR_MS
    made = Agreements(data.draw(agreements(base_ms)))
    calendar = made.calendar(data.draw(st.sampled_from(["office", "desk"])), base_ms)
    open_minutes = [n for n in range(36 * 60) if _is_open(calendar, base_ms + n * MINUTE_MS)]
    assert calendar.between(base_ms, base_ms + 36 * HOUR_MS) == len(open_minutes) * MINUTE_MS
    for wanted, minute in list(enumerate(open_minutes, 1))[::97]:
        at_ms = base_ms + (minute + 1) * MINUTE_MS
        assert calendar.after(base_ms, wanted * MINUTE_MS) == at_ms
        assert calendar.between(base_ms, at_ms) == wanted * MINUTE_MS
        assert calendar.between(at_ms - 1, at_ms) == 1


def _is_open(calendar: Calendar, at_ms: int) -> bool:
    """Whether the wall clock shows a time inside an interval of that day, or of the one before."""
    wall = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(calendar.zone.key))
    minute = wall.hour * 60 + wall.minute
    for back in (0, 1):
        for text in calendar.hours_of(wall.date() - timedelta(days=back)):
            begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
            if begin <= minute + back * 24 * 60 < (end if end > begin else end + 24 * 60):
                return True
    return False
