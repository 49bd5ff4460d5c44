"""Windows as people write them -> [from, to) in ms: words, lengths, times, steps.

Days are days of the deployment's calendar: `today`, `yesterday`, `month` and any number of days (`7d`: today
and the six days before) begin at local midnight. Lengths in hours, minutes and seconds (`24h`) are just that
long. Both end with the 10 s pane that contains now; only `yesterday` ends at midnight.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from stream.config import parse_duration
from stream.events.instants import to_ms
from stream.lifecycle.delta import PANE_MS
from stream.query.model import QueryError

Window = tuple[int, int]
"""[from, to) in ms."""
STEPS_MAX: Final = 10_000
YEARS: Final = (1970, 2199)

_DAYS = re.compile(r"([1-9][0-9]{0,3})d")
_POSSIBLE = "a length (90s, 15m, 1h, 24h), a number of days (7d, 28d), today, yesterday or month"


class Calendar:
    """Windows and times in the deployment's time zone."""

    def __init__(self, timezone: str) -> None:
        self._name = timezone
        self._zone = ZoneInfo(timezone)

    def window(self, word: str, now_ms: int) -> Window:
        """The window of a word or length at an instant; `QueryError` says what is possible."""
        end = pane_end(now_ms)
        days = _DAYS.fullmatch(word)
        if word == "today":
            return self._midnight(now_ms), end
        if word == "yesterday":
            return self._midnight(now_ms, 1), self._midnight(now_ms)
        if word == "month":
            return self._midnight(now_ms, self._local(now_ms).day - 1), end
        if days:
            return self._midnight(now_ms, int(days[1]) - 1), end
        try:
            length = parse_duration(word)
        except ValueError as error:
            raise QueryError(f"window {word!r}: {error}. A window is {_POSSIBLE}") from None
        return end - _whole_panes("window", word, length), end

    def previous(self, word: str | None, window: Window) -> Window:
        """The span before a window: as many days earlier where it is one of days, up to the same local time;
        of `month` the same part of the month before; else as long, up to where it begins."""
        start, end = window
        days = _DAYS.fullmatch(word or "")
        if word == "month":
            length = self._local(start - 1).day
            return self.days_before(start, length), min(self.days_before(end, length), start)
        if word in ("today", "yesterday") or days:
            back = int(days[1]) if days else 1
            return self.days_before(start, back), self.days_before(end, back)
        return start - (end - start), start

    def days_before(self, at_ms: int, days: int) -> int:
        """The same local time so many days earlier."""
        local = self._local(at_ms).replace(tzinfo=None) - timedelta(days=days)
        return to_ms(local.replace(tzinfo=self._zone).astimezone(UTC))

    def instant(self, text: str) -> int:
        """The time (ms) that a text means: RFC 3339, or without an offset a local time or date."""
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            raise QueryError(
                f"{text!r} is no time: write 2026-03-02T09:00:00Z with an offset, "
                f"or '2026-03-02 09:00' or 2026-03-02 in {self._name}"
            ) from None
        if not YEARS[0] <= read.year <= YEARS[1]:
            raise QueryError(f"{text!r}: times are read from {YEARS[0]} to {YEARS[1]}")
        return to_ms(read if read.tzinfo is not None else read.replace(tzinfo=self._zone).astimezone(UTC))

    def step(self, text: str) -> Step:
        """What `--step` means: a length, or with days alone so many calendar days."""
        days = _DAYS.fullmatch(text)
        if days:
            return Step(0, int(days[1]), self._zone)
        try:
            length = parse_duration(text)
        except ValueError as error:
            raise QueryError(
                f"step {text!r}: {error}. A step is a length (15m, 1h) or a number of days (1d)"
            ) from None
        return Step(_whole_panes("step", text, length), 0, self._zone)

    def text(self, at_ms: int) -> str:
        """RFC 3339 in the deployment's zone."""
        local = self._local(at_ms)
        return local.isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds")

    def short(self, at_ms: int) -> str:
        """Local date and time for people: `2026-03-02 09:00:00`."""
        return f"{self._local(at_ms):%Y-%m-%d %H:%M:%S}"

    def _local(self, at_ms: int) -> datetime:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(self._zone)

    def _midnight(self, at_ms: int, days_before: int = 0) -> int:
        day = self._local(at_ms).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        local = (day - timedelta(days=days_before)).replace(tzinfo=self._zone)
        return to_ms(local.astimezone(UTC))


class Step:
    """The length of successive windows: in ms, or in calendar days (23 to 25 hours where clocks change)."""

    def __init__(self, length_ms: int, days: int, zone: ZoneInfo) -> None:
        self._length_ms = length_ms
        self._days = days
        self._zone = zone

    def windows(self, window: Window) -> Iterator[Window]:
        """The window cut into steps from its start; the last may be shorter. `QueryError`: too many."""
        start, to_ms_ = window
        shortest = self._length_ms or self._days * 82_800_000
        if (to_ms_ - start) // shortest >= STEPS_MAX:
            raise QueryError(f"more than {STEPS_MAX} steps: ask for a longer --step or a shorter window")
        while start < to_ms_:
            end = min(self.next(start), to_ms_)
            yield start, end
            start = end

    def next(self, at_ms: int) -> int:
        """The end of the step that begins at the instant."""
        if self._length_ms:
            return at_ms + self._length_ms
        local = datetime.fromtimestamp(at_ms // 1000, self._zone).replace(tzinfo=None)
        moved = (local + timedelta(days=self._days)).replace(tzinfo=self._zone)
        return to_ms(moved.astimezone(UTC)) + at_ms % 1000


def pane_end(at_ms: int) -> int:
    """The end of the 10 s pane that contains the instant."""
    return at_ms - at_ms % PANE_MS + PANE_MS


def edge(at_ms: int) -> int:
    """The first edge of a 10 s pane at or after the instant."""
    return -(-at_ms // PANE_MS) * PANE_MS


def _whole_panes(what: str, text: str, length_ms: int) -> int:
    if length_ms == 0 or length_ms % PANE_MS:
        raise QueryError(f"{what} {text!r}: time is kept in panes of 10 s, so write a multiple of 10s")
    return length_ms
