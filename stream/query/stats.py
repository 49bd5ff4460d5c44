"""Which stats of a metric an answer shows."""

from __future__ import annotations

from collections.abc import Sequence

from stream.metrics.catalog import Metric
from stream.metrics.formula import Duration, Level, Ratio, Share
from stream.query.model import QueryError

_BESIDE = ("numerator", "denominator")


def chosen_stats(metric: Metric, asked: Sequence[str], windowed: bool) -> tuple[str, ...]:
    """The stats asked for, or the default; a ratio's always with its parts. `QueryError`: no such stat."""
    offered = metric.formula.stats
    for stat in asked:
        if stat not in offered:
            raise QueryError(f"{metric.id} has no {stat!r}; it offers {', '.join(offered)}")
        if stat == "mean" and isinstance(metric.formula, Level) and not windowed:
            raise QueryError(
                f"the mean of {metric.id} is its average over a window: ask with --window or --from and --to"
            )
    beside = _BESIDE if isinstance(metric.formula, Ratio | Share) else ()
    return tuple(dict.fromkeys((*(asked or (metric.formula.default,)), *beside)))


def wants_sketches(metric: Metric, stats: Sequence[str]) -> bool:
    """Whether any of the stats is read from a sketch, so that only groupings that keep these can tell it."""
    formula = metric.formula
    return isinstance(formula, Duration) and any(stat in formula.estimated for stat in stats)
