"""What came of scenario files: for people, and for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream.config.problems import nearest
from stream.scenario.clocks import Difference
from stream.scenario.file import event_types
from stream.scenario.run import Failure, Result
from stream.scenario.words import plain


@dataclass(frozen=True, slots=True)
class Played:
    """One file and what came of its scenarios."""

    path: Path
    results: list[Result]


def for_people(played: list[Played], seed: int) -> Iterator[str]:
    """The failures, each with where its numbers come from, and a summary."""
    for file in played:
        for result in file.results:
            for failure in result.failures:
                yield from _failure(file.path, result, failure, seed)
                yield ""
    results = [result for file in played for result in file.results]
    count = f"{len(results)} scenario{'' if len(results) == 1 else 's'}"
    held, failed = _held(results), _failed(results)
    holding, failing = _expectations(held, "hold"), _expectations(failed, "fail")
    yield f"{count}, replayed with --seed {seed}: {holding}, {failing}"
    for kind, number in sorted(_total(result.ignored for result in results).items()):
        near = nearest(kind, event_types())
        yield f"ignored: {number} of unknown type {kind}; the nearest known one is {near}"


def for_machines(played: list[Played], seed: int) -> dict[str, Any]:
    """All of it as plain values."""
    results = [result for file in played for result in file.results]
    return {
        "files": [
            {"file": str(file.path), "scenarios": [_scenario(result) for result in file.results]}
            for file in played
        ],
        "held": _held(results),
        "failed": _failed(results),
        "seed": seed,
    }


def _failure(path: Path, result: Result, failure: Failure, seed: int) -> Iterator[str]:
    wanted = failure.verdict.expectation
    yield f"FAILED {path}:{wanted.line}: {result.name}"
    yield f"  {plain(wanted.written)}"
    if failure.shuffled:
        yield f"  not the same when shuffled, doubled and in other batches (--seed {seed})"
    yield from _table(failure.verdict.differences, ("as told", "shuffled") if failure.shuffled else _HEAD)
    answer, question = failure.verdict.answer, wanted.question
    if answer is not None and question is not None and question.from_ms is not None:
        used = (answer.from_ms, answer.to_ms)
        if used != (question.from_ms, question.to_ms):
            edges = " to ".join(result.scenario.times.short(edge or 0) for edge in used)
            yield f"  counted from {edges}: the edges asked for are inside the finest panes kept there"
    for history in failure.histories:
        yield f"  {history.subject}"
        yield from (f"    {line}" for line in history.events)
        if history.contributions:
            yield "    counted"
            yield from (f"      {line}" for line in history.contributions)


_HEAD = ("expected", "actual")


def _table(differences: list[Difference], head: tuple[str, str]) -> Iterator[str]:
    rows = [("", *head), *((d.where, plain(d.expected), plain(d.actual)) for d in differences)]
    names, firsts = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, first, second in rows:
        yield f"    {name:<{names}}  {first:>{firsts}}  {second}"


def _scenario(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "line": result.scenario.line,
        "held": result.held,
        "failures": [_plain_failure(failure) for failure in result.failures],
        "ignored": dict(result.ignored),
    }


def _plain_failure(failure: Failure) -> dict[str, Any]:
    differences = failure.verdict.differences
    return {
        "line": failure.verdict.expectation.line,
        "expectation": failure.verdict.expectation.written,
        "expected": {difference.where: difference.expected for difference in differences},
        "actual": {difference.where: difference.actual for difference in differences},
        "shuffled": failure.shuffled,
        "entities": [
            {"subject": told.subject, "events": told.events, "contributions": told.contributions}
            for told in failure.histories
        ],
    }


def _expectations(number: int, verb: str) -> str:
    return f"{number} expectation{'' if number == 1 else 's'} {verb}{'s' if number == 1 else ''}"


def _held(results: list[Result]) -> int:
    return sum(result.held for result in results)


def _failed(results: list[Result]) -> int:
    return sum(len(result.failures) for result in results)


def _total(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total
