"""Counters that never go down, made from numbers that do.

A number of a window falls when a late event or a reopening takes something back, so it is no counter. What
adds up (counts, sums, numerators) is read by local day, and each difference to what was read before is
counted: upwards as added, downwards as retracted. Both only grow; their difference is what the numbers have
gained since the exporter began to read. That begins at 0, as a counter does after every restart.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final

from stream.serve.samples import Labels

DAYS: Final = 8
"""Days that are read: today and the seven before, so that a reopening within a week counts."""

Key = tuple[str, Labels]
"""The name of a pair of counters and the labels of one of its series."""


class Rising:
    """Counters that others keep, in the store: they fall when it is set back, or made anew from the log."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, tuple[float, float]] = {}

    def of(self, key: Hashable, stored: float) -> float:
        """What is told of a counter that stands so: what was stored at first, and every rise since."""
        last, told = self._seen.get(key, (0.0, 0.0))
        told += max(0.0, stored - last)
        self._seen[key] = stored, told
        return told


class Handed:
    """Counters of processes that come and go, added up. What those that are gone have counted stays; what all
    had counted before this began is left out, as it was told before."""

    def __init__(self) -> None:
        self.totals: dict[Key, float] = {}
        self._seen: dict[str, Mapping[Key, float]] | None = None

    def see(self, counted: Mapping[str, Mapping[Key, float]]) -> None:
        """What each process says, by name. One that says less than before has been started anew."""
        seen = counted if self._seen is None else self._seen
        for process, counts in counted.items():
            before = seen.get(process, {})
            for key, count in counts.items():
                last = before.get(key, 0.0)
                gained = count - last if count >= last else count
                self.totals[key] = self.totals.get(key, 0.0) + gained
        self._seen = dict(counted)


class Tally:
    """What has been added to and taken back from the numbers of some days."""

    def __init__(self) -> None:
        self.added: dict[Key, float] = {}
        self.retracted: dict[Key, float] = {}
        self._days: dict[int, dict[Key, float]] = {}
        self._stamps: dict[int, Hashable] = {}
        self._since_ms: int | None = None

    def begin(self, now_ms: int) -> None:
        """The first reading: days that begin later are counted from 0, others from what they have now."""
        if self._since_ms is None:
            self._since_ms = now_ms

    def knows(self, day_ms: int, stamp: Hashable) -> bool:
        """Whether a day was last read under this stamp: it has the same numbers then."""
        return day_ms in self._stamps and self._stamps[day_ms] == stamp

    def see(self, day_ms: int, stamp: Hashable, numbers: Mapping[Key, float]) -> None:
        """Counts the differences of the day that begins there. What is not among the numbers is 0."""
        before = self._days.get(day_ms)
        if before is None and self._since_ms is not None and day_ms >= self._since_ms:
            before = {}
        for key in numbers:
            self.added.setdefault(key, 0.0)
            self.retracted.setdefault(key, 0.0)
        if before is not None:
            for key in before.keys() | numbers.keys():
                change = numbers.get(key, 0.0) - before.get(key, 0.0)
                if change > 0:
                    self.added[key] += change
                elif change < 0:
                    self.retracted[key] -= change
        self.regroup(day_ms, stamp, numbers)

    def regroup(self, day_ms: int, stamp: Hashable, numbers: Mapping[Key, float]) -> None:
        """Takes the same numbers in other groups: nothing was added or taken back."""
        for key in numbers:
            self.added.setdefault(key, 0.0)
            self.retracted.setdefault(key, 0.0)
        self._days[day_ms] = dict(numbers)
        self._stamps[day_ms] = stamp

    def forget(self, before_ms: int) -> None:
        """Days that begin before: what becomes of them is counted no more, what they had stays counted."""
        for day_ms in [day for day in self._days if day < before_ms]:
            del self._days[day_ms], self._stamps[day_ms]
