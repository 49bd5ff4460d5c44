"""Why a number is what it is: the entities of a scenario, what happened to them and what of it counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stream.config import Config
from stream.events.decode import family_of
from stream.metrics.catalog import Catalog
from stream.metrics.formula import Level, LevelShare, RatioWithLevel
from stream.query.explain import Contribution, explain
from stream.query.model import Question
from stream.scenario.file import Scenario, Told
from stream.scenario.judge import Verdict
from stream.scenario.play import Floor

ENTITIES_MAX = 10
LINES_MAX = 20


@dataclass(frozen=True, slots=True)
class History:
    """One entity: its events in order of time, and what it contributes to the metric asked for."""

    subject: str
    events: list[str]
    contributions: list[str] = field(default_factory=list)


def histories(scenario: Scenario, verdict: Verdict, floor: Floor, catalog: Catalog) -> list[History]:
    """Of the entities that contribute to the metric asked for, else of all of its topic; of a journal, what
    was refused. At most ENTITIES_MAX, of each at most LINES_MAX lines."""
    question = verdict.expectation.question
    if question is None:
        return _refused(scenario, floor) or _of(scenario, scenario.events, floor)
    metric = catalog.get(question.metric)
    families = (metric.family, *metric.also)
    counted: dict[str, list[Contribution]] = {}
    for name in families:
        for subject, parts in _contributions(scenario.config, floor, catalog, name, metric.id):
            counted[subject] = [*counted.get(subject, ()), *parts]
    ours = [event for event in scenario.events if family_of(event.type) in families]
    wanted = [event for event in ours if event.subject in counted] or ours or scenario.events

    def line(part: Contribution) -> str:
        segments = "".join(f" {name}={value}" for name, value in part.segments.items())
        # A change of a level takes part in all that comes after it, too.
        levels = isinstance(metric.formula, Level | LevelShare | RatioWithLevel)
        outside = not levels and not _within(question, part.at_ms)
        beside = "  (outside the window)" if outside else ""
        return f"{scenario.times.short(part.at_ms)}  {part.amount:+,} {part.measure}{segments}{beside}"

    return [
        History(one.subject, one.events, _bounded([line(part) for part in counted.get(one.subject, ())]))
        for one in _of(scenario, wanted, floor)
    ]


def _of(scenario: Scenario, events: list[Told], floor: Floor) -> list[History]:
    by_subject: dict[str, list[str]] = {}
    for event in sorted(events, key=lambda event: event.at_ms):
        refused = floor.refusals.get(event.value)
        line = f"{event.line}  (refused: {refused})" if refused else event.line
        by_subject.setdefault(event.subject, []).append(line)
    return [History(subject, _bounded(lines)) for subject, lines in list(by_subject.items())[:ENTITIES_MAX]]


def _refused(scenario: Scenario, floor: Floor) -> list[History]:
    return _of(scenario, [event for event in scenario.events if event.value in floor.refusals], floor)


def _contributions(
    config: Config, floor: Floor, catalog: Catalog, family: str, metric: str
) -> Iterator[tuple[str, list[Contribution]]]:
    """Entities and what of them the metric reads."""
    image = floor.images[family, 0]
    for subject, packed in image.states.items():
        told = explain(floor.shards[family].family, config, catalog, image.fence, subject, packed)
        # The buckets of a sketch and a level's integral say again what the sum and the changes say.
        read = [part for part in told.contributions if metric in part.metrics and "[" not in part.measure]
        if read:
            yield subject, read


def _within(question: Question, at_ms: int) -> bool:
    from_ms, to_ms = question.from_ms, question.to_ms
    return from_ms is None or to_ms is None or from_ms <= at_ms < to_ms


def _bounded(lines: list[str]) -> list[str]:
    if len(lines) <= LINES_MAX:
        return lines
    return [*lines[:LINES_MAX], f"... and {len(lines) - LINES_MAX} more"]
