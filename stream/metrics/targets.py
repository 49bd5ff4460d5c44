"""The numbers in the catalog's targets: `at least 80 %` -> 0.8, a lower bound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from stream.metrics.catalog import Metric

_SCALES: Final = {"%": 0.01, "s": 1, "min": 60, "h": 3600, "": 1}
_TARGET = re.compile(r"(?:mean )?(at least|above|under) ([0-9]+(?:\.[0-9]+)?)(?: (%|s|min|h))?")


@dataclass(frozen=True, slots=True)
class Target:
    """A number in the metric's unit (ratios 0 to 1, seconds); `bound` is `lower` or `upper`."""

    value: float
    bound: str


def target_of(metric: Metric) -> Target | None:
    """The number of a metric's target, or `None` where the target is no fixed number."""
    match = _TARGET.fullmatch(metric.target)
    if match is None:
        return None
    words, amount, unit = match.groups()
    return Target(float(amount) * _SCALES[unit or ""], "upper" if words == "under" else "lower")
