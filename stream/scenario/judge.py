"""Compares expectations with what the floor answers."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stream.config import Config
from stream.metrics.catalog import Catalog
from stream.metrics.segments import Grouping
from stream.query.memory import ImageReader
from stream.query.model import Answer, QueryError
from stream.query.query import Queries
from stream.scenario.clocks import Difference, alert_differences, clock_differences
from stream.scenario.compare import same
from stream.scenario.errors import ScenarioError
from stream.scenario.expectation import JOURNALS, Expectation
from stream.scenario.play import Floor
from stream.scenario.words import plain
from stream.shard.family import COUNTED

_Result = TypeVar("_Result")

ABSENT = "no such row"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one expectation: the differences, if any, and the answer to a question about a metric."""

    expectation: Expectation
    differences: list[Difference] = field(default_factory=list)
    answer: Answer | None = None


class Judge:
    """Compares the expectations of a scenario with a floor."""

    def __init__(self, catalog: Catalog, config: Config, groupings: dict[str, tuple[Grouping, ...]]) -> None:
        self._catalog = catalog
        self._config = config
        self._groupings = groupings

    def judge(self, expectation: Expectation, floor: Floor) -> Verdict:
        """How an expectation fares on the floor as it stands."""
        if expectation.topic == "journal":
            wanted = {name: expectation.written[name] for name in JOURNALS if name in expectation.written}
            return Verdict(
                expectation,
                [
                    Difference(name, count, floor.journal(name))
                    for name, count in wanted.items()
                    if floor.journal(name) != count
                ],
            )
        if expectation.clock is not None:
            return Verdict(expectation, clock_differences(expectation.clock, floor))
        if expectation.topic == "alerts":
            return Verdict(expectation, alert_differences(expectation.alerts, floor))
        answer = self._ask(expectation, floor)
        return Verdict(expectation, self._differences(expectation, answer), answer)

    def changes(self, told: Verdict, floor: Floor) -> Verdict:
        """How the answer differs from the one of the first playing: whatever a question shows. Of clocks that
        is what was expected of them."""
        if told.answer is None:
            return self.judge(told.expectation, floor)
        answer = self._ask(told.expectation, floor)
        before = {_key(row.by): row.values for row in told.answer.rows}
        after = {_key(row.by): row.values for row in answer.rows}
        differences = [
            Difference(_name(key, stat), _stat(before, key, stat), _stat(after, key, stat))
            for key in {**before, **after}
            for stat in {**before.get(key, {}), **after.get(key, {})}
            if _stat(before, key, stat) != _stat(after, key, stat)
        ]
        return Verdict(told.expectation, differences, answer)

    def _ask(self, expectation: Expectation, floor: Floor) -> Answer:
        assert expectation.question is not None
        queries = Queries(self._catalog, self._config, ImageReader(floor.images), self._groupings)
        try:
            return run_now(queries.ask(expectation.question))
        except QueryError as error:
            raise ScenarioError(str(error)) from None

    def _differences(self, expectation: Expectation, answer: Answer) -> list[Difference]:
        assert expectation.question is not None
        metric = self._catalog.get(expectation.question.metric)
        rows = {_key(row.by): row.values for row in answer.rows}
        wanted = {_key(by): stats for by, stats in expectation.rows}
        found = []
        for key, stats in wanted.items():
            for stat, expected in stats.items():
                if key not in rows:
                    found.append(Difference(_name(key, stat), expected, ABSENT))
                elif not same(metric, stat, expected, rows[key], answer):
                    found.append(Difference(_name(key, stat), expected, rows[key].get(stat)))
        for key in rows.keys() - wanted.keys():
            shown = {stat: value for stat, value in rows[key].items() if stat in _stats(expectation)}
            found += [Difference(_name(key, stat), ABSENT, value) for stat, value in shown.items()]
        return sorted(found, key=lambda difference: difference.where)


def groupings_for(config: Config, expectations: Sequence[Expectation], catalog: Catalog) -> dict[str, Any]:
    """The configured groupings, and those that the expectations ask for: scenarios may split by anything."""
    asked: dict[str, list[Grouping]] = {name: list(getattr(config.groupings, name)) for name in COUNTED}
    for expectation in expectations:
        question = expectation.question
        if question is None:
            continue
        metric = catalog.get(question.metric)
        fields = tuple(sorted({*question.by, *question.where} - metric.labels.keys()))
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


def _stats(expectation: Expectation) -> set[str]:
    """The stats that any row asks for; without rows there is none, so all."""
    return {stat for _, stats in expectation.rows for stat in stats} or {"value", "count", "denominator"}


def _key(by: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(by.items()))


def _name(key: tuple[tuple[str, Any], ...], stat: str) -> str:
    return f"{plain(dict(key))} {stat}" if key else stat


def _stat(rows: dict[Any, Any], key: Any, stat: str) -> Any:
    return rows[key].get(stat) if key in rows else ABSENT
