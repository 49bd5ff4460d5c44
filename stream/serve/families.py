"""What `/metrics` calls the metrics of the catalog, as data; docs/prometheus-names.md is made from it.

Names follow from the catalog: the stem is the metric's id without `_time` or `_rate`, unless `_STEMS` or
`_LABELLED` says otherwise, and each kind has its endings. Groups have names of their own, so that a sum over
a name never counts twice. A ratio never goes without its numerator and denominator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from stream.config.exporter import USUAL
from stream.config.model import Config
from stream.metrics.catalog import Catalog, Metric
from stream.metrics.formula import PERCENTILES, Ages
from stream.query.query import reads_of
from stream.serve.samples import Labels, Type

PREFIX: Final = "support_"
OTHER: Final = "other"
"""The group of all that have no series of their own."""

_STEMS: Final[dict[str, str]] = {
    "ticket_volume": "tickets_created",
    "first_response_time": "frt",
    "first_response_time_business": "frt_business",
    "first_response_time_any": "frt_any",
    "first_contact_resolution": "fcr",
    "first_contact_resolution_7d": "fcr_7d",
    "channel_share": "contacts",
    "backlog_age": "tickets_backlog_age",
    "oldest_unanswered_age": "tickets_oldest_unanswered",
    "longest_wait": "calls_longest_wait",
    "answer_rate": "answered",
    "call_talk_time": "talk",
    "call_hold_time": "hold",
    "call_wrapup_time": "wrapup",
    "call_handle_time": "handle",
    "nps": "nps_score",
    "ces": "ces_mean",
    "article_helpful_rate": "articles_helpful",
}
"""Where people expect another name than the id's."""

_SHARED: Final[dict[str, tuple[str, str, dict[str, str]]]] = {
    "tickets_backlog": (
        "definition",
        "Tickets that are not resolved, by definition of the backlog.",
        {
            "backlog": "all",
            "backlog_unanswered": "unanswered",
            "backlog_unassigned": "unassigned",
            "backlog_pending": "pending",
            "backlog_older_than_24h": "older_than_24h",
            "backlog_past_sla": "past_sla",
            "backlog_stale": "stale",
        },
    ),
    "abandonment": (
        "method",
        "Calls abandoned / all outcomes, with (raw) or without (excl_short) short abandons.",
        {"abandonment_rate": "excl_short", "abandonment_rate_raw": "raw"},
    ),
    "service_level": (
        "method",
        "Calls answered within the threshold / those that count, by method.",
        {
            "service_level": "excl_abandon_in_threshold",
            "service_level_all_success": "all_success",
            "service_level_answered_only": "answered_only",
            "service_level_offered": "offered",
            "service_level_short_success": "short_success",
            "service_level_excl_short": "excl_short",
        },
    ),
}
"""Stem -> the label that tells apart ways of counting the same thing, its help, and metric -> value."""

_LABELLED: Final[dict[str, tuple[str, ...]]] = {
    "calls_abandoned": ("stage",),
    "agents": ("state",),
    "ces": ("polarity",),
    "sla_breaches": ("clock",),
    "sla_compliance": ("clock",),
    "sla_running": ("clock",),
    "sla_at_risk": ("clock", "level"),
}
"""The labels of a metric that are labels here. `calls_offered` is of inbound calls, as everywhere."""

ONLY_BY_GROUP: Final[dict[str, str]] = {
    "channel_share": "of all channels together it is always 1: exported by `channel`",
}
NO_COUNTERS: Final[dict[str, str]] = {
    "service_level_floor": "its denominator has calls that wait now, which do not add up over time",
    "backlog_age": "it is of now, as the backlog itself is",
}
"""Metrics without what others of their kind have, and why."""

_BY_GROUP: Final[dict[str, tuple[str, ...]]] = {
    "tickets": (
        "ticket_volume", "tickets_resolved", "tickets_reopened", "first_response_time", "next_response_time",
        "resolution_time", "full_resolution_time", "first_contact_resolution", "reopen_rate",
        "escalation_rate", "automation_rate", "backlog", "backlog_unanswered", "backlog_past_sla",
        "oldest_unanswered_age", "sla_breaches", "sla_compliance", "sla_running", "sla_at_risk",
        "channel_share",
    ),
    "calls": (
        "calls_waiting", "longest_wait", "calls_offered", "calls_answered", "calls_abandoned", "answer_rate",
        "abandonment_rate", "service_level", "service_level_floor", "call_wait_time", "call_handle_time",
    ),
    "surveys": ("csat", "nps", "ces_ease", "qa_score", "survey_response_rate"),
    "selfservice": ("selfservice_sessions", "selfservice_success_rate", "article_helpful_rate"),
    "agents": ("agents", "occupancy"),
    "contacts": ("repeat_contact_rate",),
}  # fmt: skip
"""What is exported by group: what people compare groups by. All of it would be many times as many series."""
_ONE_DIMENSION: Final[dict[str, tuple[str, ...]]] = {
    "article": ("article_helpful_rate",),
    "kind": ("survey_response_rate",),
}
"""Dimensions of one metric alone."""
_RANKS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "tickets": (("ticket_volume", "7d"), ("backlog", ""), ("channel_share", "7d")),
    "calls": (("calls_offered", "7d"), ("calls_waiting", "")),
    "surveys": (("survey_response_rate", "28d"), ("csat", "28d"), ("nps", "28d")),
    "selfservice": (("selfservice_sessions", "7d"), ("article_helpful_rate", "28d")),
    "agents": (("occupancy", "7d"), ("agents", "")),
    "contacts": (("repeat_contact_rate", "7d"),),
}
"""By which metrics over which windows the groups of a family are ranked: those with most have series. Places
that are left go to those with most of the next one: it may be that of surveys only answers are told, and a
channel may have calls and no tickets."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A series of a stat. `scale`: what the stat is multiplied by to be in the name's unit."""

    name: str
    stat: str
    help: str
    type: Type = "gauge"
    scale: int = 1


@dataclass(frozen=True, slots=True)
class Pair:
    """Counters of a stat that adds up: `<name>_total` and `<name>_retracted_total`."""

    name: str
    stat: str
    help: str


@dataclass(frozen=True, slots=True)
class Exported:
    """A metric of the catalog under names of Prometheus. `windows`: empty for what is of now.

    `by`: the dimensions of a group; `labels` tell apart metrics that share a name; `split` are labels of the
    metric with the names that they have here.
    """

    metric: Metric
    gauges: tuple[Gauge, ...]
    pairs: tuple[Pair, ...] = ()
    windows: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    labels: Labels = ()
    split: tuple[tuple[str, str], ...] = ()

    def label_names(self) -> tuple[str, ...]:
        """In the order in which samples have them, but for `window` and `quantile`."""
        return (*self.by, *(name for name, _ in self.labels), *(name for _, name in self.split))


@dataclass(frozen=True, slots=True)
class Block:
    """What is exported of one family by one grouping; `by` is empty for the whole."""

    family: str
    by: tuple[str, ...]
    exported: tuple[Exported, ...]


def blocks(catalog: Catalog, config: Config) -> list[Block]:
    """Everything that a deployment exports of its catalog, the whole of each family before its groups."""
    found = []
    for family in dict.fromkeys(metric.family for metric in catalog):
        found.append(Block(family, (), tuple(_whole(catalog, config, family))))
        for by in groupings_of(config, family):
            found.append(Block(family, by, tuple(_grouped(catalog, config, family, by))))
    return [block for block in found if block.exported]


def groupings_of(config: Config, family: str) -> tuple[tuple[str, ...], ...]:
    """The groupings by which a family is exported."""
    asked: tuple[tuple[str, ...], ...] | None = getattr(config.exporter.groupings, family)
    if asked is not None:
        return asked
    return tuple(by for by in USUAL[family] if config.groupings.holds(family, by))


def ranks_of(block: Block) -> tuple[tuple[str, str], ...]:
    """The metrics and windows by which the groups of a block are ranked: of those that it exports."""
    exported = {one.metric.id for one in block.exported}
    return tuple((metric, window) for metric, window in _RANKS[block.family] if metric in exported)


def values_of(exported: Exported) -> Iterator[tuple[Labels, dict[str, str]]]:
    """The values of the labels that a metric is split by: as labels here, and as what is asked for."""
    found: list[tuple[Labels, dict[str, str]]] = [(exported.labels, {})]
    for label, name in exported.split:
        found = [
            ((*labels, (name, value)), {**asked, label: value})
            for labels, asked in found
            for value in exported.metric.labels[label]
        ]
    yield from found


def _whole(catalog: Catalog, config: Config, family: str) -> Iterator[Exported]:
    for metric in catalog:
        if metric.family == family and metric.id not in ONLY_BY_GROUP:
            yield _exported(metric, getattr(config.exporter.windows, family), ())
        if metric.id == "backlog_age" and metric.family == family:
            gauge = Gauge(f"{PREFIX}tickets_backlog_by_age", "count", "Tickets of the backlog by their age.")
            yield Exported(metric, (gauge,), split=(("le", "age"),))


def _grouped(catalog: Catalog, config: Config, family: str, by: tuple[str, ...]) -> Iterator[Exported]:
    for metric_id in _BY_GROUP[family]:
        if _fits(metric_id, by):
            windows = getattr(config.exporter.group_windows, family)
            yield from _answered(_exported(catalog.get(metric_id), windows, by), config)


def _fits(metric_id: str, by: tuple[str, ...]) -> bool:
    """Whether a metric says something by these dimensions."""
    if metric_id == "channel_share":
        return by == ("channel",)
    return all(metric_id in _ONE_DIMENSION.get(name, (metric_id,)) for name in by)


def _answered(exported: Exported, config: Config) -> Iterator[Exported]:
    """What of a metric can be asked by a grouping: a family that it also reads may not be kept by it."""
    missing = [other for other in exported.metric.also if not config.groupings.holds(other, exported.by)]
    if not missing:
        yield exported
    elif exported.split:
        ((label, _), *_) = exported.split
        formulas = exported.metric.labels[label]
        kept = {
            value: formula
            for value, formula in formulas.items()
            if not any(reads_of(formula, other) for other in missing)
        }
        yield replace(
            exported, metric=replace(exported.metric, labels={**exported.metric.labels, label: kept})
        )


def _exported(metric: Metric, windows: tuple[str, ...], by: tuple[str, ...]) -> Exported:
    stem, labels, words = _named(metric)
    name = PREFIX + "_".join((*by, stem))
    split = tuple((label, label) for label in _LABELLED.get(metric.id, ()))
    gauges, pairs = _series(name, metric, words)
    now = metric.kind in ("level", "gauge") or isinstance(metric.formula, Ages)
    counters = () if metric.id in NO_COUNTERS else tuple(pairs)
    return Exported(metric, tuple(gauges), counters, () if now else windows, by, labels, split)


def _named(metric: Metric) -> tuple[str, Labels, str]:
    """The stem of a metric, the labels that tell it apart, and its help."""
    for stem, (label, words, values) in _SHARED.items():
        if metric.id in values:
            return stem, ((label, values[metric.id]),), words
    usual = metric.id.removesuffix("_time").removesuffix("_rate")
    return _STEMS.get(metric.id, usual), (), metric.help


def _series(name: str, metric: Metric, words: str) -> tuple[list[Gauge], list[Pair]]:
    """The series of a metric by its kind."""
    if metric.kind == "count":
        return (
            [Gauge(f"{name}_in_window", "value", words)],
            [Pair(name, "value", words)],
        )
    if metric.kind == "ratio":
        parts = ("numerator", "denominator")
        beside = [Gauge(f"{name}_ratio_{part}", part, f"The {part} of {name}_ratio.") for part in parts]
        pairs = [
            Pair(f"{name}_{part}", part, f"What adds up to the {part} of {name}_ratio.") for part in parts
        ]
        return [Gauge(f"{name}_ratio", "value", words), *beside], pairs
    if metric.kind in ("duration", "distribution"):
        return _observed(name, metric, words)
    if metric.kind == "score":
        answers = f"Answers that {name} is made of."
        gauges = [Gauge(name, "value", words), Gauge(f"{name}_answers", "count", answers)]
        return gauges, [Pair(f"{name}_samples", "count", answers)]
    unit = "_seconds" if metric.unit == "seconds" else ""
    return [Gauge(f"{name}{unit}", "value", words)], []


def _observed(name: str, metric: Metric, words: str) -> tuple[list[Gauge], list[Pair]]:
    # Hours are no base unit of Prometheus.
    unit, scale = ("seconds", 3600) if metric.unit == "hours" else (metric.unit, 1)
    whole = f"{name}_{unit}"
    estimated = "" if isinstance(metric.formula, Ages) else " Quantiles, at most 1 % off."
    # By Prometheus' rules only a summary's series have quantiles, and that has a sum and a count that grow.
    gauges = [Gauge(whole, "quantile", f"{words}{estimated}", "unknown", scale)]
    gauges.append(Gauge(f"{whole}_mean", "mean", f"The mean of {whole}, exact.", scale=scale))
    gauges.append(Gauge(f"{whole}_samples", "count", f"How many {whole} is made of."))
    added = f"What adds up to the sum of {whole}."
    return gauges, [
        Pair(f"{name}_sum_{unit}", "sum", added),
        Pair(f"{name}_samples", "count", f"What adds up to {whole}_samples."),
    ]


QUANTILES: Final[Mapping[str, str]] = {stat: f"0.{stat[1:].rstrip('0')}" for stat in PERCENTILES}
"""Stat -> the label `quantile`."""
