"""Two answers to one question, side by side: now and then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stream.metrics.formula import Formula, Values
from stream.query.series import Series


@dataclass(frozen=True, slots=True)
class Pair:
    """The values of one group in both spans."""

    by: dict[str, Any]
    now: Values
    then: Values

    def change(self, stat: str) -> float | int | None:
        """By how much a stat has grown; `None` where either is."""
        now, then = self.now.get(stat), self.then.get(stat)
        return None if now is None or then is None else now - then

    def relative(self, stat: str) -> float | None:
        """The change as a share of what was; `None` where that is nothing."""
        change, then = self.change(stat), self.then.get(stat)
        return None if change is None or not then else change / abs(then)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All groups of either span, and the span that is compared with."""

    pairs: list[Pair]
    from_ms: int | None
    to_ms: int


def compare(formula: Formula, now: Series, then: Series) -> Comparison:
    """The rows of both; a group that one of them lacks has there what nothing amounts to."""
    ours = {_key(point.row.by): point.row for point in now.points}
    theirs = {_key(point.row.by): point.row for point in then.points}
    pairs = [
        Pair(
            dict(key),
            ours[key].values if key in ours else formula.nothing(),
            theirs[key].values if key in theirs else formula.nothing(),
        )
        for key in dict.fromkeys([*ours, *theirs])
    ]
    return Comparison(pairs, then.from_ms, then.to_ms)


def _key(by: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(by.items())
