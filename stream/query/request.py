"""A question in people's words -> a `Question`, the stats to show, and the steps to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stream.metrics.catalog import Metric
from stream.metrics.formula import Ages, Level, Oldest
from stream.query.model import QueryError, Question
from stream.query.stats import chosen_stats, wants_sketches
from stream.query.windows import Calendar, Step, Window, edge, pane_end


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, as text. At most one of `window` and `from_`; `at` moves now. `compare`: `previous` or
    `week`."""

    window: str | None = None
    from_: str | None = None
    to: str | None = None
    at: str | None = None
    by: Sequence[str] = ()
    where: Sequence[str] = ()
    stats: Sequence[str] = ()
    step: str | None = None
    compare: str | None = None
    top: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask, which stats of the answer to show, the step of its windows, and what to ask to compare it
    with."""

    question: Question
    stats: tuple[str, ...]
    step: Step | None
    then: Question | None = None


def plan(metric: Metric, request: Request, calendar: Calendar, now_ms: int) -> Plan:
    """How to answer a request; `QueryError` says what can be asked instead."""
    if isinstance(metric.formula, Oldest | Ages) and (
        request.window or request.from_ or request.to or request.at or request.step or request.compare
    ):
        raise QueryError(
            f"{metric.id} is computed from now and has no past: ask without window, time, step and comparison"
        )
    now_ms = calendar.instant(request.at) if request.at else now_ms
    window = _window(request, calendar, now_ms)
    if window is None and request.step:
        raise QueryError("--step cuts a window: ask with --window or --from and --to")
    stats = chosen_stats(metric, request.stats, window is not None)
    # The value of a level at an instant that begins a pane is that at its start, not ten seconds later.
    instant = edge(now_ms) if request.at and isinstance(metric.formula, Level) else None
    question = Question(
        metric=metric.id, now_ms=now_ms,
        from_ms=window[0] if window else None, to_ms=window[1] if window else instant,
        by=tuple(request.by), where=conditions(request.where), top=request.top,
        sketches=wants_sketches(metric, stats),
    )  # fmt: skip
    if request.top and (not request.by or request.step or request.compare):
        raise QueryError("--top ranks the groups of one span: ask with --by, without --step and --compare")
    if not request.compare:
        return Plan(question, stats, calendar.step(request.step) if request.step else None)
    if request.step:
        raise QueryError("--compare puts two spans side by side: ask without --step")
    counts = ("count",) if "count" in metric.formula.stats else ()
    then = _then(request, question, calendar)
    return Plan(question, tuple(dict.fromkeys((*stats, *counts))), None, then)


def _then(request: Request, question: Question, calendar: Calendar) -> Question:
    """The same question about the span to compare with."""
    if question.from_ms is None:
        if request.compare == "previous":
            raise QueryError("--compare previous needs a span: ask with --window or --from and --to")
        at = question.to_ms if question.to_ms is not None else question.now_ms
        then = calendar.days_before(at, 7)
        return replace(question, now_ms=then, to_ms=edge(then))
    assert question.to_ms is not None
    span = question.from_ms, question.to_ms
    if request.compare == "week":
        begin, end = (calendar.days_before(at, 7) for at in span)
    else:
        begin, end = calendar.previous(request.window, span)
    return replace(question, now_ms=end, from_ms=begin, to_ms=end)


def _window(request: Request, calendar: Calendar, now_ms: int) -> Window | None:
    if request.window is not None and (request.from_ is not None or request.to is not None):
        raise QueryError("a window is either --window or --from and --to, not both")
    if request.window is not None:
        return calendar.window(request.window, now_ms)
    if request.from_ is None:
        if request.to is not None:
            raise QueryError("--to needs --from")
        return None
    start = calendar.instant(request.from_)
    end = calendar.instant(request.to) if request.to is not None else pane_end(now_ms)
    if start >= end:
        raise QueryError(
            f"an empty window: it begins at {calendar.text(start)} and ends at {calendar.text(end)}"
        )
    return start, end


def conditions(where: Sequence[str]) -> dict[str, str | None]:
    """`DIM=VALUE` as dimension -> value; `QueryError` for anything else."""
    return dict(_condition(text) for text in where)


def _condition(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise QueryError(
            f"{text!r}: a condition is DIM=VALUE, such as team=billing; `team=` means those without a team"
        )
    return name, value or None
