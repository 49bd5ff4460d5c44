"""The shape of the week: how much of the mean load is there at an hour of the floor's own day."""

from __future__ import annotations

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
THURSDAY = 3  # the weekday of the epoch, Monday = 0

# Relative load at the full hours; in between it is a straight line. Two peaks, a dip at lunch, a thin night.
_HOURS = (12, 8, 6, 5, 6, 10, 22, 45, 80, 118, 132, 126, 108, 112, 124, 120, 108, 90, 70, 56, 46, 36, 26, 18)
_WEEKDAYS = (118, 110, 106, 104, 100, 58, 46)  # Monday is the heaviest
_HOUR_MEAN = sum(_HOURS) / 24
_WEEKDAY_MEAN = sum(_WEEKDAYS) / 7

PEAK = max(_HOURS) / _HOUR_MEAN * max(_WEEKDAYS) / _WEEKDAY_MEAN
"""No instant has more than this many times the mean load."""


def load(at_ms: int) -> float:
    """The load at a local instant (`Agenda.local_ms`) as a multiple of the mean, which is that of a week."""
    day, in_day_ms = divmod(at_ms, DAY_MS)
    hour, in_hour_ms = divmod(in_day_ms, HOUR_MS)
    share = in_hour_ms / HOUR_MS
    of_hour = _HOURS[hour] * (1 - share) + _HOURS[(hour + 1) % 24] * share
    return of_hour / _HOUR_MEAN * _WEEKDAYS[(day + THURSDAY) % 7] / _WEEKDAY_MEAN
