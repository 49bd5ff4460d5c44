"""How a metric is computed from the measures of merged cells. Ratios keep numerator and denominator to the
end.

Every formula has `stats` and the `default` one, and says whether it reads a measure (`reads`) and what its
values are where nothing is counted (`nothing`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stream.lifecycle.delta import Cell
from stream.metrics import sketch
from stream.metrics.sketch import WIDTH

Values = dict[str, float | int | None]
HOUR_MS = 3_600_000
PERCENTILES = ("p50", "p75", "p90", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Count:
    """The sum of some measures."""

    codes: tuple[int, ...]
    stats = ("value",)
    default = "value"

    def values(self, cell: Cell) -> Values:
        return {"value": total(cell, self.codes)}

    def reads(self, code: int) -> bool:
        return code in self.codes

    def nothing(self) -> Values:
        return self.values({})


@dataclass(frozen=True, slots=True)
class Ratio:
    """Sums of measures over sums of measures; a negative code is subtracted. Empty denominator: no value."""

    over: tuple[int, ...]
    under: tuple[int, ...]
    stats = ("value", "numerator", "denominator")
    default = "value"

    def values(self, cell: Cell) -> Values:
        return _quotient(total(cell, self.over), total(cell, self.under))

    def reads(self, code: int) -> bool:
        return code in map(abs, (*self.over, *self.under))

    def nothing(self) -> Values:
        return self.values({})


@dataclass(frozen=True, slots=True)
class Share:
    """What a group has of all groups of a dimension: its count over theirs together. Empty: no value.

    The query reads the denominator."""

    codes: tuple[int, ...]
    dimension: str
    stats = ("value", "numerator", "denominator")
    default = "value"

    def values(self, cell: Cell, of: Cell) -> Values:
        """Of a group's cell, and of the cell of all groups."""
        return _quotient(total(cell, self.codes), total(of, self.codes))

    def reads(self, code: int) -> bool:
        return code in map(abs, self.codes)

    def nothing(self) -> Values:
        return self.values({}, {})


@dataclass(frozen=True, slots=True)
class Duration:
    """A sum in ms and a sketch, read in seconds. Count, sum and mean are exact; `estimated` stats are at most
    1 % off, and `None` of a group that keeps no sketches."""

    sum_code: int
    sketch: int
    scale: int = 1000
    estimated = ("min", "max", *PERCENTILES)
    stats = ("mean", "count", "sum", *estimated)
    default = "mean"

    def values(self, cell: Cell) -> Values:
        buckets = {
            code - self.sketch: count
            for code, count in cell.items()
            if self.sketch <= code < self.sketch + WIDTH and count
        }
        count, amount = sum(buckets.values()), cell.get(self.sum_code, 0)
        if count <= 0:
            return {"count": count, **dict.fromkeys((*self.stats[:1], *self.stats[2:]), None)}
        read: Values = {"mean": amount / count / self.scale, "count": count, "sum": amount / self.scale}
        if sketch.ANY in buckets:
            return {**read, **dict.fromkeys(self.estimated, None)}
        read["min"] = self._scaled(sketch.smallest(buckets))
        read["max"] = self._scaled(sketch.largest(buckets))
        for name in PERCENTILES:
            read[name] = self._scaled(sketch.percentile(buckets, int(name[1:]) / 100))
        return read

    def sums(self, cell: Cell) -> Values:
        """What adds up over windows and groups; 0 where nothing is."""
        end = self.sketch + WIDTH
        count = sum(amount for code, amount in cell.items() if self.sketch <= code < end)
        return {"count": count, "sum": cell.get(self.sum_code, 0) / self.scale}

    def reads(self, code: int) -> bool:
        return code == self.sum_code or self.sketch <= code < self.sketch + WIDTH

    def nothing(self) -> Values:
        return self.values({})

    def _scaled(self, value: float | None) -> float | None:
        return None if value is None else value / self.scale


@dataclass(frozen=True, slots=True)
class NetPromoter:
    """100 x (promoters - detractors) / answers."""

    promoters: int
    passives: int
    detractors: int
    stats = ("value", "count", "promoters", "passives", "detractors")
    default = "value"

    def values(self, cell: Cell) -> Values:
        good, neutral, bad = (cell.get(code, 0) for code in (self.promoters, self.passives, self.detractors))
        count = good + neutral + bad
        value = 100 * (good - bad) / count if count else None
        return {"value": value, "count": count, "promoters": good, "passives": neutral, "detractors": bad}

    def reads(self, code: int) -> bool:
        return code in (self.promoters, self.passives, self.detractors)

    def nothing(self) -> Values:
        return self.values({})


@dataclass(frozen=True, slots=True)
class MeanScore:
    """The mean of the answers; `per`: units of the sum that make one point."""

    sum_code: int
    answers: int
    per: int = 1
    stats = ("value", "count")
    default = "value"

    def values(self, cell: Cell) -> Values:
        count = cell.get(self.answers, 0)
        return {"value": cell.get(self.sum_code, 0) / (count * self.per) if count else None, "count": count}

    def reads(self, code: int) -> bool:
        return code in (self.sum_code, self.answers)

    def nothing(self) -> Values:
        return self.values({})


@dataclass(frozen=True, slots=True)
class Level:
    """A state at an instant, and its time average over a window: of several levels together; read by
    query/levels.py."""

    codes: tuple[int, ...]
    stats = ("value", "mean")
    default = "value"

    def reads(self, code: int) -> bool:
        return any(code in (level, level + 1) for level in self.codes)

    def nothing(self) -> Values:
        return {"value": 0, "mean": 0}


@dataclass(frozen=True, slots=True)
class Oldest:
    """Seconds since the earliest member of a level came into it, now; `None` when it is empty."""

    level: int
    stats = ("value",)
    default = "value"

    def reads(self, code: int) -> bool:
        return code == self.level

    def nothing(self) -> Values:
        return {"value": None}


@dataclass(frozen=True, slots=True)
class RatioWithLevel:
    """A ratio over a window whose denominator has a level's value at the window's end added."""

    over: tuple[int, ...]
    under: tuple[int, ...]
    level: int
    stats = ("value", "numerator", "denominator")
    default = "value"

    def values(self, cell: Cell, at_end: Cell) -> Values:
        standing = at_end.get(self.level, 0)
        return _quotient(total(cell, self.over), total(cell, self.under) + standing)

    def reads(self, code: int) -> bool:
        return code in (self.level, *map(abs, (*self.over, *self.under)))

    def nothing(self) -> Values:
        return self.values({}, {})


@dataclass(frozen=True, slots=True)
class LevelShare:
    """Time spent in some levels over time spent in others, over a window; in seconds."""

    over: tuple[int, ...]
    under: tuple[int, ...]
    stats = ("value", "numerator", "denominator")
    default = "value"

    def values(self, spent_ms: dict[int, int]) -> Values:
        """`spent_ms`: the time integral of each level over the window."""
        return _quotient(total(spent_ms, self.over) / 1000, total(spent_ms, self.under) / 1000)

    def reads(self, code: int) -> bool:
        return any(code in (level, level + 1) for level in self.under)

    def nothing(self) -> Values:
        return self.values({})


@dataclass(frozen=True, slots=True)
class Ages:
    """How long ago the members of a level came into it, now: whole hours, rounded down, all of it exact.

    Of those only whose age is in `[from_hours, below_hours)`."""

    level: int
    from_hours: int = 0
    below_hours: int | None = None
    stats = ("mean", "count", "sum", "min", "max", *PERCENTILES)
    default = "mean"

    def values(self, now_ms: int, since_ms: Iterable[int]) -> Values:
        """Of the instants at which they came into it."""
        hours = sorted(age for at in since_ms if self._has(age := max(0, now_ms - at) // HOUR_MS))
        count = len(hours)
        if not count:
            return {"count": 0, **dict.fromkeys((*self.stats[:1], *self.stats[2:]), None)}
        read: Values = {"mean": sum(hours) / count, "count": count, "sum": sum(hours)}
        read["min"], read["max"] = hours[0], hours[-1]
        for name in PERCENTILES:
            read[name] = hours[-(-int(name[1:]) * count // 100) - 1]  # nearest rank: ceil(share x count)
        return read

    def reads(self, code: int) -> bool:
        return code == self.level

    def nothing(self) -> Values:
        return self.values(0, ())

    def _has(self, hours: int) -> bool:
        return self.from_hours <= hours and (self.below_hours is None or hours < self.below_hours)


Formula = (
    Count | Ratio | Share | Duration | NetPromoter | MeanScore
    | Level | Oldest | Ages | RatioWithLevel | LevelShare
)  # fmt: skip


def total(cell: Cell, codes: tuple[int, ...]) -> int:
    """The sum of measures; a negative code is subtracted."""
    return sum(cell.get(code, 0) if code > 0 else -cell.get(-code, 0) for code in codes)


def _quotient(numerator: float, denominator: float) -> Values:
    value = numerator / denominator if denominator else None
    return {"value": value, "numerator": numerator, "denominator": denominator}
