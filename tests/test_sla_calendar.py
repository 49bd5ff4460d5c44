"""Business time: the cases that others got wrong, vectors, laws, and a second, naive implementation."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.instants import FOREVER
from stream.sla.calendar import ALWAYS, Calendar, Intervals, build

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
WORKDAYS = range(5)


def clock_time(text: str) -> int:
    """Minutes of `09:30`."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def intervals(*texts: str) -> Intervals:
    """`09:00-12:30` as minutes; the end is on the next day when it is not after the start."""
    found = []
    for text in texts:
        start, end = map(clock_time, text.split("-"))
        found.append((start, end if end > start else end + 1440))
    return tuple(found)


def office(
    *texts: str,
    days: range = WORKDAYS,
    zone: ZoneInfo = BERLIN,
    closed: tuple[date, ...] = (),
    opened: dict[date, Intervals] | None = None,
) -> Calendar:
    """A calendar with the same hours on some weekdays."""
    return build("office", zone, dict.fromkeys(days, intervals(*texts)), closed, opened)


def ms(text: str, zone: ZoneInfo = BERLIN) -> int:
    """An instant, local unless it says its offset."""
    read = datetime.fromisoformat(text)
    aware = read if read.tzinfo is not None else read.replace(tzinfo=zone)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


NINE_TO_FIVE = office("09:00-17:00")
EIGHT_TO_SIX = office("08:00-18:00")
NIGHTS = office("22:00-06:00", days=range(7))

VECTORS = {
    "Friday 16:30 over the spring change in Berlin": (
        NINE_TO_FIVE, "2026-03-27 16:30", 1, "2026-03-30 07:30+00:00",
    ),
    "the same in autumn": (NINE_TO_FIVE, "2026-10-23 16:30", 1, "2026-10-26 08:30+00:00"),
    "New York": (
        office("09:00-17:00", zone=NEW_YORK), "2026-03-06 16:30-05:00", 1, "2026-03-09 13:30+00:00",
    ),
    "24x7 in Berlin across the spring change": (ALWAYS, "2026-03-28 20:00", 8, "2026-03-29 05:00"),
    "24x7 in Berlin across the autumn change": (ALWAYS, "2026-10-24 20:00", 8, "2026-10-25 03:00+01:00"),
    "whole days in Berlin across the spring change": (
        office("00:00-24:00", days=range(7)), "2026-03-28 20:00", 8, "2026-03-29 05:00",
    ),
    "whole days in Berlin across the autumn change": (
        office("00:00-24:00", days=range(7)), "2026-10-24 20:00", 8, "2026-10-25 03:00+01:00",
    ),
    "the rest of a pause until Tuesday 10:30": (NINE_TO_FIVE, "2026-03-03 10:30", 3, "2026-03-03 13:30"),
    "GLPI 22678: Monday 17:00, four hours, 8 to 18": (
        EIGHT_TO_SIX, "2026-03-02 17:00", 4, "2026-03-03 11:00",
    ),
    "GLPI 22678: its warning one business hour before": (
        EIGHT_TO_SIX, "2026-03-02 17:00", 3, "2026-03-03 10:00",
    ),
    "warning that crosses closing time: due": (EIGHT_TO_SIX, "2026-03-02 14:30", 4, "2026-03-03 08:30"),
    "warning that crosses closing time: warning": (EIGHT_TO_SIX, "2026-03-02 14:30", 3, "2026-03-02 17:30"),
}  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_vectors(vector: tuple[Calendar, str, int, str]) -> None:
    """Start and target in hours lead to the due instant."""
    calendar, start, hours, due = vector
    assert calendar.due_ms(ms(start), hours * HOUR_MS) == ms(due)
    assert calendar.elapsed_ms(ms(start), ms(due)) == hours * HOUR_MS


def test_a_night_shift_has_seven_hours_in_spring_and_nine_in_autumn() -> None:
    """Skipped hours do not exist, repeated ones count twice."""
    assert NIGHTS.elapsed_ms(ms("2026-03-28 12:00"), ms("2026-03-29 12:00")) == 7 * HOUR_MS
    assert NIGHTS.elapsed_ms(ms("2026-10-24 12:00"), ms("2026-10-25 12:00")) == 9 * HOUR_MS
    assert NIGHTS.elapsed_ms(ms("2026-10-25 12:00"), ms("2026-10-26 12:00")) == 8 * HOUR_MS


def test_created_monday_at_ten_and_paused_overnight() -> None:
    """Four hours, paused from Monday 11:00 to Tuesday 10:30: due on Tuesday at 13:30."""
    used_ms = NINE_TO_FIVE.elapsed_ms(ms("2026-03-02 10:00"), ms("2026-03-02 11:00"))
    assert NINE_TO_FIVE.due_ms(ms("2026-03-03 10:30"), 4 * HOUR_MS - used_ms) == ms("2026-03-03 13:30")


def test_a_pause_over_a_weekend_is_worth_no_office_time() -> None:
    """From closing time on Friday to opening time on Monday (GLPI 10594, 9082; Frappe 2449)."""
    assert NINE_TO_FIVE.elapsed_ms(ms("2026-03-06 17:00"), ms("2026-03-09 09:00")) == 0
    assert NINE_TO_FIVE.elapsed_ms(ms("2026-03-06 16:00"), ms("2026-03-09 10:00")) == 2 * HOUR_MS


def test_a_split_shift_stands_still_over_lunch() -> None:
    """Chatwoot 14009, Frappe 2212: two hours from 11:30 with a break from 12:00 to 13:00 end at 14:30."""
    shifts = office("09:00-12:00", "13:00-17:00")
    assert shifts.due_ms(ms("2026-03-02 11:30"), 2 * HOUR_MS) == ms("2026-03-02 14:30")
    assert shifts.due_ms(ms("2026-03-02 11:30"), HOUR_MS // 2) == ms("2026-03-02 12:00")
    assert shifts.elapsed_ms(ms("2026-03-02 11:30"), ms("2026-03-02 12:30")) == HOUR_MS // 2


def test_no_minute_is_lost_at_midnight() -> None:
    """Zammad 3180: whole days one after the other have no gap."""
    whole = office("00:00-24:00")
    assert whole.elapsed_ms(ms("2026-03-02 00:00"), ms("2026-03-07 00:00")) == 5 * DAY_MS
    assert whole.due_ms(ms("2026-03-02 23:30"), HOUR_MS) == ms("2026-03-03 00:30")
    assert whole.due_ms(ms("2026-03-02 23:00"), HOUR_MS) == ms("2026-03-03 00:00")
    assert whole.due_ms(ms("2026-03-06 23:30"), HOUR_MS) == ms("2026-03-09 00:30")


def test_business_minutes_are_right_in_the_weeks_of_the_changes() -> None:
    """Dbt_zendesk 62, 86, OTRS 787: office hours do not touch the hour that is skipped or repeated."""
    for monday in ("2026-03-23", "2026-03-30", "2026-10-19", "2026-10-26"):
        since_ms = ms(f"{monday} 00:00")
        assert NINE_TO_FIVE.due_ms(since_ms, 40 * HOUR_MS) == ms(f"{monday} 17:00") + 4 * DAY_MS


def test_an_interval_that_lies_in_the_skipped_or_repeated_hour() -> None:
    """02:00-03:00 on the days of the changes: nothing and two hours."""
    early = office("02:00-03:00", days=range(7))
    assert early.elapsed_ms(ms("2026-03-29 00:00"), ms("2026-03-30 00:00")) == 0
    assert early.elapsed_ms(ms("2026-10-25 00:00"), ms("2026-10-26 00:00")) == 2 * HOUR_MS
    half = office("02:00-02:30", days=range(7))
    assert half.due_ms(ms("2026-10-25 00:00"), 45 * MINUTE_MS) == ms("2026-10-25 02:15+01:00")


def test_holidays_and_closed_days_have_no_hours() -> None:
    """Good Friday and Easter Monday: from Thursday 16:00, two hours are due on Tuesday at 10:00."""
    easter = office("09:00-17:00", closed=(date(2026, 4, 3), date(2026, 4, 6)))
    assert easter.due_ms(ms("2026-04-02 16:00"), 2 * HOUR_MS) == ms("2026-04-07 10:00")


def test_opened_beats_closed() -> None:
    """A short day that is a holiday, and a Saturday that is open once."""
    days = {date(2026, 12, 31): intervals("09:00-12:00"), date(2026, 11, 28): intervals("10:00-14:00")}
    shop = office("09:00-17:00", closed=(date(2026, 12, 31), date(2027, 1, 1)), opened=days)
    assert shop.due_ms(ms("2026-12-30 16:00"), 5 * HOUR_MS) == ms("2027-01-04 10:00")
    assert shop.due_ms(ms("2026-11-27 16:00"), 3 * HOUR_MS) == ms("2026-11-28 12:00")


def test_an_interval_belongs_to_the_day_on_which_it_begins() -> None:
    """Closing a day removes the night that begins on it, not the morning that began the day before."""
    nights = office("22:00-06:00", days=range(7), closed=(date(2026, 3, 3),))
    assert nights.elapsed_ms(ms("2026-03-03 00:00"), ms("2026-03-03 12:00")) == 6 * HOUR_MS
    assert nights.elapsed_ms(ms("2026-03-03 12:00"), ms("2026-03-04 12:00")) == 0
    fridays = office("22:00-06:00", days=range(4, 5))
    assert fridays.due_ms(ms("2026-03-07 05:30"), HOUR_MS) == ms("2026-03-13 22:30")


def test_hours_of_an_opened_day_that_overlap_the_night_before_count_once() -> None:
    """The calendar is open or closed, never open twice."""
    both = office("22:00-06:00", days=range(7), opened={date(2026, 3, 3): intervals("04:00-08:00")})
    assert both.elapsed_ms(ms("2026-03-02 12:00"), ms("2026-03-04 12:00")) == 10 * HOUR_MS


def test_a_target_used_up_at_closing_time_is_due_at_closing_time() -> None:
    """Not at the next opening; one ms more is."""
    assert NINE_TO_FIVE.due_ms(ms("2026-03-02 16:00"), HOUR_MS) == ms("2026-03-02 17:00")
    assert NINE_TO_FIVE.due_ms(ms("2026-03-02 16:00"), HOUR_MS + 1) == ms("2026-03-03 09:00") + 1


def test_outside_business_hours_time_begins_when_the_calendar_opens() -> None:
    """Nothing is due at once, whatever the hour (zammad 4432)."""
    assert NINE_TO_FIVE.due_ms(ms("2026-03-07 03:00"), HOUR_MS) == ms("2026-03-09 10:00")


def test_a_day_that_a_zone_skipped_does_not_exist() -> None:
    """Samoa had no 30 December 2011."""
    apia = ZoneInfo("Pacific/Apia")
    calendar = office("09:00-17:00", zone=apia)
    assert calendar.due_ms(ms("2011-12-29 16:00", apia), 2 * HOUR_MS) == ms("2012-01-02 10:00", apia)
    assert calendar.elapsed_ms(ms("2011-12-29 00:00", apia), ms("2012-01-01 00:00", apia)) == 8 * HOUR_MS


def test_nothing_is_asked_backwards() -> None:
    """No time before its start, and a target of nothing is due at once."""
    for calendar in (NINE_TO_FIVE, ALWAYS):
        assert calendar.elapsed_ms(ms("2026-03-03 10:00"), ms("2026-03-02 10:00")) == 0
        assert calendar.elapsed_ms(ms("2026-03-03 10:00"), ms("2026-03-03 10:00")) == 0
        assert calendar.due_ms(ms("2026-03-01 10:00"), 0) == ms("2026-03-01 10:00")


def test_what_is_never_open_is_never_due() -> None:
    """Also when it was open once, and at the ends of time."""
    once = build("once", BERLIN, {}, (), {date(2026, 3, 2): intervals("09:00-17:00")})
    assert once.due_ms(ms("2026-03-01 00:00"), 8 * HOUR_MS) == ms("2026-03-02 17:00")
    assert once.due_ms(ms("2026-03-01 00:00"), 8 * HOUR_MS + 1) == FOREVER
    assert NINE_TO_FIVE.due_ms(FOREVER, HOUR_MS) == FOREVER
    assert NINE_TO_FIVE.due_ms(ms("2247-12-31 00:00"), 40_000 * HOUR_MS) == FOREVER
    assert NINE_TO_FIVE.due_ms(-FOREVER, HOUR_MS) == ms("1970-01-01 10:00")
    assert NINE_TO_FIVE.elapsed_ms(-FOREVER, ms("1970-01-02 00:00")) == 8 * HOUR_MS
    assert NINE_TO_FIVE.elapsed_ms(ms("2026-03-02 00:00"), FOREVER) > 400_000 * HOUR_MS


def test_a_business_day_is_the_mean_of_the_weekdays_that_have_hours() -> None:
    """What `stale` counts in."""
    assert ALWAYS.day_ms == DAY_MS
    assert NINE_TO_FIVE.day_ms == 8 * HOUR_MS
    assert NIGHTS.day_ms == 8 * HOUR_MS
    hours = {**dict.fromkeys(range(4), intervals("09:00-12:30", "13:30-18:00")), 4: intervals("09:00-16:00")}
    assert build("office", BERLIN, hours).day_ms == 39 * HOUR_MS // 5


# Against a second implementation, which looks at every minute.

ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia",
        "America/Sao_Paulo", "Africa/Casablanca", "Asia/Kathmandu", "America/St_Johns", "Africa/Cairo",
    )
]  # fmt: skip
BLOCK_MS = 2**35


@st.composite
def day_hours(draw: st.DrawFn) -> Intervals:
    """Up to three intervals of one day, the last maybe past midnight."""
    edges = sorted(draw(st.sets(st.integers(0, 1440), max_size=6)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    if draw(st.booleans()):
        start = draw(st.integers(edges[-1] if edges else 0, 1440))
        if 0 < start < 1440:
            pairs.append((start, draw(st.integers(1441, 1440 + start))))
    return tuple(pairs)


@st.composite
def instants(draw: st.DrawFn, zone: ZoneInfo) -> int:
    """Any instant of 1970..2100, more often near a change of the zone's offset or a block's edge."""
    kind = draw(st.sampled_from(("any", "change", "edge")))
    if kind == "edge":
        return draw(st.integers(1, 119)) * BLOCK_MS + draw(st.integers(-2 * DAY_MS, DAY_MS))
    at = draw(st.datetimes(datetime(1970, 1, 3), datetime(2100, 1, 1)))  # noqa: DTZ001 - naive on purpose
    if kind == "change":
        at = next((day for day in days_from(at) if changes(zone, day)), at) - timedelta(hours=20)
    return ms(at.isoformat(), zone) + draw(st.integers(0, DAY_MS))


def days_from(at: datetime) -> list[datetime]:
    """The days of the year that follows."""
    return [at + timedelta(days=number) for number in range(366)]


def changes(zone: ZoneInfo, day: datetime) -> bool:
    """Whether the zone's offset changes within the day that follows."""
    return zone.utcoffset(day) != zone.utcoffset(day + timedelta(days=1))


class Case:
    """A random calendar, built, and as it was described."""

    def __init__(
        self, zone: ZoneInfo, hours: dict[int, Intervals], closed: list[date], opened: dict[date, Intervals]
    ) -> None:
        self.zone, self.hours, self.closed, self.opened = zone, hours, closed, opened
        self.calendar = build("random", zone, hours, closed, opened)

    def __repr__(self) -> str:
        return f"Case({self.zone.key}, {self.hours}, {self.closed}, {self.opened})"

    def is_open(self, at_ms: int) -> bool:
        """By the rules as they are written: is local time inside an interval of today or yesterday?"""
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        today, yesterday = local.date(), local.date() - timedelta(days=1)
        return any(start <= minute < end for start, end in self.of_day(today)) or any(
            start <= minute + 1440 < end for start, end in self.of_day(yesterday)
        )

    def of_day(self, day: date) -> Intervals:
        """The intervals that begin on a day."""
        if day in self.opened:
            return self.opened[day]
        return () if day in self.closed else self.hours.get(day.weekday(), ())

    def elapsed_ms(self, from_ms: int, to_ms: int) -> int:
        """Minute by minute: no offset of these zones since 1970 has a fraction of a minute."""
        total_ms = 0
        for minute_ms in range(from_ms // MINUTE_MS * MINUTE_MS, to_ms, MINUTE_MS):
            if self.is_open(minute_ms):
                total_ms += min(to_ms, minute_ms + MINUTE_MS) - max(from_ms, minute_ms)
        return total_ms


@st.composite
def cases(draw: st.DrawFn) -> tuple[Case, int]:
    """A calendar, with days that differ near an instant; and that instant."""
    zone = draw(st.sampled_from(ZONES))
    hours = draw(st.dictionaries(st.integers(0, 6), day_hours(), min_size=3))
    at_ms = draw(instants(zone))
    here = datetime.fromtimestamp(at_ms // 1000, zone).date()
    near = st.integers(-2, 5).map(lambda days: here + timedelta(days=days))
    closed = draw(st.lists(near, max_size=3))
    opened = draw(st.dictionaries(near, day_hours(), max_size=2))
    return Case(zone, hours, closed, opened), at_ms


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(0, 4 * DAY_MS))
def test_elapsed_is_what_counting_minutes_gives(case: tuple[Case, int], length_ms: int) -> None:
    """Random hours, zones and years."""
    described, from_ms = case
    to_ms = from_ms + length_ms
    assert described.calendar.elapsed_ms(from_ms, to_ms) == described.elapsed_ms(from_ms, to_ms)


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(1, 12 * HOUR_MS))
def test_due_is_the_first_instant_that_counting_minutes_gives(case: tuple[Case, int], target_ms: int) -> None:
    """The target is used up then, and was not one ms before: time ran up to it."""
    described, from_ms = case
    due_ms = described.calendar.due_ms(from_ms, target_ms)
    if due_ms - from_ms < 5 * DAY_MS:
        assert described.elapsed_ms(from_ms, due_ms) == target_ms
        assert described.is_open(due_ms - 1)
    else:
        assert described.elapsed_ms(from_ms, from_ms + 5 * DAY_MS) < target_ms


@given(cases(), st.lists(st.integers(0, 900 * DAY_MS), min_size=3, max_size=3).map(sorted))
@settings(max_examples=60, deadline=None)
def test_elapsed_is_additive(case: tuple[Case, int], lengths: list[int]) -> None:
    """[a, c) is [a, b) and [b, c), also over years."""
    described, start_ms = case
    a, b, c = (start_ms + length for length in lengths)
    elapsed_ms = described.calendar.elapsed_ms
    assert elapsed_ms(a, c) == elapsed_ms(a, b) + elapsed_ms(b, c)
    assert 0 <= elapsed_ms(a, c) <= c - a


@given(cases(), st.integers(1, 4000 * HOUR_MS))
@settings(max_examples=60, deadline=None)
def test_due_is_the_inverse_of_elapsed(case: tuple[Case, int], target_ms: int) -> None:
    """Exactly the target has passed at the due instant, and less one ms before."""
    described, from_ms = case
    calendar = described.calendar
    due_ms = calendar.due_ms(from_ms, target_ms)
    if due_ms == FOREVER:
        assert calendar.elapsed_ms(from_ms, from_ms + 20 * 366 * DAY_MS) < target_ms
    else:
        assert calendar.elapsed_ms(from_ms, due_ms) == target_ms
        assert calendar.elapsed_ms(from_ms, due_ms - 1) == target_ms - 1
