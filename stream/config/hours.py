"""The kinds of values that calendars are made of: hours by weekday, days that differ, when it begins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from stream.config.kinds import Kind, quoting
from stream.config.problems import At, Wrong, nearest, shown
from stream.events.instants import ALWAYS_MS, to_ms

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN = 1440
WEEK_MIN = 7 * DAY_MIN
YEARS = (1970, 2199)

Intervals = tuple[tuple[int, int], ...]
"""(start, end) in minutes of the local day, ascending; an end above 1440 is on the next day."""

_INTERVAL = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_EXAMPLE = "expected hours such as 09:00-17:00"


class WeekHours(Kind):
    """Weekday (0 is Monday) -> its intervals; keys are a day (`sat`) or an ascending range (`mon-thu`)."""

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, Mapping):
            raise Wrong(f'expected hours by weekday such as {{mon-fri: ["09:00-17:00"]}}, got {shown(value)}')
        hours: dict[int, Intervals] = {}
        key_of: dict[int, str] = {}
        for key, entry in value.items():
            here = at.into(str(key))
            try:
                days, intervals = _weekdays(str(key)), read_intervals(entry, here)
            except Wrong as wrong:
                here.note(str(wrong))
                continue
            twice = next((day for day in days if day in key_of), None)
            if twice is not None:
                here.note(f"{WEEKDAYS[twice]} has hours in {key_of[twice]} already: name each day once")
                continue
            for day in days:
                hours[day], key_of[day] = intervals, str(key)
        for day, other in _overlaps(hours):
            last = _interval_text(*hours[day][-1])
            at.into(key_of[other]).note(
                f"the hours of {WEEKDAYS[other]} begin before those of {WEEKDAYS[day]} ({last}) end"
            )
        return {day: hours[day] for day in sorted(hours) if hours[day]}

    def show(self, value: object) -> object:
        return (
            {WEEKDAYS[day]: show_intervals(intervals) for day, intervals in value.items()}
            if isinstance(value, dict)
            else value
        )


class Days(Kind):
    """A list of dates."""

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, list):
            raise Wrong(f"expected a list of dates such as [2026-12-24], got {shown(value)}")
        return tuple(day for place, entry in enumerate(value) if (day := _noted_day(entry, at.into(place))))

    def show(self, value: object) -> object:
        return [day.isoformat() for day in value] if isinstance(value, tuple) else value


class DayHours(Kind):
    """Date -> its intervals."""

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, Mapping):
            raise Wrong(f'expected hours by date such as {{2026-12-31: ["09:00-12:00"]}}, got {shown(value)}')
        hours: dict[date, Intervals] = {}
        for key, entry in value.items():
            here = at.into(str(key))
            day = _noted_day(key, here)
            try:
                intervals = read_intervals(entry, here)
            except Wrong as wrong:
                here.note(str(wrong))
                continue
            if entry == []:
                here.note("has no hours: put the day under `closed`")
            if day is not None:
                hours[day] = intervals
        return hours

    def show(self, value: object) -> object:
        return (
            {day.isoformat(): show_intervals(intervals) for day, intervals in value.items()}
            if isinstance(value, dict)
            else value
        )


class Effective(Kind):
    """A date, or a date and time, kept as such: without an offset it is local to whom it belongs."""

    def read(self, value: object, at: At) -> object:
        if isinstance(value, str):
            with suppress(ValueError):
                value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        if isinstance(value, date) and YEARS[0] <= value.year <= YEARS[1]:
            return value
        raise Wrong(f"expected a date or time such as 2026-03-10 or 2026-03-10 06:00, got {_said(value)}")

    def show(self, value: object) -> object:
        if isinstance(value, datetime):
            return value.isoformat(" ")
        return value.isoformat() if isinstance(value, date) else value


def effective_ms(said: date | None, timezone: str) -> int:
    """The instant of a date or time, local to the zone unless it has an offset; ALWAYS_MS of None."""
    if said is None:
        return ALWAYS_MS
    at = said if isinstance(said, datetime) else datetime.combine(said, time())
    return to_ms(at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(timezone)))


def read_intervals(value: object, at: At) -> Intervals:
    """The intervals of one day, ascending; problems of single ones are noted. Raises Wrong."""
    if not isinstance(value, list):
        raise Wrong(f'expected a list of hours such as ["09:00-12:30", "13:30-17:00"], got {shown(value)}')
    found: list[tuple[int, int]] = []
    for place, entry in enumerate(value):
        try:
            interval = _interval(entry)
        except Wrong as wrong:
            at.into(place).note(str(wrong))
            continue
        meets = next((other for other in found if interval[0] < other[1] and other[0] < interval[1]), None)
        if meets is not None:
            at.into(place).note(f"{_interval_text(*interval)} overlaps {_interval_text(*meets)}")
            continue
        found.append(interval)
    return tuple(sorted(found))


def show_intervals(intervals: Iterable[tuple[int, int]]) -> list[str]:
    """Intervals as floorcast.yaml says them."""
    return [_interval_text(start, end) for start, end in intervals]


def _interval(value: object) -> tuple[int, int]:
    match = _INTERVAL.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Wrong(f"{_EXAMPLE}, got {shown(value)}{quoting(value)}")
    start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    if start_minute > 59 or end_minute > 59 or start >= DAY_MIN or end > DAY_MIN:
        raise Wrong(f"{_EXAMPLE}, from 00:00 to 24:00, got {shown(value)}")
    if start == end:
        raise Wrong(f"{shown(value)} has no length: write 00:00-24:00 for a whole day")
    return start, end if end > start else end + DAY_MIN


def _interval_text(start: int, end: int) -> str:
    end = end if end <= DAY_MIN else end - DAY_MIN
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


def _weekdays(key: str) -> range:
    first, dash, last = key.partition("-")
    for name in (first, last) if dash else (first,):
        if name not in WEEKDAYS:
            raise Wrong(
                f"expected a day such as mon or a range such as mon-fri; the nearest to {shown(name)} is "
                f"{nearest(name, WEEKDAYS)}"
            )
    days = range(WEEKDAYS.index(first), WEEKDAYS.index(last if dash else first) + 1)
    if dash and len(days) < 2:
        raise Wrong(f"{key} does not ascend: a week begins with mon; split the range at sun")
    return days


def _overlaps(hours: Mapping[int, Intervals]) -> Iterator[tuple[int, int]]:
    """Days whose last interval reaches into the first of the next day; sunday is followed by monday."""
    for day, intervals in hours.items():
        following = hours.get((day + 1) % 7, ())
        if intervals and following and intervals[-1][1] - DAY_MIN > following[0][0]:
            yield day, (day + 1) % 7


def _noted_day(value: object, at: At) -> date | None:
    if isinstance(value, str):
        with suppress(ValueError):
            value = date.fromisoformat(value) if len(value) == 10 else value
    if isinstance(value, date) and not isinstance(value, datetime) and YEARS[0] <= value.year <= YEARS[1]:
        return value
    at.note(f"expected a date such as 2026-12-24, got {_said(value)}")
    return None


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else shown(value)
