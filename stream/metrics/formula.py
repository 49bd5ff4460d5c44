"""How a metric is computed from the measures of merged cells. Ratios keep numerator and denominator to the
end."""

from __future__ import annotations

from dataclasses import dataclass

from stream.lifecycle.delta import Cell
from stream.metrics import sketch
from stream.metrics.sketch import WIDTH

Values = dict[str, float | int | None]
PERCENTILES = ("p50", "p75", "p90", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Count:
    """The sum of some measures."""

    codes: tuple[int, ...]
    stats = ("value",)
    default = "value"

    def values(self, cell: Cell) -> Values:
        return {"value": total(cell, self.codes)}


@dataclass(frozen=True, slots=True)
class Ratio:
    """Sums of measures over sums of measures; a negative code is subtracted. Empty denominator: no value."""

    over: tuple[int, ...]
    under: tuple[int, ...]
    stats = ("value", "numerator", "denominator")
    default = "value"

    def values(self, cell: Cell) -> Values:
        numerator, denominator = total(cell, self.over), total(cell, self.under)
        return {
            "value": numerator / denominator if denominator else None,
            "numerator": numerator,
            "denominator": denominator,
        }


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
        numerator, denominator = total(cell, self.codes), total(of, self.codes)
        value = numerator / denominator if denominator else None
        return {"value": value, "numerator": numerator, "denominator": denominator}


@dataclass(frozen=True, slots=True)
class Duration:
    """A sum in ms and a sketch, read in seconds. Mean and sum are exact, the others at most 1 % off."""

    sum_code: int
    sketch: int
    scale: int = 1000
    stats = ("mean", "count", "sum", "min", "max", *PERCENTILES)
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
        read["min"] = self._scaled(sketch.smallest(buckets))
        read["max"] = self._scaled(sketch.largest(buckets))
        for name in PERCENTILES:
            read[name] = self._scaled(sketch.percentile(buckets, int(name[1:]) / 100))
        return read

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


@dataclass(frozen=True, slots=True)
class Level:
    """A state at an instant, and its time average over a window; read by query/levels.py."""

    code: int
    stats = ("value", "mean")
    default = "value"


@dataclass(frozen=True, slots=True)
class Oldest:
    """Seconds since the earliest member of a level came into it, now; `None` when it is empty."""

    level: int
    stats = ("value",)
    default = "value"


Formula = Count | Ratio | Share | Duration | NetPromoter | MeanScore | Level | Oldest


def total(cell: Cell, codes: tuple[int, ...]) -> int:
    """The sum of measures; a negative code is subtracted."""
    return sum(cell.get(code, 0) if code > 0 else -cell.get(-code, 0) for code in codes)
