"""Groupings, and checks between keys: each value may be good alone and the whole still be of no use."""

from pathlib import Path

import pytest

from stream.config import ConfigError, load, parse

SASL = {"security": "sasl_ssl", "username": "u", "password": "p"}


def problems_of(data: dict[str, object]) -> tuple[str, ...]:
    """The problems of a configuration."""
    with pytest.raises(ConfigError) as caught:
        parse(data)
    return caught.value.problems


def test_a_grouping_keeps_the_order_in_which_it_is_written() -> None:
    """[priority, team] is not turned into [team, priority]."""
    assert parse({"groupings": {"calls": [["priority", "team"]]}}).groupings.calls == (("priority", "team"),)


def test_no_groupings_leave_only_the_whole() -> None:
    """An empty list of groupings is allowed: the whole is always kept."""
    assert parse({"groupings": {"calls": []}}).groupings.calls == ()


def test_surveys_are_also_grouped_by_kind_and_nothing_else_is() -> None:
    """`kind` is a field of surveys only."""
    config = parse({"groupings": {"surveys": [["kind", "team"]]}})
    assert config.groupings.surveys == (("kind", "team"),)
    (problem,) = problems_of({"groupings": {"tickets": [["kind"]]}})
    assert problem.startswith('groupings.tickets[0][0]: expected a segment field, got "kind"; the nearest is')


@pytest.mark.parametrize(
    ("groupings", "expected"),
    [
        ("team", "groupings.calls: expected a list of groupings such as [[team], [team, queue]]"),
        (["team"], 'groupings.calls[0]: expected a list of fields such as [team, priority], got "team"'),
        ([[]], "groupings.calls[0]: an empty grouping is the whole, which is always kept"),
        ([["team", "team"]], "groupings.calls[0]: names a field twice"),
        (
            [["team"], ["tean"]],
            'groupings.calls[1][0]: expected a segment field, got "tean"; the nearest is team',
        ),
        ([[["team"]]], "groupings.calls[0][0]: expected a segment field, got a list (known: channel"),
        ([["team", "queue", "agent", "plan", "tier"]], "groupings.calls[0]: has 5 fields, at most 4"),
        (
            [["team", "plan"], ["plan", "team"]],
            "groupings.calls[1]: groups by the same fields as groupings.calls[0]",
        ),
    ],
)
def test_a_bad_grouping_is_placed_and_explained(groupings: object, expected: str) -> None:
    """1 to 4 distinct known fields, and no grouping twice in whatever order."""
    (problem,) = problems_of({"groupings": {"calls": groupings}})
    assert problem.startswith(expected)


def test_any_grouping_can_do_without_sketches() -> None:
    """Named by its fields, in whatever order."""
    plain = parse(
        {"groupings": {"without_sketches": {"tickets": [["priority", "team"]], "calls": [["queue"]]}}}
    )
    assert plain.groupings.without_sketches.tickets == (("priority", "team"),)
    assert plain.groupings.without_sketches.calls == (("queue",),)


@pytest.mark.parametrize(
    ("groupings", "expected"),
    [
        (
            {"calls": [["queue"]], "without_sketches": {"calls": [["queue"], ["team"]]}},
            "groupings.without_sketches.calls[1]: [team] is not in groupings.calls ([queue]): add it",
        ),
        (
            {"calls": [], "without_sketches": {"calls": [["queue"]]}},
            "groupings.without_sketches.calls[0]: [queue] is not in groupings.calls (none)",
        ),
        (
            {"without_sketches": {"calls": [[]]}},
            "groupings.without_sketches.calls[0]: an empty grouping is the whole",
        ),
        (
            {"without_sketches": {"surveys": [["team"]]}},
            "groupings.without_sketches.surveys: unknown key",
        ),
    ],
)
def test_only_what_is_kept_can_do_without_sketches(groupings: dict[str, object], expected: str) -> None:
    """The whole always has them, and surveys, sessions and agents have none."""
    (problem,) = problems_of({"groupings": groupings})
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("retention", "expected"),
    [
        (
            {"10s": "119s"},
            "retention.10s: 1m59s is too short: panes of 1m are made from these, which must be kept for",
        ),
        ({"1m": "29m", "10s": "2m"}, "retention.1m: 29m is too short"),
        ({"15m": "47h", "1m": "1h", "10s": "1h"}, "retention.15m: 1d23h is too short"),
        ({"10s": "3d"}, "retention.1m: 2d is shorter than retention.10s (3d)"),
        ({"1d": "10d", "15m": "11d"}, "retention.1d: 10d is shorter than retention.15m (11d)"),
    ],
)
def test_panes_are_kept_long_enough_to_make_the_coarser_ones(retention: object, expected: str) -> None:
    """At least twice the next pane's length, and never longer than the coarser ones."""
    (problem,) = problems_of({"retention": retention})
    assert problem.startswith(expected)


def test_the_shortest_possible_retention_is_accepted() -> None:
    """Exactly twice the next coarser pane is enough; equal lengths are no contradiction."""
    config = parse({"retention": {"10s": "2m", "1m": "30m", "15m": "2d", "1d": "2d"}, "horizon": "2d"})
    assert config.retention_ms == (120_000, 1_800_000, 172_800_000, 172_800_000)


def test_the_horizon_ends_where_the_panes_of_days_do() -> None:
    """A late event must still find its pane: horizon <= retention of the day panes."""
    assert parse({"horizon": "400d"}).horizon_ms == 400 * 86_400_000
    (problem,) = problems_of({"horizon": "401d"})
    assert problem.startswith("horizon: 401d is longer than retention.1d (400d)")


def test_an_agent_is_offline_before_it_is_forgotten() -> None:
    """Forgotten first, it would stay in the levels after it has gone."""
    assert parse({"keep_finished": {"agents": "12h"}}).keep_finished.agents_ms == 12 * 3_600_000
    (problem,) = problems_of({"keep_finished": {"agents": "11h"}})
    assert problem.startswith("keep_finished.agents: 11h is shorter than lost.agents (12h)")


def test_a_contradiction_is_placed_where_something_was_written(tmp_path: Path) -> None:
    """Where the first key is at its default, the line is that of the other."""
    file = tmp_path / "f.yaml"
    file.write_text("clock: wall\nretention:\n  10s: 3d\n")
    with pytest.raises(ConfigError, match=r"f\.yaml:3: retention\.1m: 2d is shorter"):
        load(file, env={})


def test_nothing_is_concluded_from_a_value_that_was_refused() -> None:
    """A wrong retention is one problem, not also a contradiction of its default with the rest."""
    assert len(problems_of({"horizon": "401d", "retention": {"1d": "forever"}})) == 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"kafka": {**SASL, "username": None}}, "kafka.security: sasl_ssl needs kafka.username"),
        ({"kafka": {**SASL, "password": None}}, "kafka.security: sasl_ssl needs kafka.password_file or"),
        ({"kafka": {"username": "u"}}, "kafka.username: is not used with security plaintext"),
        ({"kafka": {"password_file": "p"}}, "kafka.password_file: is not used with security plaintext"),
        ({"kafka": {"ca_file": "ca"}}, "kafka.ca_file: is not used without TLS: set security to ssl"),
        ({"kafka": {"security": "ssl", "cert_file": "c"}}, "kafka.cert_file: needs kafka.key_file beside it"),
        ({"kafka": {"topics": {"calls": "support.tickets"}}}, "kafka.topics.calls: has the same name as"),
        ({"redis": {"ca_file": "ca"}}, "redis.ca_file: is not used without TLS: write rediss://"),
        (
            {"redis": {"url": "rediss://h:1/0", "key_file": "k"}},
            "redis.key_file: needs redis.cert_file beside",
        ),
        ({"redis": {"username": "u"}}, "redis.username: needs redis.password_file or redis.password"),
    ],
)
def test_what_would_have_no_effect_or_cannot_connect_is_refused(
    data: dict[str, object], expected: str
) -> None:
    """A login needs user and password; TLS files need TLS; each topic needs a name of its own."""
    (problem,) = problems_of(data)
    assert problem.startswith(expected)
