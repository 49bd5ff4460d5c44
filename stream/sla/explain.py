"""What policies come to: for tickets of a sample week, when each clock would warn and be due."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from stream.config import AROUND_THE_CLOCK, Config, PolicyConfig, Resolved, Warn, calendars_of
from stream.sla.calendar import ALWAYS, Calendar

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
_WEEKS_SEARCHED: Final = 53


@dataclass(frozen=True, slots=True)
class Sample:
    """One clock of one ticket that nobody answers: when it starts, when it warns (as spelled, ms), its due
    instant."""

    clock: str
    target_ms: int
    start_ms: int
    warned: tuple[tuple[str, int], ...]
    due_ms: int


@dataclass(frozen=True, slots=True)
class Explained:
    """One entry of `policies` (at `place`) while it counts; no samples when its calendar never opens."""

    place: int
    policy: PolicyConfig
    calendar: Calendar
    zone: ZoneInfo
    samples: tuple[Sample, ...]


class Explainer:
    """The policies of a configuration as of `now_ms`; `resolved` are its calendars."""

    def __init__(self, config: Config, resolved: Resolved, now_ms: int) -> None:
        self.config = config
        self.now_ms = now_ms
        self._resolved = resolved
        self._versions = calendars_of(resolved)
        self._effective_ms = [policy.effective_ms(config.timezone) for policy in config.policies]

    def explain(self) -> Iterator[Explained]:
        """The entries that count now or will, in their order."""
        for place, policy in enumerate(self.config.policies):
            if any(place in self.in_force(at_ms) for at_ms in self.instants()):
                since_ms = max(self.now_ms, self._effective_ms[place])
                calendar, zone = self.calendar_at(policy, since_ms)
                starts = sample_starts(calendar, zone, since_ms)
                samples = tuple(
                    _sample(clock, target_ms, start_ms, policy.warn, calendar)
                    for clock, target_ms in policy.targets.items()
                    for start_ms in starts
                )
                yield Explained(place, policy, calendar, zone, samples)

    def instants(self) -> list[int]:
        """Now, and when entries come into force after that."""
        return sorted({self.now_ms, *(at_ms for at_ms in self._effective_ms if at_ms > self.now_ms)})

    def in_force(self, at_ms: int) -> list[int]:
        """The places of the entries that count at an instant: of each name the latest that has come."""
        latest: dict[str, int] = {}
        for place, policy in enumerate(self.config.policies):
            since_ms = self._effective_ms[place]
            other = latest.get(policy.name)
            if since_ms <= at_ms and (other is None or since_ms > self._effective_ms[other]):
                latest[policy.name] = place
        return sorted(latest.values())

    def calendar_at(self, policy: PolicyConfig, at_ms: int) -> tuple[Calendar, ZoneInfo]:
        """The calendar of a policy as of an instant, and its zone."""
        name = policy.calendar or self.config.default_calendar or AROUND_THE_CLOCK
        if name == AROUND_THE_CLOCK:
            return ALWAYS, ZoneInfo(self.config.timezone)
        versions = self._versions[name]
        place = bisect_right([since_ms for since_ms, _ in versions], at_ms) - 1
        return versions[place][1], ZoneInfo(self._resolved[name][place].timezone)


def sample_starts(calendar: Calendar, zone: ZoneInfo, from_ms: int) -> list[int]:
    """Two instants of the next week in which the calendar opens: an hour into it, and half an hour before
    its end; around the clock Monday at 10:00 and Friday at 16:30. None when it does not open for a year."""
    today = datetime.fromtimestamp(from_ms // 1000, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today + timedelta(days=7 - today.weekday())
    if calendar is ALWAYS:
        friday = monday + timedelta(days=4)
        return [_ms(monday.replace(hour=10)), _ms(friday.replace(hour=16, minute=30))]
    for _ in range(_WEEKS_SEARCHED):
        following = monday + timedelta(days=7)
        start_ms = _ms(monday)
        open_ms = calendar.elapsed_ms(start_ms, _ms(following))
        if open_ms > 0:
            early_ms = min(_HOUR_MS, open_ms // 2)
            late_ms = max(open_ms - _HOUR_MS // 2, early_ms)
            return sorted({calendar.due_ms(start_ms, used_ms) for used_ms in (early_ms, late_ms)})
        monday = following
    return []


def used_ms(warn: Warn, target_ms: int) -> int:
    """The business time after which a warning is given of a target; outside 1..target - 1 it says nothing."""
    if warn.share is not None:
        return -(-target_ms * warn.share // 1000)
    return target_ms - (warn.left_ms or 0)


def _sample(clock: str, target_ms: int, start_ms: int, warn: Sequence[Warn], calendar: Calendar) -> Sample:
    used = [(one.said, used_ms(one, target_ms)) for one in warn]
    warned = [
        (calendar.due_ms(start_ms, after_ms), said) for said, after_ms in used if 0 < after_ms < target_ms
    ]
    return Sample(
        clock=clock,
        target_ms=target_ms,
        start_ms=start_ms,
        warned=tuple((said, at_ms) for at_ms, said in sorted(warned)),
        due_ms=calendar.due_ms(start_ms, target_ms),
    )


def _ms(at: datetime) -> int:
    return int(at.timestamp()) * 1000
