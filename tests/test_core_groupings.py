"""Groupings that keep no sketches: the same counts and sums, without percentiles."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config import parse
from stream.lifecycle.delta import Delta
from stream.metrics.catalog import load_catalog
from stream.metrics.formula import Ages, Duration, Oldest
from stream.metrics.measures import SKETCHES
from stream.metrics.panes import Grouped, group_into, sum_coarser
from stream.metrics.segments import Segments, group_name, group_values
from stream.metrics.sketch import ANY, WIDTH
from stream.query.grouping import select
from stream.query.model import QueryError, Question
from stream.query.request import Request, plan
from stream.query.windows import Calendar
from tests.core import play
from tests.strategies import BASE_MS, DAY_MS, told
from tests.test_core_oracle import answer_of

CATALOG = load_catalog()
FIELDS = ("team", "queue")
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 30_000),
        st.sampled_from([("a", "x"), ("a", None), (None, "x")]),
        st.integers(0, 3 * WIDTH) | st.sampled_from([5, 100, 101, SKETCHES, SKETCHES + 7]),
        st.integers(-2, 2),
    ),
    max_size=40,
)


def summed(changes: list[tuple[int, tuple[str | None, str | None], int, int]], plain: bool) -> Grouped:
    """Contributions by group of [team] and [team, queue], the latter perhaps without sketches."""
    segments = Segments([("team",), FIELDS], FIELDS, [("queue", "team")] if plain else [])
    out = Delta()
    grouped: Grouped = {}
    for at_ms, values, code, amount in changes:
        out.add(at_ms, segments.of(values), code, amount)
    group_into(grouped, out)
    sum_coarser(grouped, segments)
    return grouped


@given(changes=CHANGES)
def test_the_sums_are_the_same_but_for_the_buckets(changes: list[Any]) -> None:
    """Each sketch's buckets are one, which holds as many; other groupings and other codes do not change."""
    full, plain = summed(changes, plain=False), summed(changes, plain=True)
    assert full.keys() == plain.keys()
    for start, groups in full.items():
        assert groups.keys() == plain[start].keys()
        for group, cell in groups.items():
            expected: dict[int, int] = {}
            for code, amount in cell.items():
                own = group_values(group)[0] != 2 or code < SKETCHES
                kept = code if own else code - (code - SKETCHES) % WIDTH + ANY
                expected[kept] = expected.get(kept, 0) + amount
            assert plain[start][group] == expected


FIELDS_OF_ANY = ("team", "queue", "plan")
ANY_GROUPINGS = st.lists(
    st.lists(st.sampled_from(FIELDS_OF_ANY), min_size=1, max_size=3, unique=True).map(
        lambda fields: tuple(sorted(fields))
    ),
    unique=True,
)


@given(
    groupings=ANY_GROUPINGS,
    changes=st.lists(st.tuples(*[st.sampled_from(["a", "b", None])] * 3, st.integers(-2, 2)), max_size=20),
)
def test_every_group_has_all_that_falls_into_it(groupings: list[Any], changes: list[Any]) -> None:
    """Although only the finest groupings are counted: the coarser ones are made of these."""
    segments = Segments(groupings, FIELDS_OF_ANY)
    out = Delta()
    expected: dict[bytes, int] = {}
    for *values, amount in changes:
        named = dict(zip(FIELDS_OF_ANY, values, strict=True))
        out.add(0, segments.of(tuple(named[field] for field in segments.dimensions)), 1, amount)
        for number, fields in enumerate([(), *groupings]):
            group = group_name(number, [named[field] for field in fields])
            expected[group] = expected.get(group, 0) + amount
    grouped: Grouped = {}
    group_into(grouped, out)
    sum_coarser(grouped, segments)
    assert {group: cell[1] for group, cell in grouped.get(0, {}).items()} == expected


SETTINGS: dict[str, Any] = {
    "tickets": [["channel"], ["team"], ["team", "priority"]],
    "calls": [["queue"], ["team"], ["team", "queue"]],
}
PLAIN = {"tickets": [["team"], ["priority", "team"]], "calls": [["queue"], ["team", "queue"]]}
FULL_CONFIG = parse({"groupings": SETTINGS})
PLAIN_CONFIG = parse({"groupings": {**SETTINGS, "without_sketches": PLAIN}})


@pytest.mark.parametrize("name", ["tickets", "calls"])
@given(data=st.data())
def test_every_number_but_those_of_sketches_is_the_same(name: str, data: st.DataObject) -> None:
    """By every grouping, over every history: what is exact stays, what is estimated is not there."""
    sent = data.draw(told(name))
    now_ms = max(max(one.at_ms, one.sent_ms) for one in sent)
    full, plain = ({(name, 0): play(name, of, sent, now_ms)} for of in (FULL_CONFIG, PLAIN_CONFIG))
    by = tuple(data.draw(st.sampled_from([[], *SETTINGS[name]])))
    for metric in CATALOG:
        if metric.family != name or metric.also or isinstance(metric.formula, Oldest | Ages):
            continue
        question = Question(metric.id, now_ms, now_ms - 5 * DAY_MS, now_ms, by)
        expected = answer_of(full, question, FULL_CONFIG)
        if isinstance(metric.formula, Duration) and sorted(by) in map(sorted, PLAIN[name]):
            for row in expected.rows:
                row.values.update(dict.fromkeys(metric.formula.estimated))
        assert answer_of(plain, question, PLAIN_CONFIG) == expected


TEAM = parse({"groupings": {**SETTINGS, "without_sketches": {"tickets": [["team"]]}}})


def test_percentiles_are_read_from_the_grouping_that_has_them() -> None:
    """Although a smaller one holds the dimension: that answers what needs no sketch."""
    groupings = TEAM.groupings
    for sketches, fields in ((False, ("team",)), (True, ("team", "priority"))):
        found = select(
            groupings.tickets, "tickets", ["team"], {}, None, groupings.without_sketches.tickets, sketches
        )
        assert found.fields == fields


def test_percentiles_that_are_not_kept_are_refused() -> None:
    """The error says by what they are kept, what can be asked instead, and how to have them."""
    where: dict[str, str | None] = {"priority": "high"}
    with pytest.raises(QueryError) as error:
        select(
            PLAIN_CONFIG.groupings.tickets, "tickets", ["team"], where, None,
            PLAIN_CONFIG.groupings.without_sketches.tickets, True,
        )  # fmt: skip
    now_ms = BASE_MS + DAY_MS
    question = Question("resolution_time", now_ms, BASE_MS, now_ms, ("team",), where, sketches=True)
    with pytest.raises(QueryError) as asked:
        answer_of({("tickets", 0): play("tickets", PLAIN_CONFIG, [], now_ms)}, question, PLAIN_CONFIG)
    assert str(asked.value) == str(error.value)
    assert str(error.value) == (
        "percentiles, min and max by priority, team are not kept: of tickets those groupings have sketches: "
        "[], [channel]. Ask for mean, count or sum; or take [team, priority] out of "
        "groupings.without_sketches.tickets in floorcast.yaml, or add a grouping that holds it"
    )


@pytest.mark.parametrize(
    ("metric", "stats", "wanted"),
    [
        ("first_response_time", [], False),
        ("first_response_time", ["mean", "count", "sum"], False),
        ("first_response_time", ["mean", "p90"], True),
        ("interactions_per_ticket", ["max"], True),
        ("backlog_age", ["p90"], False),  # computed from who stands in it
        ("csat", [], False),
    ],
)
def test_a_request_for_percentiles_wants_sketches(metric: str, stats: list[str], wanted: bool) -> None:
    """Only what is read from them does; so everything else may be asked by any grouping."""
    request = Request(window=None if metric == "backlog_age" else "1h", stats=stats)
    assert plan(CATALOG.get(metric), request, Calendar("UTC"), BASE_MS).question.sketches == wanted
