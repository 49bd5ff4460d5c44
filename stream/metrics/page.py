"""docs/metrics.md: the catalog as a page for people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from stream.metrics.catalog import Catalog, Kind, Metric

_INTRODUCTION: Final = """\
# Metrics

<!-- Made by `floorcast metrics --format markdown > docs/metrics.md`; a test keeps it current. -->

What each metric counts, who owns it, what it should be and what to do when it is not. `floorcast query ID`
gives its values, `floorcast explain` the history behind one. Targets, owners and next actions are yours to
set under [`metrics` in floorcast.yaml](configuration.md#entries-of-metrics); `floorcast metrics` shows those
in effect.

- **Kinds** say how a metric is computed and which **stats** can be asked; unasked, the first is shown.
- A **ratio** always comes with its numerator and denominator, which add up over groups and windows as
  quotients do not.
- **Empty** is null, neither 0 nor 100 %: a ratio or score of nothing, the mean of no duration. Counts,
  numerators and denominators of nothing are 0.
- **Exact** are counts, sums and means; percentiles (nearest rank), `min` and `max` are at most 1 % off.
- **Windows** are half-open, `[from, to)`, in event time: `today`, `7d` and `month` begin at local midnight
  of the deployment, lengths such as `15m` or `24h` end with the 10 s pane that contains now. A late event
  changes the window it belongs to, also when that is over.
- **Read with**: what is pushed alone is paid for elsewhere. Speed is read with quality.
"""
_KINDS: Final[dict[Kind, str]] = {
    "count": "how many, in a window",
    "ratio": "numerator / denominator, 0 to 1",
    "duration": "a span of time per case, in seconds",
    "distribution": "a number per case",
    "score": "a figure made of answers",
    "level": "a state at an instant, or its time average over a window (`mean`)",
    "gauge": "computed from now when it is read",
}

_FAMILIES: Final = {"selfservice": "Self-service"}


def catalog_markdown(catalog: Catalog) -> str:
    """The page: an introduction, then every metric by family and group."""
    return "\n".join([_INTRODUCTION, *_kinds(catalog), *_families(catalog)])


def _kinds(catalog: Catalog) -> Iterator[str]:
    yield "| kind | is | stats |\n|--|--|--|"
    for kind, meaning in _KINDS.items():
        formulas = [metric.formula for metric in catalog if metric.kind == kind]
        stats = dict.fromkeys(stat for formula in formulas for stat in (formula.default, *formula.stats))
        if formulas:
            yield f"| {kind} | {meaning} | {', '.join(stats)} |"
    yield ""


def _families(catalog: Catalog) -> Iterator[str]:
    for family in dict.fromkeys(metric.family for metric in catalog):
        ours = sorted((metric for metric in catalog if metric.family == family), key=_group)
        for group, metrics in groupby(ours, key=_group):
            yield f"## {_FAMILIES.get(family, family.capitalize())}: {group}\n"
            for metric in metrics:
                yield from _section(metric)


def _group(metric: Metric) -> str:
    return metric.group


def _section(metric: Metric) -> Iterator[str]:
    yield f"### {metric.id}\n"
    yield f"{metric.help}\n"
    unit = "" if metric.unit == metric.kind else f", {metric.unit}"
    yield f"- {metric.kind.capitalize()}{unit}. Owner: {metric.owner}. Target: {metric.target}."
    for label, values in metric.labels.items():
        yield f"- By `{label}`: {', '.join(values)}."
    yield f"- Next action: {metric.next_action}"
    yield f"- Read with: {', '.join(f'[{pair}](#{pair})' for pair in metric.pairs)}.\n"
