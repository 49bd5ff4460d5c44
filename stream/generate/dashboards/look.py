"""What a number looks like on a dashboard: its unit, its thresholds from the target, its meaning in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units

from stream.generate.vocabulary import Vocabulary
from stream.metrics.catalog import Metric
from stream.query.wall_document import Target
from stream.query.wall_judge import NEAR, wanted

GREEN: Final = "green"
YELLOW: Final = "yellow"
RED: Final = "red"
PLAIN: Final = "text"

Steps = tuple[tuple[float | None, str], ...]
"""From which value on a number has a colour; the first begins at minus infinity, `None`."""
NO_STEPS: Final[Steps] = ((None, PLAIN),)
PER_SECOND: Final = units.CountsPerSecond
COUNT: Final = units.Short
SECONDS: Final = units.Seconds
SHARE: Final = units.PercentUnit
BYTES: Final = units.BytesIEC


@dataclass(frozen=True, slots=True)
class Look:
    """Title, meaning, unit and thresholds of a panel or column."""

    title: str
    words: str
    unit: str
    steps: Steps = NO_STEPS

    def judged(self) -> bool:
        """Whether it has thresholds."""
        return len(self.steps) > 1

    def unjudged(self) -> Look:
        """The same without thresholds: what else is in the panel has other targets."""
        return replace(self, steps=NO_STEPS)


def look_of(words: Vocabulary, metric_id: str, title: str, stat: str = "", note: str = "") -> Look:
    """The look of a metric; `stat` is what is shown of it, unless its own. `note` is what else to say."""
    metric = words.metric(metric_id)
    target = wanted(metric, stat or metric.formula.default)
    return Look(title, _meaning(metric, note), _unit(metric, stat), steps_of(target, _scale(metric)))


def steps_of(target: Target | None, scale: int = 1) -> Steps:
    """Green on target, yellow when missed by a tenth, red beyond: as on the wallboards. What is shown is
    `scale` times what is in the metric's unit."""
    if target is None or target.value is None:
        return NO_STEPS
    value = target.value * scale
    near = NEAR * abs(value)
    match target.bound:
        case "lower":
            return ((None, RED), (_round(value - near), YELLOW), (_round(value), GREEN))
        case "upper":
            return ((None, GREEN), (_round(value), YELLOW), (_round(value + near), RED))
        case _:
            return ((None, GREEN), (_round(value) + 1, RED))


def thresholds(steps: Steps) -> build.ThresholdsConfig:
    """Steps as Grafana has them."""
    found = [model.Threshold(value, color) for value, color in steps]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(found)


def _round(value: float) -> float:
    return float(f"{value:.12g}")


def _meaning(metric: Metric, note: str) -> str:
    lines = [
        metric.help,
        f"Owner: {metric.owner}. Target: {metric.target}.",
        f"Next action: {metric.next_action}",
        f"Read with: {', '.join(metric.pairs)}.",
    ]
    return "\n\n".join([note, *lines] if note else lines)


def _scale(metric: Metric) -> int:
    # Hours are exported in seconds.
    return 3600 if metric.unit == "hours" else 1


def _unit(metric: Metric, stat: str) -> str:
    if stat in ("count", "numerator", "denominator"):
        return COUNT
    if metric.kind == "ratio":
        return SHARE
    return SECONDS if metric.unit in ("seconds", "hours") else COUNT
