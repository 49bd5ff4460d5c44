"""Samples for Prometheus, family by family."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from stream.store.reports import Histogram

Type = Literal["gauge", "counter", "histogram", "unknown"]
Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Family:
    """The samples of one name."""

    name: str
    help: str
    type: Type
    samples: list[tuple[Labels, float]] = field(default_factory=list)
    histograms: list[tuple[Labels, Histogram]] = field(default_factory=list)


class Families:
    """Families by name, in the order in which they first appear. Names are whole; those of counters end in
    `_total`."""

    def __init__(self) -> None:
        self._by_name: dict[str, Family] = {}

    def __iter__(self) -> Iterator[Family]:
        return iter(self._by_name.values())

    def add(
        self, name: str, help_text: str, labels: Labels, value: float | None, type_: Type = "gauge"
    ) -> None:
        """One sample. `None` is NaN: no data."""
        family = self._by_name.get(name)
        if family is None:
            family = Family(name, help_text, "counter" if name.endswith("_total") else type_)
            self._by_name[name] = family
        family.samples.append((labels, math.nan if value is None else float(value)))

    def add_histogram(self, name: str, help_text: str, labels: Labels, histogram: Histogram) -> None:
        """Observations of which none is ever taken back."""
        family = self._by_name.setdefault(name, Family(name, help_text, "histogram"))
        family.histograms.append((labels, histogram))

    def take(self, others: Families) -> None:
        """All samples of others behind these."""
        for other in others:
            known = self._by_name.setdefault(other.name, Family(other.name, other.help, other.type))
            known.samples += other.samples
            known.histograms += other.histograms
