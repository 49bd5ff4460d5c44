"""Runs scenarios: once as told, once shuffled, doubled and in other batches, which must come out the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stream.metrics.catalog import Catalog
from stream.scenario.expect import Judge, Outcome, groupings_for
from stream.scenario.file import Scenario
from stream.scenario.play import Floor, arrivals, shuffled

HISTORY_MAX = 50
"""Events shown beside a failure."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that does not hold: as written, in what it differs, and whether only when replayed."""

    expectation: str
    problem: str
    replayed: bool


@dataclass(slots=True)
class Result:
    """What came of one scenario. `history` are its events in order, a line each; `not_yet` counts what this
    version does not have."""

    name: str
    history: list[str]
    held: int = 0
    failures: list[Failure] = field(default_factory=list)
    not_yet: Counter[str] = field(default_factory=Counter)


def run_scenario(scenario: Scenario, catalog: Catalog, seed: int) -> Result:
    """Plays a scenario and compares."""
    groupings = groupings_for(scenario.config, catalog, scenario.expectations)
    judge = Judge(catalog, scenario.config, groupings)
    told = sorted(scenario.events, key=lambda event: event.at_ms)
    result = Result(scenario.name, [event.line for event in told[:HISTORY_MAX]])
    if len(told) > HISTORY_MAX:
        result.history.append(f"... and {len(told) - HISTORY_MAX} more events")
    for outcome in _as_told(scenario, judge, Floor(scenario.config, groupings)):
        if outcome.not_yet:
            result.not_yet[outcome.not_yet] += 1
        elif outcome.failure:
            result.failures.append(_failure(outcome, False))
        else:
            result.held += 1
    if scenario.replay:
        for outcome in _replayed(scenario, judge, Floor(scenario.config, groupings), seed):
            if outcome.failure:
                result.failures.append(_failure(outcome, True))
    return result


def _as_told(scenario: Scenario, judge: Judge, floor: Floor) -> list[Outcome]:
    incoming = arrivals(scenario)
    outcomes = {}
    instants = {at for at, _ in incoming} | {e.at_ms for e in scenario.expectations} | {scenario.end_ms}
    by_instant = dict(incoming)
    for instant in sorted(instants):
        lagging = any(begin <= instant < until for begin, until in scenario.lag)
        if not lagging:
            floor.read(by_instant.get(instant, []), instant)
        for place, expectation in enumerate(scenario.expectations):
            if expectation.at_ms == instant:
                outcomes[place] = judge.judge(expectation, floor)
    return [outcomes[place] for place in sorted(outcomes)]


def _replayed(scenario: Scenario, judge: Judge, floor: Floor, seed: int) -> list[Outcome]:
    for batch in shuffled(scenario, seed):
        floor.read(batch, 0)
    floor.read([], scenario.end_ms)
    return [
        judge.judge(expectation, floor)
        for expectation in scenario.expectations
        if expectation.at_ms == scenario.end_ms and "metric" in expectation.what
    ]


def _failure(outcome: Outcome, replayed: bool) -> Failure:
    what = ", ".join(f"{key}: {value}" for key, value in outcome.expectation.what.items())
    return Failure(f"{{{what}}}", outcome.failure, replayed)
