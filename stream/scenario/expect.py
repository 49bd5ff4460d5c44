"""Expectations: what a scenario says must hold, compared with what the floor answers."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from stream.config import Config
from stream.metrics.catalog import Catalog, UnknownMetric
from stream.metrics.segments import Grouping
from stream.query.memory import ImageReader
from stream.query.model import Answer, QueryError, Question, Row
from stream.query.query import Queries
from stream.query.windows import Calendar
from stream.scenario.file import Expectation, ScenarioError
from stream.scenario.play import Floor
from stream.shard.family import COUNTED

_Result = TypeVar("_Result")

STATS = {
    "value", "count", "sum", "mean", "min", "max", "p50", "p75", "p90", "p95", "p99", "numerator",
    "denominator",
    "promoters", "passives", "detractors",
}  # fmt: skip
WITHIN = {"min", "max", "p50", "p75", "p90", "p95", "p99"}
"""Read from sketches: at most 1 % off."""
_METRIC_KEYS = {"metric", "window", "from", "to", "where", "by", "rows", *STATS}
_LATER = ("sla", "alerts")
_JOURNALS = ("deadletters", "duplicates", "late")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one expectation: it holds, it does not (why), or it asks for what this version does not have yet
    (what)."""

    expectation: Expectation
    failure: str = ""
    not_yet: str = ""


class Judge:
    """Compares expectations with a floor."""

    def __init__(self, catalog: Catalog, config: Config, groupings: dict[str, tuple[Grouping, ...]]) -> None:
        self._catalog = catalog
        self._config = config
        self._groupings = groupings

    def judge(self, expectation: Expectation, floor: Floor) -> Outcome:
        """Whether the expectation holds on the floor as it stands."""
        what = expectation.what
        for later in _LATER:
            if later in what:
                return Outcome(expectation, not_yet=later)
        for journal in _JOURNALS:
            if journal in what:
                actual = floor.journal(journal)
                wrong = actual != what[journal]
                return Outcome(
                    expectation, f"{journal}: expected {what[journal]}, was {actual}" if wrong else ""
                )
        if "metric" not in what:
            raise ScenarioError(
                f"an expectation names a metric, sla, alerts or one of {', '.join(_JOURNALS)}: {what}"
            )
        if what["metric"] not in self._catalog:
            return Outcome(expectation, not_yet=str(what["metric"]))
        return self._judge_metric(expectation, floor)

    def _judge_metric(self, expectation: Expectation, floor: Floor) -> Outcome:
        what = expectation.what
        unknown = set(what) - _METRIC_KEYS
        if unknown:
            known = ", ".join(sorted(_METRIC_KEYS))
            raise ScenarioError(f"{what['metric']}: unknown key {sorted(unknown)[0]!r}; known are {known}")
        if "rows" in what and "by" not in what:
            raise ScenarioError(f"{what['metric']}: `rows` need `by: [DIMENSION, ...]` beside them")
        if "rows" not in what and not STATS & set(what):
            raise ScenarioError(f"{what['metric']}: nothing is expected; add a stat such as `value: 3`")
        queries = Queries(self._catalog, self._config, ImageReader(floor.images), self._groupings)
        try:
            answer = run_now(queries.ask(question_of(expectation, Calendar(self._config.timezone))))
        except (QueryError, UnknownMetric) as error:
            return Outcome(expectation, str(error))
        unit = self._catalog.get(what["metric"]).unit
        wanted = (
            what["rows"]
            if "rows" in what
            else [{"by": {}, **{stat: what[stat] for stat in STATS & set(what)}}]
        )
        return Outcome(expectation, _compare(wanted, answer, unit))


def question_of(expectation: Expectation, calendar: Calendar) -> Question:
    """The question that an expectation about a metric asks."""
    what = expectation.what
    from_ms, to_ms = what.get("from"), what.get("to")
    if "window" in what:
        from_ms, to_ms = calendar.window(str(what["window"]), expectation.at_ms)
    return Question(
        metric=what["metric"], now_ms=expectation.at_ms, from_ms=from_ms, to_ms=to_ms,
        by=tuple(what.get("by", ())), where=dict(what.get("where", {})),
    )  # fmt: skip


def groupings_for(
    config: Config, catalog: Catalog, expectations: Sequence[Expectation]
) -> dict[str, tuple[Grouping, ...]]:
    """The configured groupings, and those that the expectations ask for: scenarios may split by anything."""
    asked: dict[str, list[Grouping]] = {name: list(getattr(config.groupings, name)) for name in COUNTED}
    for expectation in expectations:
        what = expectation.what
        if what.get("metric") not in catalog:
            continue
        metric = catalog.get(what["metric"])
        fields = tuple(
            sorted(
                name for name in {*what.get("by", ()), *what.get("where", {})} if name not in metric.labels
            )
        )
        for name in (metric.family, *metric.also):
            if fields and not any(set(fields) <= set(known) for known in asked[name]):
                asked[name].append(fields)
    return {name: tuple(known) for name, known in asked.items()}


def run_now(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """The result of a coroutine that never waits, as reading from memory does not."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: _Result = done.value
        return result
    raise RuntimeError("a read from memory waited")


def _compare(wanted: list[dict[str, Any]], answer: Answer, unit: str) -> str:
    rows = {_key(row.by): row for row in answer.rows}
    expected = {_key(row.get("by", {})): row for row in wanted}
    problems = [f"row {dict(key)} is missing" for key in expected.keys() - rows.keys()]
    problems += [
        f"row {dict(key)} was not expected: {rows[key].values}" for key in rows.keys() - expected.keys()
    ]
    for key in expected.keys() & rows.keys():
        problems += _differences(expected[key], rows[key], unit)
    return "; ".join(sorted(problems))


def _key(by: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(by.items()))


def _differences(expected: dict[str, Any], row: Row, unit: str) -> list[str]:
    where = f"{row.by} " if row.by else ""
    return [
        f"{where}{stat}: expected {expected[stat]}, was {row.values.get(stat, 'not offered')}"
        for stat in expected
        if stat != "by" and not _same(stat, expected[stat], row.values.get(stat, "not offered"), unit)
    ]


def _same(stat: str, expected: Any, actual: Any, unit: str) -> bool:
    if expected is None or actual is None:
        return expected is None and actual is None
    if isinstance(actual, str):
        return False
    if stat in WITHIN:
        return bool(abs(actual - expected) <= 0.01 * abs(expected) + 1e-9)
    if unit == "seconds":
        return bool(round(actual * 1000) == round(expected * 1000))
    return bool(abs(actual - expected) <= 1e-9 * max(1.0, abs(expected)))
