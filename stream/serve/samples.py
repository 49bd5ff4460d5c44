"""Values of a metric -> samples for Prometheus: the names of each kind, and groups put into `other`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stream.metrics.catalog import Metric
from stream.metrics.formula import PERCENTILES, Values

Labels = tuple[tuple[str, str], ...]
OTHER = "other"


@dataclass(slots=True)
class Family:
    """The samples of one name."""

    name: str
    help: str
    samples: list[tuple[Labels, float]] = field(default_factory=list)


class Families:
    """Families by name, in the order in which they first appear."""

    def __init__(self) -> None:
        self._by_name: dict[str, Family] = {}

    def __iter__(self) -> Iterator[Family]:
        return iter(self._by_name.values())

    def add(self, name: str, help_text: str, labels: Labels, value: float | None) -> None:
        """One sample. `None` is NaN: no data."""
        family = self._by_name.setdefault(name, Family(name, help_text))
        family.samples.append((labels, math.nan if value is None else float(value)))

    def add_values(self, name: str, metric: Metric, labels: Labels, values: Values) -> None:
        """The samples of one row of a metric."""
        words = metric.help
        if metric.kind == "ratio":
            self.add(f"{name}_ratio", words, labels, values["value"])
            self.add(f"{name}_numerator", f"Numerator of {name}_ratio.", labels, values["numerator"])
            self.add(f"{name}_denominator", f"Denominator of {name}_ratio.", labels, values["denominator"])
        elif metric.kind in ("duration", "distribution"):
            for stat in PERCENTILES if "p50" in values else ():
                quantile = ("quantile", f"0.{stat[1:].rstrip('0')}")
                self.add(name, f"{words} Quantiles, at most 1 % off.", (quantile, *labels), values[stat])
            self.add(f"{name}_mean", f"{words} The mean, exact.", labels, values["mean"])
            self.add(f"{name}_samples", f"How many {name} is made of.", labels, values["count"])
        elif metric.kind == "score":
            self.add(name, words, labels, values["value"])
            self.add(f"{name}_answers", f"Answers that {name} is made of.", labels, values["count"])
        else:
            self.add(name, words, labels, values["value"])


def put_together(metric: Metric, rows: Iterable[Values]) -> Values:
    """The values of several groups as one, without quantiles: those cannot be put together from values."""
    parts = list(rows)
    if metric.kind == "ratio":
        over, under = _sum(parts, "numerator"), _sum(parts, "denominator")
        return {"value": over / under if under else None, "numerator": over, "denominator": under}
    if metric.kind in ("duration", "distribution"):
        count, amount = _sum(parts, "count"), _sum(parts, "sum")
        return {"mean": amount / count if count else None, "count": count}
    if metric.id == "nps":
        good, bad, count = _sum(parts, "promoters"), _sum(parts, "detractors"), _sum(parts, "count")
        return {"value": 100 * (good - bad) / count if count else None, "count": count}
    if metric.kind == "gauge":
        return {
            "value": max((values["value"] for values in parts if values["value"] is not None), default=None)
        }
    return {"value": _sum(parts, "value")}


def _sum(parts: list[Values], stat: str) -> float:
    return sum(values[stat] or 0 for values in parts)
