"""The shape of the week: its mean is 1 and its peak is known, which is what thinning relies on."""

from datetime import timedelta, timezone

import pytest

from stream.floor.agenda import Agenda
from stream.floor.day import HOUR_MS, PEAK, WEEK_MS, load

MONDAY_MS = 1_767_571_200_000  # 2026-01-05T00:00Z


def test_the_mean_of_a_week_is_one() -> None:
    """`--rate` is what it says, on average."""
    step_ms = 10 * 60_000
    loads = [load(MONDAY_MS + at) for at in range(0, WEEK_MS, step_ms)]
    assert sum(loads) / len(loads) == pytest.approx(1, abs=0.001)


def test_no_instant_is_above_the_peak() -> None:
    """Arrivals are thinned from a process at the peak, so nothing may exceed it."""
    assert max(load(MONDAY_MS + at) for at in range(0, WEEK_MS, HOUR_MS // 4)) <= PEAK


def test_days_are_busier_than_nights_and_mondays_than_sundays() -> None:
    """The floor has a day and a week."""
    assert load(MONDAY_MS + 10 * HOUR_MS) > 10 * load(MONDAY_MS + 3 * HOUR_MS)
    assert load(MONDAY_MS + 10 * HOUR_MS) > 2 * load(MONDAY_MS - 14 * HOUR_MS)


def test_a_floor_is_busy_when_it_is_day_where_it_is() -> None:
    """Ten in the morning of a floor ten hours east of Greenwich is midnight there."""
    east = Agenda(MONDAY_MS, timezone(timedelta(hours=10)))
    west = Agenda(MONDAY_MS, timezone(timedelta(hours=-5)))
    assert load(east.local_ms()) == load(MONDAY_MS + 10 * HOUR_MS)
    assert load(west.local_ms()) == load(MONDAY_MS - 5 * HOUR_MS)
