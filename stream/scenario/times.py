"""Times as scenarios write them: with an offset, or in the scenario's zone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stream.events.instants import to_ms
from stream.query.windows import YEARS
from stream.scenario.errors import ScenarioError


class Times:
    """Reads times of one scenario; `ScenarioError` says what to write instead."""

    def __init__(self, zone: Any) -> None:
        self.zone = str(zone)
        try:
            self._zone = ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ScenarioError(f"timezone: {zone!r} is no zone; write one such as Europe/Berlin") from None

    def ms(self, value: Any, where: str) -> int:
        """Milliseconds since the epoch. `where` names the place in the error."""
        return to_ms(self.read(value, where))

    def read(self, value: Any, where: str) -> datetime:
        """The time with its offset."""
        if isinstance(value, datetime):
            found = value
        elif isinstance(value, date):
            found = datetime.combine(value, datetime.min.time())
        else:
            found = self._parse(value, where)
        if not YEARS[0] <= found.year <= YEARS[1]:
            raise ScenarioError(f"{where}: {value!r}: times are read from {YEARS[0]} to {YEARS[1]}")
        return found if found.tzinfo is not None else found.replace(tzinfo=self._zone)

    def short(self, at_ms: int) -> str:
        """Local date and time for people."""
        local = datetime.fromtimestamp(at_ms // 1000, self._zone)
        return f"{local:%Y-%m-%d %H:%M:%S}" + (f".{at_ms % 1000:03}" if at_ms % 1000 else "")

    @staticmethod
    def _parse(value: Any, where: str) -> datetime:
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value)
            except ValueError:
                pass
        raise ScenarioError(
            f"{where}: {value!r} is no time; write 2026-03-02 09:00 (in quotes when with seconds)"
        )
