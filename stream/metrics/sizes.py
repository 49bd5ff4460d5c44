"""The four pane sizes: 10 s, 1 min and 15 min in UTC, so that every zone's midnight is an edge, and the local
day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

NAMES: Final = ("10s", "1m", "15m", "1d")
LENGTHS_MS: Final = (10_000, 60_000, 900_000)
LONG: Final = 2
"""From here on (15 min) panes are large, kept for long, and written when they close or by what comes late."""
DAY: Final = 3
SIZES: Final = 4


class Sizes:
    """Where panes begin and end. Days are those of the deployment's time zone: 23 to 25 hours long."""

    def __init__(self, timezone: str) -> None:
        self._zone = ZoneInfo(timezone)
        self._days: dict[int, tuple[int, int]] = {}

    def start(self, size: int, at_ms: int) -> int:
        """The start of the pane of a size that contains the instant."""
        return at_ms - at_ms % LENGTHS_MS[size] if size < DAY else self.day(at_ms)[0]

    def end(self, size: int, start_ms: int) -> int:
        """The end of the pane that starts there."""
        return start_ms + LENGTHS_MS[size] if size < DAY else self.day(start_ms)[1]

    def day(self, at_ms: int) -> tuple[int, int]:
        """Start and end of the local day that contains the instant."""
        # Offsets from UTC are whole quarter hours, so within one of those the day is the same.
        quarter = at_ms // 900_000
        found = self._days.get(quarter)
        if found is None:
            if len(self._days) > 100_000:
                self._days.clear()
            local = datetime.fromtimestamp(quarter * 900, UTC).astimezone(self._zone).date()
            found = self._days[quarter] = (
                self._midnight(local.toordinal()),
                self._midnight(local.toordinal() + 1),
            )
        return found

    def _midnight(self, ordinal: int) -> int:
        day = datetime.fromordinal(ordinal).replace(tzinfo=self._zone)
        instant = day.astimezone(UTC)
        if instant.astimezone(self._zone).replace(tzinfo=None) != day.replace(tzinfo=None):
            # Midnight does not exist where clocks jump over it: the day begins when they do.
            instant -= timedelta(hours=1)
            while instant.astimezone(self._zone).date() < day.date():
                instant += timedelta(minutes=15)
        return round(instant.timestamp()) * 1000
