"""The catalog: every metric with what people need to act on it. Adding one is an entry here, a few lines of
fold and a test.

What each id counts is fixed by the contract's catalog; the entries of a family are in catalog_<family>.py.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from stream.config import Config, MetricConfig
from stream.config.history import warn_levels
from stream.metrics.formula import Formula

Kind = Literal["count", "ratio", "duration", "distribution", "score", "level", "gauge"]
Group = Literal["experience", "speed", "quality", "operational"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: `formula` over the measures of `family`, in `unit`, with owner, target and next action.

    `pairs` are the metrics to read it with: what is pushed alone is paid for elsewhere, speed by quality.
    `labels` are what can be asked beside the segments: label -> value -> the formula for it. `always_by` are
    labels by which an answer is split even when nobody asks, because its values must not be mixed. `also` are
    other families that the formula reads, their codes as `measures.elsewhere` gives them; `fed_by` those that
    tell them facts, so that a number is as fresh as these. `crossed`: labels may be asked together, and what
    is meant is what their formulas, all of them levels, have in common.
    """

    id: str
    kind: Kind
    unit: str
    group: Group
    family: str
    formula: Formula
    help: str
    owner: str
    target: str
    next_action: str
    pairs: tuple[str, ...]
    labels: Mapping[str, Mapping[str, Formula]] = field(default_factory=dict)
    always_by: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    fed_by: tuple[str, ...] = ()
    crossed: bool = False


class UnknownMetric(KeyError):
    """No metric of that id; the message names the nearest."""

    def __str__(self) -> str:
        return str(self.args[0])


class Catalog:
    """All metrics by id, in the order in which they are listed."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = {metric.id: metric for metric in metrics}

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._metrics.values())

    def __contains__(self, metric_id: object) -> bool:
        return metric_id in self._metrics

    def ids(self) -> tuple[str, ...]:
        """Every id, in that order."""
        return tuple(self._metrics)

    def get(self, metric_id: str) -> Metric:
        """The metric of an id, or `UnknownMetric`."""
        found = self._metrics.get(metric_id)
        if found is None:
            near = difflib.get_close_matches(metric_id, self._metrics, 1)
            hint = f"; did you mean {near[0]}?" if near else "; `floorcast metrics` lists them"
            raise UnknownMetric(f"there is no metric {metric_id!r}{hint}")
        return found


def catalog_of(config: Config) -> Catalog:
    """The catalog of a deployment."""
    return load_catalog(config.metrics, warn_levels(config))


def load_catalog(agreed: Mapping[str, MetricConfig] | None = None, levels: Sequence[str] = ()) -> Catalog:
    """The catalog of this version, with the targets, owners and next actions of `Config.metrics` and the
    warning levels of its policies."""
    from stream.metrics import (
        catalog_agents,
        catalog_calls,
        catalog_contacts,
        catalog_selfservice,
        catalog_sla,
        catalog_surveys,
        catalog_tickets,
    )

    families = (
        catalog_tickets,
        catalog_contacts,
        catalog_calls,
        catalog_surveys,
        catalog_selfservice,
        catalog_agents,
    )
    metrics = [metric for family in families for metric in family.METRICS]
    metrics += catalog_sla.metrics(levels)
    return Catalog([_with(metric, (agreed or {}).get(metric.id, MetricConfig())) for metric in metrics])


def _with(metric: Metric, agreed: MetricConfig) -> Metric:
    return replace(
        metric,
        target=agreed.target or metric.target,
        owner=agreed.owner or metric.owner,
        next_action=agreed.next_action or metric.next_action,
    )
