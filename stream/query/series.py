"""One question over successive windows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stream.query.model import Answer, Question, Row
from stream.query.query import Queries
from stream.query.windows import Step


@dataclass(frozen=True, slots=True)
class Point:
    """A row and the window that it is of; `from_ms` is `None` at an instant."""

    row: Row
    from_ms: int | None
    to_ms: int


@dataclass(frozen=True, slots=True)
class Series:
    """The rows of all windows, the span that they cover, and since when the oldest shard is fresh."""

    points: list[Point]
    from_ms: int | None
    to_ms: int
    fresh_at: int


async def ask_series(queries: Queries, question: Question, step: Step | None) -> Series:
    """The answer to a question about a window, in steps if asked.

    Where panes as short as the step are no longer kept,
    windows widen; none is then of a time that an earlier one covers.
    """
    if step is None or question.from_ms is None or question.to_ms is None:
        return _series([await queries.ask(question)])
    answers: list[Answer] = []
    for from_ms, to_ms in step.windows((question.from_ms, question.to_ms)):
        covered = answers[-1].to_ms if answers else from_ms
        if to_ms > covered:
            answer = await queries.ask(replace(question, from_ms=max(from_ms, covered), to_ms=to_ms))
            if not answers or answer.to_ms > covered:
                answers.append(answer)
    return _series(answers)


def _series(answers: list[Answer]) -> Series:
    points = [Point(row, answer.from_ms, answer.to_ms) for answer in answers for row in answer.rows]
    return Series(points, answers[0].from_ms, answers[-1].to_ms, min(answer.fresh_at for answer in answers))
