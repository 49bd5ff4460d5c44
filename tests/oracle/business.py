"""Business time, from sla.md "Configuration": calendars as sets of open intervals, worked out day by day.

Instants are integer milliseconds since the epoch. A calendar here is one *version* of the contract's.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays

MINUTE = 60_000
QUARTER = 15 * MINUTE
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FAR_DAYS = 4000
"""A calendar that does not open for that long never does."""

Interval = tuple[int, int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS_MS = {"ms": 1, "s": 1000, "m": MINUTE, "h": 60 * MINUTE, "d": 24 * 60 * MINUTE}


def duration_ms(text: str) -> int:
    """`90s`, `1h30m`, ... in milliseconds."""
    parts = re.findall(r"(\d+)(ms|s|m|h|d)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"not a duration: {text!r}")
    return sum(int(number) * _UNITS_MS[unit] for number, unit in parts)


def instant_ms(value: Any, zone: ZoneInfo) -> int:
    """A date or time as YAML gives it; without an offset, in `zone`."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    since: timedelta = value - _EPOCH
    return since // timedelta(milliseconds=1)


def _date(value: Any) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


class Calendar:
    """One version of a calendar, made of its mapping; without one, 24x7."""

    def __init__(self, told: Mapping[str, Any] | None = None, deployment: str = "UTC") -> None:
        self.always = told is None
        told = told or {}
        self.zone = ZoneInfo(told.get("timezone") or deployment)
        self.weekdays: dict[int, list[str]] = {}
        for days, intervals in (told.get("hours") or {}).items():
            first, _, last = days.partition("-")
            for weekday in range(DAYS.index(first), DAYS.index(last or first) + 1):
                self.weekdays[weekday] = list(intervals)
        self.closed = {_date(day) for day in told.get("closed") or ()}
        self.open = {_date(day): list(intervals) for day, intervals in (told.get("open") or {}).items()}
        rule = told.get("holidays")
        self.holidays: Any = (
            holidays.country_holidays(rule["country"], subdiv=rule.get("subdivision")) if rule else {}
        )
        self._known: dict[date, list[Interval]] = {}

    def hours_of(self, day: date) -> list[str]:
        """ "`open` beats `closed` beats `holidays`"."""
        if day in self.open:
            return self.open[day]
        if day in self.closed or day in self.holidays:
            return []
        return self.weekdays.get(day.weekday(), [])

    def open_on(self, day: date) -> list[Interval]:
        """The instants at which intervals that begin on `day` are open.

        "Interval edges are wall-clock times: open whenever local time is inside, also in a repeated hour".
        """
        if day not in self._known:
            self._known[day] = _joined(
                [part for text in self.hours_of(day) for part in _inside(self.zone, day, text)]
            )
        return self._known[day]

    def between(self, from_ms: int, to_ms: int) -> int:
        """Business time in [from_ms, to_ms)."""
        if to_ms <= from_ms:
            return 0
        if self.always:
            return to_ms - from_ms
        return sum(
            max(0, min(end, to_ms) - max(begin, from_ms)) for begin, end in self._opened(from_ms, to_ms)
        )

    def after(self, from_ms: int, business_ms: int) -> int | None:
        """The first instant at or after `from_ms` at which so much business time has passed since then."""
        if business_ms <= 0:
            return from_ms
        if self.always:
            return from_ms + business_ms
        left_ms = business_ms
        for begin, end in self._opened(from_ms, from_ms + FAR_DAYS * 96 * QUARTER):
            there_ms = max(0, end - max(begin, from_ms))
            if there_ms >= left_ms:
                return max(begin, from_ms) + left_ms
            left_ms -= there_ms
        return None

    def _opened(self, from_ms: int, to_ms: int) -> Iterator[Interval]:
        """Open intervals that may touch [from_ms, to_ms), in order and disjoint."""
        day = self._day(from_ms) - timedelta(days=2)
        last = self._day(to_ms) + timedelta(days=1)
        until_ms = from_ms  # a night shift may reach into hours that the next day has as well
        while day <= last:
            for begin, end in self.open_on(day):
                if end > until_ms:
                    yield max(begin, until_ms), end
                    until_ms = max(until_ms, end)
            day += timedelta(days=1)

    def _day(self, at_ms: int) -> date:
        return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(self.zone).date()

    def stale_after_ms(self) -> Fraction | None:
        """catalog.md: "3 x the calendar's mean open time per weekday that has hours (24 h in 24x7)"."""
        if self.always:
            return Fraction(3 * 24 * 60 * MINUTE)
        lengths = []
        for intervals in self.weekdays.values():
            edges = [_edges(text) for text in intervals]
            lengths.append(sum((end - begin) * MINUTE for begin, end in edges))
        lengths = [length for length in lengths if length]
        return 3 * Fraction(sum(lengths), len(lengths)) if lengths else None


def _edges(text: str) -> tuple[int, int]:
    """ "09:00-12:30" in minutes of its day; "may cross midnight", then the end is past 24:00."""
    (begin, end) = (
        int(hour) * 60 + int(minute) for hour, minute in (part.split(":") for part in text.split("-"))
    )
    return begin, end if end > begin else end + 24 * 60


@cache
def _inside(zone: ZoneInfo, day: date, text: str) -> list[Interval]:
    """Instants at which the wall clock of the zone is inside the interval, quarter of an hour by quarter.

    Zones change their offset on whole quarters of an hour of UTC, so that within one the wall runs evenly.
    """
    begin, end = _edges(text)
    midnight_ms = round((datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) / timedelta(days=1))
    midnight_ms *= 24 * 60 * MINUTE
    wall_begin, wall_end = midnight_ms + begin * MINUTE, midnight_ms + end * MINUTE
    found = []
    # No zone is more than 16 hours away from UTC.
    for quarter_ms in range(midnight_ms - 64 * QUARTER, midnight_ms + (2 * 96 + 64) * QUARTER, QUARTER):
        offset = (_EPOCH + timedelta(milliseconds=quarter_ms)).astimezone(zone).utcoffset()
        assert offset is not None
        offset_ms = offset // timedelta(milliseconds=1)
        open_ms = max(quarter_ms, wall_begin - offset_ms)
        close_ms = min(quarter_ms + QUARTER, wall_end - offset_ms)
        if open_ms < close_ms:
            found.append((open_ms, close_ms))
    return found


def _joined(intervals: list[Interval]) -> list[Interval]:
    """Sorted, without overlaps and seams."""
    found: list[Interval] = []
    for begin, end in sorted(intervals):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found
