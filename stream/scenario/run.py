"""Runs scenarios: once as told, once shuffled, doubled and in other batches, which must come out the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stream.metrics.catalog import Catalog
from stream.scenario.expect import Judge, Outcome, groupings_for
from stream.scenario.file import Scenario
from stream.scenario.play import Floor, arrivals, shuffled


@dataclass(slots=True)
class Result:
    """What came of one scenario. `failures` are ready to print; `not_yet` counts what this version does not
    have."""

    name: str
    held: int = 0
    failures: list[str] = field(default_factory=list)
    not_yet: Counter[str] = field(default_factory=Counter)


def run_scenario(scenario: Scenario, catalog: Catalog, seed: int) -> Result:
    """Plays a scenario and compares."""
    groupings = groupings_for(scenario.config, catalog, scenario.expectations)
    judge = Judge(catalog, scenario.config, groupings)
    result = Result(scenario.name)
    for outcome in _as_told(scenario, judge, Floor(scenario.config, groupings)):
        if outcome.not_yet:
            result.not_yet[outcome.not_yet] += 1
        elif outcome.failure:
            result.failures.append(_describe(scenario, outcome, ""))
        else:
            result.held += 1
    if scenario.replay:
        for outcome in _replayed(scenario, judge, Floor(scenario.config, groupings), seed):
            if outcome.failure:
                result.failures.append(_describe(scenario, outcome, f" when shuffled with --seed {seed}"))
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


def _describe(scenario: Scenario, outcome: Outcome, how: str) -> str:
    what = ", ".join(f"{key}: {value}" for key, value in outcome.expectation.what.items())
    history = "\n".join(
        f"      {event.line}" for event in sorted(scenario.events, key=lambda event: event.at_ms)[:50]
    )
    return f"{scenario.name}{how}\n    {{{what}}}\n    {outcome.failure}\n    of the events\n{history}"
