"""From the configuration to calendars that can be asked: holidays become dates, `effective_from` instants.

In two steps: `resolve` gives what can be published as JSON (`msgspec.json.encode`), and read again
(`msgspec.json.decode(..., type=Resolved)`) has the same dates, whatever the reader's version of the library
`holidays`. `calendars_of` gives calendars of that.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from stream.config.hours import Intervals
from stream.config.public_holidays import holiday_dates
from stream.config.sla import CalendarVersion
from stream.events.instants import ALWAYS_MS
from stream.sla.calendar import Calendar, build

if TYPE_CHECKING:
    from stream.config.model import Config


class ResolvedVersion(Struct, frozen=True, kw_only=True):
    """A version of a calendar with all that its hours depend on, from `effective_ms` on."""

    effective_ms: int
    timezone: str
    hours: dict[int, Intervals]
    holidays: tuple[date, ...]
    closed: tuple[date, ...]
    open: dict[date, Intervals]


Resolved = dict[str, tuple[ResolvedVersion, ...]]
"""By name of calendar its versions, ascending by `effective_ms`; the first counts from ALWAYS_MS on."""
Versions = list[tuple[int, Calendar]]
"""(from when on, calendar), ascending; the first counts from ALWAYS_MS on."""


def resolve(config: Config) -> Resolved:
    """The calendars of a configuration.

    The earliest version of a calendar counts for all time before, too: there is no other.
    """
    resolved: Resolved = {}
    for name, versions in config.calendars.items():
        first, *others = sorted(
            (_version(version, config.timezone) for version in versions),
            key=lambda version: version.effective_ms,
        )
        resolved[name] = (replace(first, effective_ms=ALWAYS_MS), *others)
    return resolved


def calendars_of(resolved: Resolved) -> dict[str, Versions]:
    """The calendars that `resolve` has described; `24x7` is not among them."""
    return {
        name: [(version.effective_ms, _calendar(name, version)) for version in versions]
        for name, versions in resolved.items()
    }


def _version(version: CalendarVersion, timezone: str) -> ResolvedVersion:
    whose = version.holidays
    return ResolvedVersion(
        effective_ms=version.effective_ms(timezone),
        timezone=version.timezone or timezone,
        hours=version.hours,
        holidays=holiday_dates(whose.country, whose.subdivision) if whose is not None else (),
        closed=version.closed,
        open=version.open,
    )


def _calendar(name: str, version: ResolvedVersion) -> Calendar:
    closed = (*version.holidays, *version.closed)
    return build(name, ZoneInfo(version.timezone), version.hours, closed, version.open)
