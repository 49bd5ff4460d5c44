"""The metrics of the catalog in PromQL, by the names under which the exporter has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stream.config import Config
from stream.generate.rules import quoted
from stream.metrics.catalog import Catalog, Metric, catalog_of
from stream.serve.families import Exported, Gauge, Pair, blocks

By = tuple[str, ...]
ALL: Final = ".*"
"""What a variable of a dashboard stands for when nothing is chosen."""


class Vocabulary:
    """What a deployment exports. A metric that it does not export by some dimensions is a KeyError: ask
    `has` first."""

    def __init__(self, config: Config) -> None:
        self.config: Final = config
        self.catalog: Final[Catalog] = catalog_of(config)
        self._exported: dict[tuple[str, By], Exported] = {}
        for block in blocks(self.catalog, config):
            for exported in block.exported:
                self._exported.setdefault((exported.metric.id, block.by), exported)

    def metric(self, metric_id: str) -> Metric:
        """A metric of the catalog."""
        return self.catalog.get(metric_id)

    def has(self, metric_id: str, by: By = ()) -> bool:
        """Whether a metric is exported by these dimensions."""
        return (metric_id, by) in self._exported

    def window(self, metric_id: str, wanted: str, by: By = ()) -> str:
        """The window itself where it is exported, else the first one that is."""
        windows = self._exported[metric_id, by].windows
        return wanted if wanted in windows else windows[0]

    def windows(self, metric_id: str, by: By = ()) -> tuple[str, ...]:
        """The windows by which a metric is exported."""
        return self._exported[metric_id, by].windows

    def values(self, metric_id: str, label: str, by: By = ()) -> tuple[str, ...]:
        """The values of a label that a metric is split by."""
        return tuple(self._exported[metric_id, by].metric.labels[label])

    def gauge(self, metric_id: str, window: str = "", stat: str = "", by: By = (), **match: str) -> str:
        """A gauge of a metric: by default its value (of a duration: its mean). A value of `match` that begins
        with `$` is a variable of a dashboard, one with `~` a regular expression."""
        exported = self._exported[metric_id, by]
        name = _name(exported.gauges, stat or _usual(exported))
        labels = dict(exported.labels)
        if exported.windows:
            labels["window"] = self.window(metric_id, window, by)
        return name + matchers({**labels, **match})

    def pair(self, metric_id: str, stat: str, by: By = (), **match: str) -> tuple[str, str]:
        """The counters of what was added to a stat and what was taken back."""
        exported = self._exported[metric_id, by]
        name = _name(exported.pairs, stat)
        labels = matchers({**dict(exported.labels), **match})
        return f"{name}_total{labels}", f"{name}_retracted_total{labels}"

    def net(
        self, metric_id: str, stat: str, over: str, by: By = (), per: Sequence[str] = (), **match: str
    ) -> str:
        """What a stat has gained over a time, summed by `per`: added less taken back."""
        added, retracted = self.pair(metric_id, stat, by, **match)
        return f"sum{grouped(per)} (increase({added}[{over}]) - increase({retracted}[{over}]))"

    def net_rate(self, metric_id: str, over: str) -> str:
        """How fast a count grows, of all together: added less taken back, smoothed over a time."""
        added, retracted = self.pair(metric_id, "value")
        return f"sum(rate({added}[{over}]) - rate({retracted}[{over}]))"

    def net_ratio(self, metric_id: str, over: str, by: By = (), per: Sequence[str] = (), **match: str) -> str:
        """A ratio of what was gained over a time."""
        return " / ".join(
            self.net(metric_id, part, over, by, per, **match) for part in ("numerator", "denominator")
        )

    def net_mean(self, metric_id: str, over: str, by: By = (), per: Sequence[str] = (), **match: str) -> str:
        """The mean of what was observed over a time."""
        return " / ".join(self.net(metric_id, part, over, by, per, **match) for part in ("sum", "count"))

    def ratio(self, metric_id: str, window: str, by: By, per: Sequence[str] = (), **match: str) -> str:
        """A ratio of several groups together: sums are divided, ratios never averaged."""
        parts = (
            f"sum{grouped(per)} ({self.gauge(metric_id, window, part, by, **match)})"
            for part in ("numerator", "denominator")
        )
        return " / ".join(parts)

    def total(self, metric_id: str, window: str, by: By, per: Sequence[str] = (), **match: str) -> str:
        """A count or level of several groups together."""
        return f"sum{grouped(per)} ({self.gauge(metric_id, window, '', by, **match)})"


def chosen(by: By) -> dict[str, str]:
    """What matches the values that are chosen of dimensions, each a variable of the dashboard."""
    return {name: f"${name}" for name in by}


def number(value: float) -> str:
    """A number as people write it."""
    return f"{value:.12g}"


def grouped(per: Sequence[str]) -> str:
    """The clause of an aggregation."""
    return f" by ({', '.join(per)})" if per else ""


def matchers(labels: dict[str, str]) -> str:
    """A selector's braces."""
    return "{" + ",".join(map(_matcher, labels, labels.values())) + "}" if labels else ""


def _matcher(name: str, value: str) -> str:
    if value.startswith("$"):
        return f'{name}=~"{value}"'
    if value.startswith("~"):
        return f'{name}=~"{value[1:]}"'
    return f"{name}={quoted(value)}"


def _usual(exported: Exported) -> str:
    return "mean" if any(gauge.stat == "mean" for gauge in exported.gauges) else "value"


def _name(series: Sequence[Gauge | Pair], stat: str) -> str:
    return next(one.name for one in series if one.stat == stat)
