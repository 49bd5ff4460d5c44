"""Which groups have most: they keep rows of their own, the others are read as one (query/grouping.py)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from stream.metrics.formula import Values
from stream.metrics.segments import in_order
from stream.query.grouping import By
from stream.query.model import Row


def weight(values: Values) -> float:
    """How much a group has: a ratio's denominator, how many were observed or answered, else the value."""
    for stat in ("denominator", "count", "value"):
        if stat in values:
            return values[stat] or 0
    return 0


def top_groups(rows: Iterable[Row], by: Sequence[str], top: int) -> frozenset[By]:
    """The `top` groups by weight (of all labels together), ties by name."""
    weights: defaultdict[By, float] = defaultdict(float)
    for row in rows:
        weights[tuple(row.by[name] for name in by)] += weight(row.values)
    ranked = sorted(weights, key=lambda group: (-weights[group], in_order(group)))
    return frozenset(ranked[:top])
