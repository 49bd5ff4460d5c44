"""Routes: by team, priority, clock and level, as people who know Alertmanager expect."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream.alerts.routing import targets
from stream.cli.run import alerts_anybody
from stream.config import ConfigError, describe, load, parse
from stream.config.alerts import Occasion
from tests.alerts import config

LABELS = {"team": "billing", "priority": "urgent", "clock": "first_reply", "level": "75%", "policy": "all"}


def told(routes: list[dict[str, Any]], on: Occasion = "breached") -> list[str]:
    """Who is told of LABELS."""
    return [target.to for target in targets(config(routes).alerts.routes, on, LABELS)]


@pytest.mark.parametrize(
    "when", [{}, {"team": "billing"}, {"team": ["x", "billing"], "clock": "first_reply"}, {"level": "75%"}]
)
def test_all_keys_must_match_and_any_value_of_a_list_does(when: dict[str, Any]) -> None:
    """None matches everything."""
    assert told([{"when": when, "to": ["a"]}]) == ["a"]


@pytest.mark.parametrize(
    "when", [{"team": "sales"}, {"team": "billing", "clock": "resolution"}, {"tier": "x"}]
)
def test_a_key_that_differs_or_is_not_there_does_not_match(when: dict[str, Any]) -> None:
    """Every key counts."""
    assert told([{"when": when, "to": ["a"]}]) == []


def test_the_first_route_that_matches_counts() -> None:
    """The rest is not looked at."""
    assert told([{"when": {"team": "sales"}, "to": ["a"]}, {"to": ["b"]}, {"to": ["c"]}]) == ["b"]


def test_continue_looks_further() -> None:
    """A destination that is named twice is told once, as the first route says."""
    routes: list[dict[str, Any]] = [
        {"to": ["a"], "continue": True, "repeat": "5m"},
        {"to": ["a", "b"], "repeat": "9m"},
    ]
    found = targets(config(routes).alerts.routes, "breached", LABELS)
    assert [(target.to, target.repeat_ms) for target in found] == [("a", 300_000), ("b", 540_000)]


def test_a_route_is_for_warnings_and_breaches_unless_it_says_otherwise() -> None:
    """`blind` must be asked for."""
    assert [told([{"to": ["a"]}], on) for on in ("at_risk", "breached", "blind")] == [["a"], ["a"], []]
    assert told([{"on": "at_risk", "to": ["a"]}, {"to": ["b"]}]) == ["b"]


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        ({"routes": [{"to": ["x"]}]}, "alerts.routes[0].to: no destination is called x"),
        ({"routes": [{}]}, "alerts.routes[0]: needs `to`"),
        ({"routes": [{"to": "a", "on": ["breach"]}]}, "expected any of at_risk, breached, blind"),
        ({"routes": [{"to": "a", "when": {"teams": "x"}}]}, "the nearest is team"),
        ({"destinations": {"p": {"kind": "pager"}}}, "expected one of slack, pagerduty, alertmanager"),
        ({"destinations": {"p": {"kind": "pagerduty"}}}, "alerts.destinations.p.routing_key_file: needs"),
        ({"destinations": {"p": {"kind": "pagerduty", "token": "x"}}}, "unknown key"),
        ({"destinations": {"s": {"kind": "slack", "token": "x"}}}, "alerts.destinations.s.channel: needs"),
        ({"destinations": {"s": {"kind": "slack"}}}, "needs either token_file and channel"),
        ({"destinations": {"w": {"kind": "webhook"}}}, "needs url or url_file"),
        ({"destinations": {"w": {"kind": "webhook", "url": "x"}}}, "expected https://host/path"),
        ({"destinations": {"a b": {"kind": "alertmanager"}}}, "a name is up to 64 letters"),
        ({"ticket_url": "https://h/x"}, "a link with {ticket} or {subject}"),
        ({"max_age": "8d"}, "is longer than 7d"),
    ],
)
def test_a_wrong_configuration_says_what_and_where(alerts: dict[str, Any], said: str) -> None:
    """Strict as the rest."""
    with pytest.raises(ConfigError) as caught:
        parse({"alerts": alerts})
    assert said in str(caught.value)


def test_the_example_of_the_page_is_a_configuration(tmp_path: Path) -> None:
    """docs/alerts.md; what it names is shown by `floorcast check` as it was given."""
    page = (Path(__file__).parents[1] / "docs" / "alerts.md").read_text()
    example = re.search(r"```yaml\n(alerts:.*?)```", page, re.DOTALL)
    assert example is not None
    file = tmp_path / "floorcast.yaml"
    file.write_text(example[1])
    found = load(file, env={})
    # With a secret in it the text reads as a configuration, but not as this one.
    assert parse(yaml.safe_load(describe(found))).alerts.routes == found.alerts.routes
    urgent = {"priority": "urgent", "team": "billing", "clock": "first_reply"}
    assert [target.to for target in targets(found.alerts.routes, "breached", urgent)] == ["pager", "floor"]


def test_the_dispatcher_runs_where_there_is_somebody_to_tell() -> None:
    """`floorcast run`: not without destinations, and not for history."""
    assert alerts_anybody(config([]))
    assert not alerts_anybody(parse({}))
    assert not alerts_anybody(
        parse({"clock": "events", "alerts": {"destinations": {"a": {"kind": "alertmanager"}}}})
    )
