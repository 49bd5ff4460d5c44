"""Values as people read them."""

from __future__ import annotations

from stream.metrics.catalog import Metric
from stream.metrics.formula import Values

NOTHING = "-"
_AMOUNTS = ("count", "numerator", "denominator", "promoters", "passives", "detractors")


def number(metric: Metric, values: Values, stat: str) -> str:
    """One stat of a metric with its unit: `82.7 %`, `2h 31m`, `31,359`; `-` where there is no data."""
    value = values.get(stat)
    if value is None:
        return NOTHING
    if stat in _AMOUNTS:
        return f"{value:,.0f}"
    if metric.unit == "seconds":
        return span(float(value))
    if metric.unit == "ratio":
        return f"{100 * value:.1f} %"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def change(metric: Metric, stat: str, by: float | int | None, relative: float | None) -> str:
    """How far a stat has moved, with its sign: `+12 (+8 %)`, `-1.4 points`."""
    if by is None:
        return NOTHING
    sign = "-" if by < 0 else "+" if by > 0 else ""
    if metric.unit == "ratio" and stat not in _AMOUNTS:
        return f"{sign}{100 * abs(by):.1f} points"
    words = f"{sign}{number(metric, {stat: abs(by)}, stat)}"
    return words if relative is None else f"{words} ({100 * relative:+.0f} %)"


def span(seconds: float) -> str:
    """A length of time in its two largest units."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if whole < 3600:
        return f"{minutes}m {whole % 60:02}s"
    if whole < 86_400:
        return f"{hours}h {minutes % 60:02}m"
    return f"{days}d {hours % 24:02}h"


def age(milliseconds: int | None) -> str:
    """How fresh a number is."""
    return "never" if milliseconds is None else span(milliseconds / 1000)
