"""Calendars and policies in the configuration: what is read, what is refused, and what is resolved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
import pytest

from stream.config import (
    CalendarVersion,
    Config,
    ConfigError,
    Holidays,
    PolicyConfig,
    Resolved,
    Warn,
    calendars_of,
    load,
    parse,
    resolve,
)
from stream.events.instants import ALWAYS_MS
from stream.sla.calendar import Calendar

HOUR_MS = 3_600_000
EXAMPLE = """\
timezone: Europe/Berlin
default_calendar: office
calendars:
  office:
    timezone: Europe/Berlin
    hours: {mon-thu: ["09:00-12:30", "13:30-18:00"], fri: ["09:00-16:00"]}
    holidays: {country: DE, subdivision: BE}
    closed: [2026-12-24]
    open: {2026-12-31: ["09:00-12:00"]}
policies:
- name: urgent mail
  when: {priority: [urgent, high], channel: email, tags: vip}
  calendar: office
  targets: {first_reply: 1h, next_reply: 2h, resolution: 8h}
  warn: [50%, 12.5%, 15m]
  pause: {requester_wait: [pending], resolution: []}
"""
OFFICE: dict[str, Any] = {"hours": {"mon-fri": ["09:00-17:00"]}}


def loaded(text: str, directory: Path) -> Config:
    """The configuration of this text."""
    file = directory / "f.yaml"
    file.write_text(dedent(text))
    return load(file, {})


def problem_of(**keys: object) -> str:
    """The one problem of a configuration with these keys."""
    with pytest.raises(ConfigError) as caught:
        parse(keys)
    (problem,) = caught.value.problems
    return problem


def calendar(timezone: str = "UTC", **version: object) -> Calendar:
    """The one calendar of a configuration, of one version."""
    config = parse({"timezone": timezone, "calendars": {"office": {**OFFICE, **version}}})
    ((_, found),) = calendars_of(resolve(config))["office"]
    return found


def ms(text: str) -> int:
    """An instant with its offset."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def test_the_example_is_read(tmp_path: Path) -> None:
    """Every key of calendars and policies."""
    config = loaded(EXAMPLE, tmp_path)
    thursday = ((540, 750), (810, 1080))
    assert config.default_calendar == "office"
    assert config.calendars == {
        "office": (
            CalendarVersion(
                timezone="Europe/Berlin",
                hours={0: thursday, 1: thursday, 2: thursday, 3: thursday, 4: ((540, 960),)},
                holidays=Holidays(country="DE", subdivision="BE"),
                closed=(date(2026, 12, 24),),
                open={date(2026, 12, 31): ((540, 720),)},
            ),
        )
    }
    assert config.policies == (
        PolicyConfig(
            name="urgent mail",
            when={"priority": ("urgent", "high"), "channel": ("email",), "tags": ("vip",)},
            calendar="office",
            targets={"first_reply": HOUR_MS, "next_reply": 2 * HOUR_MS, "resolution": 8 * HOUR_MS},
            warn=(
                Warn(said="50%", share=500),
                Warn(said="12.5%", share=125),
                Warn(said="15m", left_ms=HOUR_MS // 4),
            ),
            pause={"requester_wait": ("pending",), "resolution": ()},
        ),
    )


def test_without_these_keys_there_are_no_calendars_and_no_policies() -> None:
    """24x7 exists without being written, so it can be named."""
    assert (Config().default_calendar, Config().calendars, Config().policies) == (None, {}, ())
    assert parse({"default_calendar": "24x7"}).default_calendar == "24x7"
    assert resolve(Config()) == {}


def test_hours_may_cross_midnight_or_fill_the_day() -> None:
    """An end that is not after the start is on the next day."""
    hours = {"mon": ["22:00-06:00"], "wed-thu": ["00:00-24:00"], "sat": ["18:00-00:00"], "sun": []}
    version = parse({"calendars": {"night": {"hours": hours}}}).calendars["night"][0]
    whole = ((0, 1440),)
    assert version.hours == {0: ((1320, 1800),), 2: whole, 3: whole, 5: ((1080, 1440),)}


def test_dates_and_times_may_be_yaml_or_text(tmp_path: Path) -> None:
    """YAML makes dates and times of some of them; scenario files leave them as text."""
    text = """\
        calendars:
          office:
          - {hours: {mon: ["09:00-17:00"]}, closed: [2026-12-24, "2026-12-25"]}
          - {hours: {tue: ["09:00-17:00"]}, effective_from: 2026-03-10}
          - {hours: {wed: ["09:00-17:00"]}, effective_from: 2026-03-11 06:00}
          - {hours: {thu: ["09:00-17:00"]}, effective_from: 2026-03-12T06:00:00+02:00}
        """
    first, *others = loaded(text, tmp_path).calendars["office"]
    assert first.closed == (date(2026, 12, 24), date(2026, 12, 25))
    assert [version.effective_ms("Europe/Berlin") for version in others] == [
        ms("2026-03-10T00:00+01:00"), ms("2026-03-11T06:00+01:00"), ms("2026-03-12T04:00+00:00"),
    ]  # fmt: skip


HOURS = "calendars.office.hours"
REFUSED_HOURS = {
    "unknown day": (
        {"mon-fry": ["09:00-17:00"]},
        f"{HOURS}.mon-fry: expected a day such as mon or a range such as mon-fri;"
        ' the nearest to "fry" is fri',
    ),
    "descending range": (
        {"fri-mon": ["09:00-17:00"]},
        f"{HOURS}.fri-mon: fri-mon does not ascend: a week begins with mon; split the range at sun",
    ),
    "a day twice": (
        {"mon-fri": ["09:00-17:00"], "fri": ["18:00-20:00"]},
        f"{HOURS}.fri: fri has hours in mon-fri already: name each day once",
    ),
    "overlap": (
        {"mon": ["09:00-12:30", "12:00-17:00"]},
        f"{HOURS}.mon[1]: 12:00-17:00 overlaps 09:00-12:30",
    ),
    "overlap with the next day": (
        {"mon": ["22:00-06:00"], "tue": ["05:00-09:00"]},
        f"{HOURS}.tue: the hours of tue begin before those of mon (22:00-06:00) end",
    ),
    "overlap of Sunday with Monday": (
        {"sun": ["22:00-06:00"], "mon": ["05:00-09:00"]},
        f"{HOURS}.mon: the hours of mon begin before those of sun (22:00-06:00) end",
    ),
    "no length": (
        {"mon": ["09:00-09:00"]},
        f'{HOURS}.mon[0]: "09:00-09:00" has no length: write 00:00-24:00 for a whole day',
    ),
    "no interval": ({"mon": ["9-17"]}, f'{HOURS}.mon[0]: expected hours such as 09:00-17:00, got "9-17"'),
    "no time": (
        {"mon": ["09:00-25:00"]},
        f'{HOURS}.mon[0]: expected hours such as 09:00-17:00, from 00:00 to 24:00, got "09:00-25:00"',
    ),
    "no list": (
        {"mon": "09:00-17:00"},
        f'{HOURS}.mon: expected a list of hours such as ["09:00-12:30", "13:30-17:00"], got "09:00-17:00"',
    ),
    "no days": (
        ["09:00-17:00"],
        f'{HOURS}: expected hours by weekday such as {{mon-fri: ["09:00-17:00"]}}, got a list',
    ),
}


@pytest.mark.parametrize("case", REFUSED_HOURS.values(), ids=REFUSED_HOURS)
def test_hours_that_are_refused(case: tuple[object, str]) -> None:
    """Each with what would be right."""
    hours, problem = case
    assert problem_of(calendars={"office": {"hours": hours}}) == problem


REFUSED_CALENDARS = {
    "no hours": (
        {"office": {"timezone": "UTC"}},
        'calendars.office: has no hours: give `hours`, e.g. {mon-fri: ["09:00-17:00"]}, or use the calendar'
        " 24x7, which never closes",
    ),
    "empty hours": ({"office": {"hours": {"mon": []}}}, "calendars.office: has no hours: give `hours`, e.g."),
    "24x7": (
        {"24x7": OFFICE},
        "calendars.24x7: is the calendar that always exists and never closes: take another name",
    ),
    "no versions": ({"office": []}, "calendars.office: has no versions: write its hours"),
    "unknown key": (
        {"office": {**OFFICE, "holiday": {}}},
        "calendars.office.holiday: unknown key; the nearest known key is calendars.office.holidays",
    ),
    "unknown zone": (
        {"office": {**OFFICE, "timezone": "Europe/Berln"}},
        'calendars.office.timezone: expected a time zone, got "Europe/Berln"; the nearest known is'
        " Europe/Berlin",
    ),
    "closed": (
        {"office": {**OFFICE, "closed": ["24.12.2026"]}},
        'calendars.office.closed[0]: expected a date such as 2026-12-24, got "24.12.2026"',
    ),
    "open without hours": (
        {"office": {**OFFICE, "open": {"2026-12-31": []}}},
        "calendars.office.open.2026-12-31: has no hours: put the day under `closed`",
    ),
    "open on no date": (
        {"office": {**OFFICE, "open": {"sat": ["09:00-12:00"]}}},
        'calendars.office.open.sat: expected a date such as 2026-12-24, got "sat"',
    ),
    "unknown country": (
        {"office": {**OFFICE, "holidays": {"country": "Germany"}}},
        'calendars.office.holidays.country: expected the code of a country, got "Germany";'
        " the nearest known is DE (Germany)",
    ),
    "country that YAML takes for something else": (
        {"office": {**OFFICE, "holidays": {"country": False}}},
        "calendars.office.holidays.country: expected text, got false; put it in quotes to make it text",
    ),
    "unknown subdivision": (
        {"office": {**OFFICE, "holidays": {"country": "AT", "subdivision": "Wein"}}},
        'calendars.office.holidays.subdivision: expected a subdivision of AT, got "Wein";'
        " the nearest known is 9 (Wien)",
    ),
    "no country": (
        {"office": {**OFFICE, "holidays": {"subdivision": "BE"}}},
        "calendars.office.holidays: names no country: give `country`, e.g. DE",
    ),
    "unknown key of holidays": (
        {"office": {**OFFICE, "holidays": {"country": "DE", "state": "BE"}}},
        "calendars.office.holidays.state: unknown key; the nearest known key is",
    ),
    "effective_from": (
        {"office": {**OFFICE, "effective_from": "March"}},
        "calendars.office.effective_from: expected a date or time such as 2026-03-10 or 2026-03-10 06:00,"
        ' got "March"',
    ),
    "two from always": (
        {"office": [OFFICE, OFFICE]},
        "calendars.office[1].effective_from: the same calendar has a version from the same time on in"
        " calendars.office[0]: each needs its own effective_from",
    ),
    "two from one instant": (
        {
            "office": [
                {**OFFICE, "effective_from": "2026-03-10"},
                {**OFFICE, "effective_from": "2026-03-10T01:00+01:00"},
            ]
        },
        "calendars.office[1].effective_from: the same calendar has a version from the same time on in",
    ),
}


@pytest.mark.parametrize("case", REFUSED_CALENDARS.values(), ids=REFUSED_CALENDARS)
def test_calendars_that_are_refused(case: tuple[object, str]) -> None:
    """Each with what would be right."""
    calendars, problem = case
    assert problem_of(calendars=calendars).startswith(problem)


REFUSED_POLICIES: dict[str, tuple[dict[str, object], str]] = {
    "unknown clock": (
        {"targets": {"first_response": "1h"}},
        "policies[0].targets.first_response: unknown clock; the nearest known one is first_reply (known: ",
    ),
    "clock of calls": (
        {"targets": {"queue_wait": "2m"}},
        "policies[0].targets.queue_wait: is the clock of calls: its target is `max_wait` of an entry"
        " of `queues`",
    ),
    "days": (
        {"targets": {"resolution": "2d"}},
        'policies[0].targets.resolution: days are refused here: say hours, e.g. 48h, got "2d"',
    ),
    "number": (
        {"targets": {"resolution": 8}},
        "policies[0].targets.resolution: a duration needs a unit, got the number 8: write 8s",
    ),
    "nothing": (
        {"targets": {"resolution": None}},
        "policies[0].targets.resolution: expected a duration such as 90s, 30m or 8h, got nothing",
    ),
    "unknown field": (
        {"when": {"prioritie": "high"}},
        'policies[0].when.prioritie: expected a segment field, got "prioritie"; the nearest is priority',
    ),
    "value that is no text": (
        {"when": {"tags": [1]}},
        "policies[0].when.tags: expected text or a list of texts, got the number 1; put it in quotes",
    ),
    "unknown calendar": (
        {"calendar": "ofice"},
        'policies[0].calendar: unknown calendar "ofice"; the nearest known one is office',
    ),
    "a spelling of around the clock": (
        {"calendar": "24/7"},
        'policies[0].calendar: unknown calendar "24/7"; the nearest known one is 24x7',
    ),
    "share above the target": (
        {"warn": ["120%"]},
        'policies[0].warn[0]: a share of the target is at most 100%, got "120%"',
    ),
    "negative share": (
        {"warn": ["-5%"]},
        "policies[0].warn[0]: expected a share of the target such as 75% or a time left such as 15m, with at"
        ' most one decimal, got "-5%"',
    ),
    "number as warning": (
        {"warn": [75]},
        "policies[0].warn[0]: expected a share of the target such as 75% or a time left such as 15m, got the",
    ),
    "days left": ({"warn": ["1d"]}, "policies[0].warn[0]: days are refused here: say hours, e.g. 24h"),
    "warning twice": ({"warn": ["50%", "50.0%"]}, "policies[0].warn[1]: 50.0% is given twice: remove one"),
    "pause of a reply clock": (
        {"pause": {"next_reply": ["pending"]}},
        "policies[0].pause.next_reply: only replies stop next_reply, no status does: remove it",
    ),
    "pause of an unknown clock": (
        {"pause": {"requester_waits": ["pending"]}},
        "policies[0].pause.requester_waits: unknown clock; the nearest known one is requester_wait",
    ),
    "unknown status": (
        {"pause": {"resolution": ["onhold"]}},
        'policies[0].pause.resolution: expected a status of tickets, got "onhold"; the nearest is on_hold',
    ),
    "unknown key": (
        {"target": {"first_reply": "1h"}},
        "policies[0].target: unknown key; the nearest known key is policies[0].targets",
    ),
}


@pytest.mark.parametrize("case", REFUSED_POLICIES.values(), ids=REFUSED_POLICIES)
def test_policies_that_are_refused(case: tuple[dict[str, object], str]) -> None:
    """Each with what would be right."""
    keys, problem = case
    policy = {"name": "all", "targets": {"first_reply": "1h"}, **keys}
    assert problem_of(policies=[policy], calendars={"office": OFFICE}).startswith(problem)


def test_a_policy_needs_a_name_and_targets() -> None:
    """Targets may be empty: tickets without any clock."""
    assert problem_of(policies=[{"targets": {}}]) == "policies[0]: has no name: give `name`, e.g. urgent mail"
    problem = "policies[0]: has no targets: give `targets`, e.g. {first_reply: 1h}"
    assert problem_of(policies=[{"name": "all"}]) == problem
    assert parse({"policies": [{"name": "all", "targets": {}}]}).policies[0].targets == {}


def test_policies_of_one_name_are_versions_with_times_of_their_own() -> None:
    """In the deployment's zone; two from the same instant cannot be told apart."""
    first = {"name": "all", "targets": {"first_reply": "1h"}}
    later = {**first, "effective_from": "2026-03-10"}
    policies = parse({"timezone": "Europe/Berlin", "policies": [first, later]}).policies
    assert [policy.effective_ms("Europe/Berlin") for policy in policies] == [
        ALWAYS_MS, ms("2026-03-10T00:00+01:00"),
    ]  # fmt: skip
    assert problem_of(policies=[first, later, later]) == (
        'policies[2].effective_from: the same policy "all" has a version from the same time on in'
        " policies[1]: each needs its own effective_from"
    )


def test_an_unknown_default_calendar_names_the_nearest() -> None:
    """Around the clock is known without being written."""
    problem = 'default_calendar: unknown calendar "24*7"; the nearest known one is 24x7'
    assert problem_of(default_calendar="24*7") == problem


def test_errors_name_file_and_line(tmp_path: Path) -> None:
    """Of the value, also deep inside a calendar or a policy."""
    text = """\
        calendars:
          office:
          - hours:
              mon-fri:
              - 09:00-12:00
              - 11:00-17:00
        policies:
        - name: all
          targets:
            resolution: 2d
          calendar: ofice
        """
    with pytest.raises(ConfigError) as caught:
        loaded(text, tmp_path)
    places = [problem.removeprefix(f"{tmp_path}/").split(": ")[:2] for problem in caught.value.problems]
    assert places == [
        ["f.yaml:6", "calendars.office[0].hours.mon-fri[1]"],
        ["f.yaml:10", "policies[0].targets.resolution"],
        ["f.yaml:11", "policies[0].calendar"],
    ]


def test_calendars_and_policies_may_come_from_the_environment() -> None:
    """As YAML text, like other lists and mappings."""
    config = load(env={
        "FLOORCAST_CALENDARS": '{office: {hours: {mon: ["09:00-17:00"]}}}',
        "FLOORCAST_POLICIES": "[{name: all, targets: {first_reply: 1h}, calendar: office}]",
    })  # fmt: skip
    assert config.policies[0].calendar == "office"


def test_holidays_are_resolved_with_the_days_on_which_they_are_observed() -> None:
    """4 July 2026 is a Saturday: the Friday before it is free. Easter moves; only Berlin has 8 March."""
    american = calendar("America/New_York", holidays={"country": "US"})
    assert american.due_ms(ms("2026-07-02T16:00-04:00"), 2 * HOUR_MS) == ms("2026-07-06T10:00-04:00")
    berlin = calendar("Europe/Berlin", holidays={"country": "DE", "subdivision": "BE"})
    assert berlin.due_ms(ms("2026-04-02T16:00+02:00"), 2 * HOUR_MS) == ms("2026-04-07T10:00+02:00")
    for timezone, country in (("Europe/Berlin", {"country": "DE"}), ("UTC", {"country": "IL"})):
        assert calendar(timezone, holidays=country).elapsed_ms(
            ms("2027-03-08T00:00Z"), ms("2027-03-09T00:00Z")
        )
    assert berlin.elapsed_ms(ms("2027-03-08T00:00+01:00"), ms("2027-03-09T00:00+01:00")) == 0


def test_open_beats_closed_beats_holidays() -> None:
    """On New Year's Eve, on a Saturday, and on the holiday itself."""
    shop = calendar(
        "Europe/Berlin",
        holidays={"country": "DE"},
        closed=["2026-12-31", "2026-12-30"],
        open={"2026-12-31": ["09:00-12:00"], "2027-01-01": ["10:00-11:00"], "2027-01-02": ["10:00-11:00"]},
    )
    assert shop.due_ms(ms("2026-12-29T17:00+01:00"), 3 * HOUR_MS) == ms("2026-12-31T12:00+01:00")
    assert shop.due_ms(ms("2026-12-29T17:00+01:00"), 4 * HOUR_MS) == ms("2027-01-01T11:00+01:00")
    assert shop.due_ms(ms("2026-12-29T17:00+01:00"), 5 * HOUR_MS) == ms("2027-01-02T11:00+01:00")


def test_a_calendar_without_a_zone_has_the_deployments() -> None:
    """Nine in the morning is there."""
    opens_ms = calendar("Asia/Tokyo").due_ms(ms("2026-03-02T00:00+09:00"), 1) - 1
    assert opens_ms == ms("2026-03-02T09:00+09:00")


def test_versions_come_in_the_order_of_time_and_the_first_counts_always() -> None:
    """Times of a version are local to its own zone."""
    short = {"hours": {"mon-fri": ["09:00-13:00"]}}
    versions = [
        {**short, "timezone": "America/New_York", "effective_from": "2026-03-10"},
        {**OFFICE, "effective_from": "2026-03-01"},
    ]
    config = parse({"timezone": "Europe/Berlin", "calendars": {"office": versions}})
    found = calendars_of(resolve(config))["office"]
    assert [(effective_ms, one.day_ms) for effective_ms, one in found] == [
        (ALWAYS_MS, 8 * HOUR_MS), (ms("2026-03-10T00:00-04:00"), 4 * HOUR_MS),
    ]  # fmt: skip
    assert {one.name for _, one in found} == {"office"}


def test_what_is_resolved_is_plain_json_and_needs_no_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read again it is the same, with the dates of then."""
    resolved = resolve(loaded(EXAMPLE, tmp_path))
    published = msgspec.json.encode(resolved)
    monkeypatch.setitem(__import__("sys").modules, "holidays", None)
    again = msgspec.json.decode(published, type=Resolved)
    assert again == resolved
    assert date(2026, 4, 3) in again["office"][0].holidays
    ((_, office),) = calendars_of(again)["office"]
    assert office.due_ms(ms("2026-04-02T17:30+02:00"), HOUR_MS) == ms("2026-04-07T09:30+02:00")
