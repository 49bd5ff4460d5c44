"""Where a number comes from: its sparkline, and how it stood a week before. Both are kept for a while."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from stream.metrics.formula import Level, Values
from stream.query.model import Question
from stream.query.query import Queries
from stream.query.request import plan
from stream.query.wall_document import Change, Target
from stream.query.wall_judge import better
from stream.query.wall_memory import Memory
from stream.query.windows import Calendar, Window

if TYPE_CHECKING:
    from stream.query.wall_tiles import Asked

SPARK_HOLD_MS: Final = 60_000
"""A point is added when its step has ended, so at most every quarter of an hour; late events change one."""
CHANGE_HOLD_MS: Final = 10_000
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
_POINTS: Final = 24


class Trends:
    """Reads the past of numbers, for one view."""

    def __init__(
        self, queries: Queries, calendar: Calendar, memory: Memory, now_ms: int, wall_ms: int
    ) -> None:
        self._queries = queries
        self._calendar = calendar
        self._memory = memory
        self._now_ms = now_ms
        self._wall_ms = wall_ms

    async def spark(self, asked: Asked) -> list[tuple[int, float | int | None]]:
        """The number over each of the latest whole steps (levels: at their ends), from the first one that
        has any."""
        steps = self._steps(asked.window)
        key = ("spark", *_key(asked), steps[-1][1])

        async def read() -> list[tuple[int, float | int | None]]:
            question = plan(asked.metric, asked.request(), self._calendar, self._now_ms).question
            points = [(end, await self._point(asked, question, (start, end))) for start, end in steps]
            while points and not points[0][1]:
                del points[0]
            return points

        return await self._memory.get(key, self._wall_ms, SPARK_HOLD_MS, read)

    async def _point(self, asked: Asked, question: Question, step: Window) -> float | int | None:
        start: int | None = step[0]
        if isinstance(asked.metric.formula, Level) and asked.stat == "value":
            start = None
        values = await self._values(asked, replace(question, from_ms=start, to_ms=step[1]))
        return values[0].get(asked.stat)

    async def change(self, asked: Asked, value: float | int | None, target: Target | None) -> Change | None:
        """Against the same hours of the same weekday a week before; `None` where nothing was counted then."""

        async def read() -> tuple[Values, float]:
            asks = plan(asked.metric, asked.request(compare="week"), self._calendar, self._now_ms)
            assert asks.then is not None
            return await self._values(asked, asks.then)

        key = ("change", *_key(asked))
        values, longer = await self._memory.get(key, self._wall_ms, CHANGE_HOLD_MS, read)
        then = values.get(asked.stat)
        counts = asked.metric.kind in ("count", "level")
        if value is None or then is None or (counts and not then):
            return None
        fair = then / longer if asked.metric.kind == "count" else then
        by = value - fair
        return Change(then=then, by=by, relative=by / abs(fair) if fair else None, better=better(by, target))

    async def _values(self, asked: Asked, question: Question) -> tuple[Values, float]:
        """The values, and how many times as long as asked the window was: the past is kept in coarser
        panes."""
        answer = await self._queries.ask(question)
        values = answer.rows[0].values if len(answer.rows) == 1 else asked.metric.formula.nothing()
        if question.from_ms is None or question.to_ms is None or answer.from_ms is None:
            return values, 1.0
        return values, (answer.to_ms - answer.from_ms) / (question.to_ms - question.from_ms)

    def _steps(self, window: str | None) -> list[Window]:
        """The latest whole steps: of a quarter of an hour, an hour, or a day, as the window is long."""
        start, end = self._calendar.window(window, self._now_ms) if window else (0, 0)
        if end - start > _DAY_MS + _HOUR_MS:  # days of 25 hours
            return self._days()
        step = 15 * _MINUTE_MS if end - start <= _HOUR_MS and window != "today" else _HOUR_MS
        last = self._now_ms - self._now_ms % step
        return [(at - step, at) for at in range(last - (_POINTS - 1) * step, last + 1, step)]

    def _days(self) -> list[Window]:
        midnight = self._calendar.window("today", self._now_ms)[0]
        edges = [self._calendar.days_before(midnight, back) for back in range(_POINTS, -1, -1)]
        return list(pairwise(edges))


def _key(asked: Asked) -> tuple[object, ...]:
    return asked.metric.id, asked.stat, asked.window, tuple(sorted(asked.where.items()))
