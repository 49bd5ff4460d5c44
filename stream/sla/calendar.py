"""Business time: how much of it lies between two instants, and when some of it will have passed.

A calendar is open at an instant when the local time of its zone then lies inside one of its intervals. So an
hour that is repeated in autumn counts twice, and one that is skipped in spring does not exist. An interval
belongs to the day on which it begins; it may end on the next.

Instants are milliseconds since the epoch. They are kept as the sorted openings of blocks of 2**35 ms (398
days), each with the business time of its block before it (prefix sums). So both questions are a binary
search and an addition, on one core more than 200,000 a second also uncompiled. A block is made when it is
first asked for, in about 10 ms, and kept: at most 256 of them, to the year 2248. Outside 1970..2248 nothing
is open.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from stream.events.instants import FOREVER

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_BLOCK_BITS: Final = 35
_BLOCK_MS: Final = 1 << _BLOCK_BITS
_BLOCKS: Final = 256
_END_MS: Final = _BLOCKS * _BLOCK_MS
_SEARCHED_BLOCKS: Final = 20
"""A due instant is looked for in so many blocks: 21 years."""
_PROBE_S: Final = 21_600
"""How far apart offsets of a zone are compared: no zone changes its offset and back within 6 hours."""
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_EPOCH_WEEKDAY: Final = 3

Intervals = tuple[tuple[int, int], ...]
"""(start, end) in minutes of the local day; an end above 1440 is on the next day."""


class Calendar:
    """Business time that never stands still; `Hours` is one that opens and closes.

    `day_ms` is the open time of a business day: the mean of the weekdays that have hours.
    """

    __slots__ = ("day_ms", "name")

    def __init__(self, name: str, day_ms: int) -> None:
        self.name = name
        self.day_ms = day_ms

    def elapsed_ms(self, from_ms: int, to_ms: int) -> int:
        """Business time in [from, to); 0 when `to` is not after `from`."""
        return to_ms - from_ms if to_ms > from_ms else 0

    def due_ms(self, from_ms: int, business_ms: int) -> int:
        """The first instant, not before `from`, by which so much business time has passed since `from`.

        When it is used up at closing time that is closing time, not the next opening. FOREVER when it is not
        used up within about 20 years.
        """
        return from_ms + business_ms if business_ms > 0 else from_ms


ALWAYS: Final = Calendar("24x7", _DAY_MS)
"""Every instant is business time."""


class _Block:
    """The openings of one block: sorted, apart from each other, cut at the block's edges."""

    __slots__ = ("before", "ends", "starts", "total")

    def __init__(self, openings: list[tuple[int, int]]) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        for start, end in sorted(openings):
            if self.ends and start <= self.ends[-1]:
                self.ends[-1] = max(end, self.ends[-1])
            else:
                self.starts.append(start)
                self.ends.append(end)
        self.before: list[int] = []
        self.total = 0
        for place in range(len(self.starts)):
            self.before.append(self.total)
            self.total += self.ends[place] - self.starts[place]

    def open_before(self, at_ms: int) -> int:
        """Business time of the block before an instant."""
        place = bisect_right(self.starts, at_ms) - 1
        if place < 0:
            return 0
        end_ms = self.ends[place]
        return self.before[place] + (at_ms if at_ms < end_ms else end_ms) - self.starts[place]

    def reached(self, business_ms: int) -> int:
        """The first instant before which the block has so much business time (above 0, at most `total`)."""
        place = bisect_left(self.before, business_ms) - 1
        return self.starts[place] + business_ms - self.before[place]


class Hours(Calendar):
    """Business time by the hours of a week in a time zone, with days that differ; made by `build`."""

    __slots__ = ("_blocks", "_special", "_week", "_zone")

    def __init__(
        self,
        name: str,
        day_ms: int,
        zone: tzinfo,
        week: list[Intervals],
        special: dict[int, Intervals],
    ) -> None:
        super().__init__(name, day_ms)
        self._zone = zone
        self._week = week  # Monday first
        self._special = special  # by days since the epoch
        self._blocks: list[_Block | None] = [None] * _BLOCKS

    def elapsed_ms(self, from_ms: int, to_ms: int) -> int:
        if from_ms < 0:
            from_ms = 0
        if to_ms >= _END_MS:
            to_ms = _END_MS - 1
        if to_ms <= from_ms:
            return 0
        first, last = from_ms >> _BLOCK_BITS, to_ms >> _BLOCK_BITS
        elapsed_ms = self._block(last).open_before(to_ms) - self._block(first).open_before(from_ms)
        for number in range(first, last):
            elapsed_ms += self._block(number).total
        return elapsed_ms

    def due_ms(self, from_ms: int, business_ms: int) -> int:
        if business_ms <= 0:
            return from_ms
        if from_ms >= _END_MS:
            return FOREVER
        if from_ms < 0:
            from_ms = 0
        number = from_ms >> _BLOCK_BITS
        block = self._block(number)
        wanted_ms = business_ms + block.open_before(from_ms)
        last = min(number + _SEARCHED_BLOCKS, _BLOCKS - 1)
        while wanted_ms > block.total:
            if number == last:
                return FOREVER
            wanted_ms -= block.total
            number += 1
            block = self._block(number)
        return block.reached(wanted_ms)

    def _block(self, number: int) -> _Block:
        block = self._blocks[number]
        if block is None:
            block = self._blocks[number] = self._make(number)
        return block

    def _make(self, number: int) -> _Block:
        openings: list[tuple[int, int]] = []
        start_ms = number * _BLOCK_MS
        for from_ms, to_ms, offset_ms in _spans(self._zone, start_ms, start_ms + _BLOCK_MS):
            # What began the day before may reach into the first day.
            first_day = (from_ms + offset_ms) // _DAY_MS - 1
            for day in range(first_day, (to_ms + offset_ms) // _DAY_MS + 1):
                midnight_ms = day * _DAY_MS - offset_ms
                for opens_min, closes_min in self._intervals(day):
                    opens_ms = max(from_ms, midnight_ms + opens_min * _MINUTE_MS)
                    closes_ms = min(to_ms, midnight_ms + closes_min * _MINUTE_MS)
                    if opens_ms < closes_ms:
                        openings.append((opens_ms, closes_ms))
        return _Block(openings)

    def _intervals(self, day: int) -> Intervals:
        special = self._special.get(day)
        return special if special is not None else self._week[(day + _EPOCH_WEEKDAY) % 7]


def build(
    name: str,
    zone: tzinfo,
    hours: Mapping[int, Intervals],
    closed: Iterable[date] = (),
    opened: Mapping[date, Intervals] | None = None,
) -> Hours:
    """The calendar with these hours by weekday (0 is Monday).

    `closed` days, holidays among them, have no hours; `opened` days have hours of their own and win.
    """
    week = [hours.get(weekday, ()) for weekday in range(7)]
    special: dict[int, Intervals] = {day.toordinal() - _EPOCH_DAY: () for day in closed}
    for day, intervals in (opened or {}).items():
        special[day.toordinal() - _EPOCH_DAY] = intervals
    lengths = [sum(end - start for start, end in intervals) for intervals in week if intervals]
    day_ms = sum(lengths) * _MINUTE_MS // max(len(lengths), 1)
    return Hours(name, day_ms, zone, week, special)


def _spans(zone: tzinfo, from_ms: int, to_ms: int) -> Iterator[tuple[int, int, int]]:
    """[from, to) cut where the zone's offset changes: (from, to, offset), in ms.

    `from` and `to` are a block's edges, which need not be whole seconds: changes are.
    """
    since_ms = from_ms
    low_s, end_s = from_ms // 1000, to_ms // 1000
    low_ms = _offset_ms(zone, low_s)
    while low_s < end_s:
        high_s = min(low_s + _PROBE_S, end_s)
        high_ms = _offset_ms(zone, high_s)
        if high_ms != low_ms:
            high_s = _change(zone, low_s, high_s, low_ms)
            high_ms = _offset_ms(zone, high_s)
            yield since_ms, high_s * 1000, low_ms
            since_ms = high_s * 1000
        low_s, low_ms = high_s, high_ms
    if since_ms < to_ms:
        yield since_ms, to_ms, low_ms


def _change(zone: tzinfo, low_s: int, high_s: int, low_ms: int) -> int:
    """The second in (low, high] at which the offset is no longer that at `low`."""
    while high_s - low_s > 1:
        middle_s = (low_s + high_s) // 2
        if _offset_ms(zone, middle_s) == low_ms:
            low_s = middle_s
        else:
            high_s = middle_s
    return high_s


def _offset_ms(zone: tzinfo, at_s: int) -> int:
    offset = datetime.fromtimestamp(at_s, zone).utcoffset()
    return 0 if offset is None else offset // timedelta(milliseconds=1)
