"""Whether a number is what it should be."""

from __future__ import annotations

from typing import Final

from stream.metrics.catalog import Metric
from stream.metrics.targets import target_of
from stream.query.wall_document import State, Target

NEAR: Final = 0.1
"""Missed by at most so much of the target: a warning."""
_NONE: Final = "none"
"""The target of what should not be at all."""


def wanted(metric: Metric, stat: str) -> Target | None:
    """The target of a metric; only its own stat has one."""
    if stat != metric.formula.default:
        return None
    if metric.target == _NONE:
        return Target(text=metric.target, value=0, bound="most")
    number = target_of(metric)
    if number is None:
        return Target(text=metric.target)
    return Target(
        text=metric.target, value=number.value, bound="upper" if number.bound == "upper" else "lower"
    )


def judge(value: float | int | None, target: Target | None) -> State:
    """The state of a value against its target."""
    if value is None or target is None or target.value is None:
        return "none"
    near = NEAR * abs(target.value)
    match target.bound:
        case "lower":
            return "ok" if value >= target.value else "warn" if value >= target.value - near else "bad"
        case "upper":
            return "ok" if value < target.value else "warn" if value < target.value + near else "bad"
        case _:
            return "ok" if value <= target.value else "bad"


def better(by: float, target: Target | None) -> bool | None:
    """Whether a change is for the good; `None` where there is none, or the target has no direction."""
    if not by or target is None or target.bound is None:
        return None
    return (by > 0) == (target.bound == "lower")
