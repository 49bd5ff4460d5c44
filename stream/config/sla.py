"""The keys of SLA clocks: `calendars` and `policies`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from msgspec import Struct

from stream.config.hours import DayHours, Days, Effective, Intervals, WeekHours, effective_ms
from stream.config.keys import Key
from stream.config.kinds import Kind, Text, Zone
from stream.config.problems import At, Wrong, shown
from stream.config.public_holidays import check_place
from stream.config.segments import When
from stream.config.structs import ListOf, read_struct, show_struct
from stream.config.targets import CLOCKS, Pauses, Targets, Warn, Warnings
from stream.events.envelope import SEGMENT_FIELDS

AROUND_THE_CLOCK = "24x7"
"""The calendar that always exists."""
NAME = Text(r"[^\x00-\x1f\x7f]{1,200}", "a name on one line, at most 200 characters")
"""The kind of the names of calendars and policies."""


class Holidays(Struct, frozen=True, kw_only=True):
    """Whose public holidays a calendar keeps."""

    country: Annotated[str, Key(Text(), "Code of the country: DE, US")] = ""
    subdivision: Annotated[
        str | None, Key(Text(), "Code of the state or region: BE, NY; null = only what the whole country has")
    ] = None


class HolidaysOf(Kind):
    """A mapping that is `Holidays` of a known country."""

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, Mapping):
            raise Wrong(f"expected a country such as {{country: DE, subdivision: BE}}, got {shown(value)}")
        before = len(at.reading.problems)
        holidays = read_struct(Holidays, value, at)
        if len(at.reading.problems) > before:
            return None
        if "country" not in value:
            raise Wrong("names no country: give `country`, e.g. DE")
        try:
            check_place(holidays.country, holidays.subdivision)
        except Wrong as wrong:
            (at.into(wrong.key) if wrong.key else at).note(str(wrong))
            return None
        return holidays

    def show(self, value: object) -> object:
        return show_struct(value) if isinstance(value, Struct) else value


class CalendarVersion(Struct, frozen=True, kw_only=True):
    """The hours of a calendar, from an instant on."""

    timezone: Annotated[str | None, Key(Zone(), "Time zone of the hours; null = the deployment's")] = None
    hours: Annotated[
        dict[int, Intervals],
        Key(
            WeekHours(),
            "Required: day (`sat`) or ascending range of days (`mon-thu`) -> intervals in local time; one "
            "may end on the next day (`22:00-06:00`), `00:00-24:00` is a whole day",
        ),
    ] = {}
    holidays: Annotated[
        Holidays | None,
        Key(
            HolidaysOf(),
            "`{country: DE, subdivision: BE}`: its public holidays have no hours, nor have the days on which "
            "they are observed instead; subdivision null = what the whole country has",
        ),
    ] = None
    closed: Annotated[tuple[date, ...], Key(Days(), "Dates that have no hours")] = ()
    open: Annotated[
        dict[date, Intervals],
        Key(DayHours(), "Date -> intervals instead of that day's hours, also on a holiday or a closed day"),
    ] = {}
    effective_from: Annotated[
        date | None,
        Key(
            Effective(),
            "Date or time from which this version counts, in the calendar's time zone; null = always",
        ),
    ] = None

    def effective_ms(self, timezone: str) -> int:
        """From when on it counts, ALWAYS_MS without `effective_from`; `timezone` is the deployment's."""
        return effective_ms(self.effective_from, self.timezone or timezone)


class PolicyConfig(Struct, frozen=True, kw_only=True):
    """Targets of the clocks of some tickets, from an instant on."""

    name: Annotated[
        str, Key(NAME, "Required: what it is called in alerts; entries of one name are versions")
    ] = ""
    when: Annotated[
        dict[str, tuple[str, ...]],
        Key(
            When((*SEGMENT_FIELDS, "tags")),
            "Segment field or `tags` -> a value or a list of values; all must match, none = every ticket",
        ),
    ] = {}
    calendar: Annotated[
        str | None, Key(NAME, "Calendar in which the targets count; null = `default_calendar`")
    ] = None
    targets: Annotated[
        dict[str, int],
        Key(Targets(), f"Required: clock -> target, in hours and minutes. Clocks: {', '.join(CLOCKS)}"),
    ] = {}
    warn: Annotated[
        tuple[Warn, ...],
        Key(Warnings(), "When to warn: shares of the target (`75%`) or times left (`15m`)"),
    ] = ()
    pause: Annotated[
        dict[str, tuple[str, ...]],
        Key(Pauses(), "Clock -> statuses in which it stands still, instead of the clock's own"),
    ] = {}
    effective_from: Annotated[
        date | None,
        Key(
            Effective(),
            "Date or time from which this version counts, in the deployment's time zone; null = always",
        ),
    ] = None

    def effective_ms(self, timezone: str) -> int:
        """From when on it counts, ALWAYS_MS without `effective_from`; `timezone` is the deployment's."""
        return effective_ms(self.effective_from, timezone)


class Calendars(Kind):
    """Name -> versions of a calendar: a mapping, or a list of them."""

    yaml_text = True

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, Mapping):
            raise Wrong(f"expected calendars by name, got {shown(value)}")
        calendars: dict[str, tuple[CalendarVersion, ...]] = {}
        for key, given in value.items():
            name, here = str(key), at.into(str(key))
            if name == AROUND_THE_CLOCK:
                here.note("is the calendar that always exists and never closes: take another name")
            elif isinstance(given, list) and not given:
                here.note("has no versions: write its hours")
            elif isinstance(given, list):
                calendars[name] = tuple(_version(one, here.into(i)) for i, one in enumerate(given))
            else:
                calendars[name] = (_version(given, here),)
        return calendars

    def show(self, value: object) -> object:
        if not isinstance(value, dict):
            return value
        shown_versions = {name: [show_struct(one) for one in versions] for name, versions in value.items()}
        return {name: one if len(one) > 1 else one[0] for name, one in shown_versions.items()}


class Policies(ListOf):
    """A list of policies, each with a name and targets."""

    def __init__(self) -> None:
        super().__init__(PolicyConfig)

    def read(self, value: object, at: At) -> object:
        for place, entry in enumerate(value if isinstance(value, list) else ()):
            for key, example in (("name", "urgent mail"), ("targets", "{first_reply: 1h}")):
                if isinstance(entry, Mapping) and key not in entry:
                    at.into(place).note(f"has no {key}: give `{key}`, e.g. {example}")
        return super().read(value, at)


def sla_shape(
    default: str | None, calendars: dict[str, tuple[CalendarVersion, ...]], policies: tuple[PolicyConfig, ...]
) -> list[object]:
    """What of these keys shapes numbers, as JSON. The order of a condition's values does not count."""
    return [
        default,
        {name: [show_struct(version) for version in versions] for name, versions in calendars.items()},
        [
            {
                **show_struct(policy),
                "when": {field: sorted(values) for field, values in policy.when.items()},
                "pause": {clock: sorted(statuses) for clock, statuses in policy.pause.items()},
            }
            for policy in policies
        ],
    ]


def _version(given: object, at: At) -> CalendarVersion:
    before = len(at.reading.problems)
    version = read_struct(CalendarVersion, given, at)
    if not version.hours and len(at.reading.problems) == before:
        at.note(
            'has no hours: give `hours`, e.g. {mon-fri: ["09:00-17:00"]}, or use the calendar '
            f"{AROUND_THE_CLOCK}, which never closes"
        )
    return version
