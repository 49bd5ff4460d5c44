"""What can be asked, and what is answered to what cannot."""

from typing import Any

import pytest

from stream.metrics.catalog import load_catalog
from stream.query.model import QueryError
from stream.query.request import Plan, Request, plan
from stream.query.windows import Calendar
from tests.answers import ms

NOW = ms("2026-03-02T09:15:03")


def planned(metric: str, **asked: Any) -> Plan:
    """The plan of a request in UTC."""
    return plan(load_catalog().get(metric), Request(**asked), Calendar("UTC"), NOW)


@pytest.mark.parametrize(
    ("metric", "stats"),
    [
        ("ticket_volume", ("value",)),
        ("first_response_time", ("mean",)),
        ("csat", ("value", "numerator", "denominator")),
        ("nps", ("value",)),
        ("backlog", ("value",)),
        ("longest_wait", ("value",)),
    ],
)
def test_each_kind_has_its_default_stat(metric: str, stats: tuple[str, ...]) -> None:
    """A ratio never goes without its numerator and denominator."""
    assert planned(metric).stats == stats


def test_a_ratio_that_is_asked_for_alone_brings_its_parts() -> None:
    """So that nobody averages ratios."""
    assert planned("csat", stats=["value"]).stats == ("value", "numerator", "denominator")


def test_times_are_the_windows() -> None:
    """--from and --to; without --to until now; --at moves now."""
    day = ms("2026-03-01T00:00:00")
    question = planned("csat", from_="2026-03-01", to="2026-03-02").question
    assert (question.from_ms, question.to_ms) == (day, day + 86_400_000)
    assert planned("csat", from_="2026-03-01").question.to_ms == ms("2026-03-02T09:15:10")
    question = planned("csat", window="1h", at="2026-03-01 12:00").question
    assert (question.from_ms, question.to_ms) == (ms("2026-03-01T11:00:10"), ms("2026-03-01T12:00:10"))


def test_a_level_at_an_edge_is_read_there() -> None:
    """The backlog at midnight is that of the day that ends then."""
    assert planned("backlog", at="2026-03-01").question.to_ms == ms("2026-03-01T00:00:00")
    assert planned("backlog", at="2026-03-01 00:00:01").question.to_ms == ms("2026-03-01T00:00:10")


def test_conditions_name_a_value_or_its_absence() -> None:
    """`team=` means those without a team; a value may hold an equals sign."""
    assert planned("backlog", where=["team=", "channel=a=b"]).question.where == {
        "team": None,
        "channel": "a=b",
    }


@pytest.mark.parametrize(
    ("metric", "asked", "said"),
    [
        ("csat", {"window": "1h", "from_": "2026-03-01"}, "not both"),
        ("csat", {"to": "2026-03-01"}, "--to needs --from"),
        ("csat", {"from_": "2026-03-01", "to": "2026-03-01"}, "an empty window"),
        ("csat", {"step": "1h"}, "--step cuts a window"),
        ("csat", {"window": "1h", "where": ["team"]}, "a condition is DIM=VALUE"),
        (
            "csat",
            {"window": "1h", "stats": ["p90"]},
            "csat has no 'p90'; it offers value, numerator, denominator",
        ),
        ("backlog", {"stats": ["mean"]}, "ask with --window"),
        ("longest_wait", {"window": "1h"}, "has no past"),
        ("longest_wait", {"at": "2026-03-01"}, "has no past"),
    ],
)
def test_what_cannot_be_asked_is_told_what_can(metric: str, asked: dict[str, Any], said: str) -> None:
    """Each error says what to do instead."""
    with pytest.raises(QueryError) as error:
        planned(metric, **asked)
    assert said in str(error.value)
