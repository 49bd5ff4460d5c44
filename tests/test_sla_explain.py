"""What `floorcast check` says of policies: when sample tickets are due, and what may not be meant."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from click.testing import CliRunner

from stream.cli.check import command, explanation
from stream.config import describe, environment_names, load, parse, resolve
from stream.config.targets import Warn
from stream.sla.explain import Explainer, used_ms
from stream.sla.traps import traps

NOW = datetime(2026, 3, 5, 12, tzinfo=ZoneInfo("Europe/Berlin"))
"""A Thursday: the sample week begins on Monday 9 March."""
OFFICE = {"timezone": "Europe/Berlin", "hours": {"mon-fri": ["09:00-17:00"]}}


def explainer_of(**keys: object) -> Explainer:
    """That of a configuration, as of NOW."""
    config = parse({"timezone": "Europe/Berlin", "calendars": {"office": OFFICE}, **keys})
    return Explainer(config, resolve(config), int(NOW.timestamp()) * 1000)


def said(**keys: object) -> list[str]:
    """The explanation, line by line."""
    return list(explanation(explainer_of(**keys)))


def traps_of(**keys: object) -> list[str]:
    """The traps, each with its place."""
    return [f"{where}: {what}" for where, what in traps(explainer_of(**keys))]


def test_a_mail_of_friday_afternoon_is_due_on_monday_morning() -> None:
    """Two tickets tell: one an hour into the week, one half an hour before its end."""
    policy = {
        "name": "urgent mail",
        "when": {"priority": ["urgent", "high"], "channel": "email"},
        "calendar": "office",
        "targets": {"first_reply": "1h"},
        "warn": ["25%", "10m"],
    }
    assert said(policies=[policy]) == [
        "policies[0] urgent mail (priority urgent or high, channel email), calendar office, times in"
        " Europe/Berlin:",
        "  first_reply 1h: created on Monday 9 March at 10:00, warned at 10:15 (25%), warned at 10:50 (10m),"
        " due at 11:00",
        "  first_reply 1h: created on Friday 13 March at 16:30, warned at 16:45 (25%),"
        " warned on Monday 16 March at 09:20 (10m), due at 09:30",
    ]


def test_a_policy_without_a_calendar_counts_in_the_default_one_or_around_the_clock() -> None:
    """And says which it is."""
    policies = [{"name": "all", "targets": {"next_reply": "90s", "resolution": "36h"}}]
    assert said(policies=policies) == [
        "policies[0] all (every ticket), calendar 24x7, times in Europe/Berlin:",
        "  next_reply 1m30s: asked again on Monday 9 March at 10:00, due at 10:01:30",
        "  next_reply 1m30s: asked again on Friday 13 March at 16:30, due at 16:31:30",
        "  resolution 36h: created on Monday 9 March at 10:00, due on Tuesday 10 March at 22:00",
        "  resolution 36h: created on Friday 13 March at 16:30, due on Sunday 15 March at 04:30",
    ]
    assert "calendar office" in said(policies=policies, default_calendar="office")[0]


def test_the_sample_week_is_the_next_in_which_the_calendar_opens() -> None:
    """With the hours and holidays that it really has."""
    closed = [f"2026-03-{day:02}" for day in range(9, 14)]
    policies = [{"name": "all", "calendar": "office", "targets": {"first_reply": "1h"}}]
    lines = said(policies=policies, calendars={"office": {**OFFICE, "closed": closed}})
    assert lines[1] == "  first_reply 1h: created on Monday 16 March at 10:00, due at 11:00"


def test_versions_that_count_no_more_are_left_out_and_later_ones_say_from_when() -> None:
    """Each with tickets of a week in which it counts, by the calendar of then."""
    policies = [
        {"name": "all", "targets": {"first_reply": "4h"}},
        {"name": "all", "targets": {"first_reply": "2h"}, "effective_from": "2026-03-01"},
        {"name": "all", "targets": {"first_reply": "1h"}, "effective_from": "2026-04-01"},
    ]
    office = [OFFICE, {"hours": {"mon-fri": ["10:00-14:00"]}, "effective_from": "2026-04-01"}]
    assert said(policies=policies, calendars={"office": office}, default_calendar="office") == [
        "policies[1] all (every ticket), calendar office, times in Europe/Berlin, from 2026-03-01 00:00 on:",
        "  first_reply 2h: created on Monday 9 March at 10:00, due at 12:00",
        "  first_reply 2h: created on Friday 13 March at 16:30, due on Monday 16 March at 10:30",
        "policies[2] all (every ticket), calendar office, times in Europe/Berlin, from 2026-04-01 00:00 on:",
        "  first_reply 1h: created on Monday 6 April at 11:00, due at 12:00",
        "  first_reply 1h: created on Friday 10 April at 13:30, due on Monday 13 April at 10:30",
    ]


def test_a_target_longer_than_a_working_day_is_a_trap() -> None:
    """24 office hours are three days, not one; around the clock they are one."""
    targets = {"first_reply": "8h", "resolution": "24h", "full_resolution": "28h"}
    assert traps_of(policies=[{"name": "all", "calendar": "office", "targets": targets}]) == [
        "policies[0].targets.resolution: 24h is longer than a working day of the calendar office (8h):"
        " it is 3 such days",
        "policies[0].targets.full_resolution: 28h is longer than a working day of the calendar office (8h):"
        " it is 3.5 such days",
    ]
    assert (
        traps_of(policies=[{"name": "all", "targets": targets}], default_calendar="24x7", calendars={}) == []
    )


def policy(name: str, when: dict[str, object], **keys: object) -> dict[str, object]:
    """A policy around the clock."""
    return {"name": name, "when": when, "calendar": "24x7", "targets": {"first_reply": "1h"}, **keys}


SHADOWED = {
    "everything comes first": (policy("all", {}), policy("mail", {"channel": "email"})),
    "the same": (policy("one", {"channel": "email"}), policy("two", {"channel": "email"})),
    "more values": (policy("one", {"tags": ["a", "b"]}), policy("two", {"tags": "a", "team": "x"})),
    "whenever it counts": (
        policy("one", {}, effective_from="2026-03-01"), policy("two", {}, effective_from="2026-04-01"),
    ),
}  # fmt: skip
NOT_SHADOWED = {
    "the narrower one first": (policy("mail", {"channel": "email"}), policy("all", {})),
    "another value": (policy("one", {"channel": "email"}), policy("two", {"channel": ["email", "chat"]})),
    "another field": (policy("one", {"channel": "email"}), policy("two", {"team": "x"})),
    "versions of one": (policy("one", {}), policy("one", {}, effective_from="2026-04-01")),
    "until the earlier one comes": (policy("one", {}, effective_from="2026-04-01"), policy("two", {})),
}


@pytest.mark.parametrize("policies", SHADOWED.values(), ids=SHADOWED)
def test_a_policy_that_an_earlier_one_shadows_is_a_trap(policies: tuple[dict[str, object], ...]) -> None:
    """No ticket ever falls under it."""
    (trap,) = traps_of(policies=list(policies), default_calendar="office")
    assert trap == (
        f"policies[1]: never applies: policies[0] ({policies[0]['name']}) stands before it and matches every"
        " ticket that this one does; put the narrower one first"
    )


@pytest.mark.parametrize("policies", NOT_SHADOWED.values(), ids=NOT_SHADOWED)
def test_a_policy_that_some_tickets_fall_under_is_none(policies: tuple[dict[str, object], ...]) -> None:
    """Also when that is only for a while."""
    assert traps_of(policies=list(policies), default_calendar="office") == []


def test_a_calendar_that_does_not_open_for_a_year_is_a_trap() -> None:
    """One without hours is refused when the configuration is read; this one has them, on closed days."""
    thursdays = [NOW.date() + timedelta(days=7 * week) for week in range(60)]
    office = {"hours": {"thu": ["09:00-17:00"]}, "closed": thursdays}
    policies = [{"name": "all", "calendar": "office", "targets": {"first_reply": "1h"}}]
    assert traps_of(policies=policies, calendars={"office": office}) == [
        "policies[0]: nothing is ever due: the calendar office has no hours in the year that follows"
    ]
    office["closed"] = thursdays[:40]
    assert traps_of(policies=policies, calendars={"office": office}) == []


def test_when_a_warning_comes_to_the_millisecond() -> None:
    """A share of the target, rounded up, or so much before its end."""
    assert used_ms(Warn(said="75%", share=750), 3_600_000) == 2_700_000
    assert used_ms(Warn(said="33.3%", share=333), 1_001) == 334
    assert used_ms(Warn(said="10m", left_ms=600_000), 3_600_000) == 3_000_000


def test_a_warning_that_comes_with_the_start_or_with_the_breach_is_a_trap() -> None:
    """As much time left as the target has, and all of it used."""
    warn = ["50%", "100%", "30m"]
    targets = {"first_reply": "30m", "resolution": "4h"}
    assert traps_of(policies=[policy("all", {}, targets=targets, warn=warn)], default_calendar="office") == [
        "policies[0].warn[1]: 100% lies not between start and target of first_reply (30m): it does not warn"
        " in time",
        "policies[0].warn[1]: 100% lies not between start and target of resolution (4h): it does not warn in"
        " time",
        "policies[0].warn[2]: 30m lies not between start and target of first_reply (30m): it does not warn"
        " in time",
    ]


def test_a_calendar_that_nobody_uses_is_a_trap() -> None:
    """What was meant by it may count around the clock."""
    assert traps_of(policies=[{"name": "all", "targets": {"first_reply": "1h"}}]) == [
        "calendars.office: is not used: no policy names it, and default_calendar is 24x7"
    ]


def test_check_prints_explanation_and_traps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As comments after the configuration, which still reads as itself; warnings stand on standard error."""
    file = tmp_path / "f.yaml"
    text = """\
redis: {url: 'redis://:hunter2@h:1/0'}
kafka: {security: sasl_ssl, username: u, password: hunter3}
calendars: {office: {hours: {mon-fri: ["09:00-17:00"]}, holidays: {country: DE, subdivision: BE}}}
policies: [{name: all, calendar: office, targets: {resolution: 40h}}]
"""
    file.write_text(text)
    for name in environment_names():
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(command, ["--config", str(file)])
    assert result.exit_code == 0
    config = load(file, {})
    first, _, rest = result.stdout.partition("\n")
    assert first == "OK"
    assert yaml.safe_load(rest) == yaml.safe_load(describe(config))
    comments = [line for line in rest.splitlines() if line.startswith("#")]
    assert comments[0] == "# policies[0] all (every ticket), calendar office, times in UTC:"
    assert len(comments) == 3
    assert result.stderr == (
        "warning: policies[0].targets.resolution: 40h is longer than a working day of the calendar office"
        " (8h): it is 5 such days\n"
    )
    assert "hunter" not in result.output
