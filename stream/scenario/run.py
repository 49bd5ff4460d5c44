"""Runs scenarios: once as told, once shuffled, doubled and in other batches, which must come out the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from stream.scenario.errors import ScenarioError
from stream.scenario.file import Scenario
from stream.scenario.history import History, histories
from stream.scenario.judge import Judge, Verdict, groupings_for
from stream.scenario.play import Floor, arrivals, shuffled


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that does not hold, and what the numbers come from. `shuffled`: it holds as told, but
    the shuffled replay gives another answer."""

    verdict: Verdict
    histories: list[History]
    shuffled: bool = False


@dataclass(slots=True)
class Result:
    """What came of one scenario. `ignored` counts the events of unknown types."""

    scenario: Scenario
    held: int = 0
    failures: list[Failure] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """The scenario's."""
        return self.scenario.name


def run_scenario(scenario: Scenario, seed: int) -> Result:
    """Plays a scenario and compares. Raises `ScenarioError` when a question of it has no answer."""
    catalog = scenario.catalog
    groupings = groupings_for(scenario.config, scenario.expectations, catalog)
    judge = Judge(catalog, scenario.config, groupings)
    result = Result(scenario)
    floor, verdicts = Floor(scenario.config, groupings), []
    for verdict in _as_told(scenario, judge, floor):
        verdicts.append(verdict)
        if verdict.differences:
            result.failures.append(Failure(verdict, histories(scenario, verdict, floor, catalog)))
        else:
            result.held += 1
    result.ignored = floor.ignored()
    if scenario.replay:
        again = Floor(scenario.config, groupings)
        _replay(scenario, again, seed)
        for told in verdicts:
            if told.expectation.topic in ("metric", "sla") and told.expectation.at_ms == scenario.end_ms:
                changed = judge.changes(told, again)
                if changed.differences:
                    reasons = histories(scenario, changed, again, catalog)
                    result.failures.append(Failure(changed, reasons, shuffled=True))
    return result


def _as_told(scenario: Scenario, judge: Judge, floor: Floor) -> Iterator[Verdict]:
    """The verdicts in the order of their instants, each given while the floor stands there. Clocks move only
    where somebody looks: nothing else can tell."""
    incoming = dict(arrivals(scenario))
    by_instant: dict[int, list[int]] = {}
    for place, wanted in enumerate(scenario.expectations):
        by_instant.setdefault(wanted.at_ms, []).append(place)
    for instant in sorted({*incoming, *by_instant}):
        now_ms = min([instant, *(begin for begin, until in scenario.lag if begin <= instant < until)])
        floor.wait(min([instant, *(begin for begin, until in scenario.lag if begin < instant <= until)]))
        if instant in incoming:
            floor.read(incoming[instant], instant)
        if instant in by_instant:
            floor.tick(now_ms)
        for place in by_instant.get(instant, ()):
            yield _judged(judge, scenario, place, floor)


def _judged(judge: Judge, scenario: Scenario, place: int, floor: Floor) -> Verdict:
    wanted = scenario.expectations[place]
    try:
        return judge.judge(wanted, floor)
    except ScenarioError as error:
        raise ScenarioError(f"{wanted.line}: {scenario.name}: {error}") from None


def _replay(scenario: Scenario, floor: Floor, seed: int) -> None:
    for batch in shuffled(scenario, seed):
        floor.read(batch, scenario.end_ms)
    floor.tick(scenario.end_ms)
