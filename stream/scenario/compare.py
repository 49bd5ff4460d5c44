"""Is a number the one that was written? Compared in integers, never as floats.

Counts are integers, sums whole milliseconds, so `count`, `sum`, `numerator`, ... must be equal. A quotient
(mean, ratio, score) is known exactly as sum over count; it may be written rounded, in seconds to the
millisecond or finer (0.333), else to at least 9 places (0.333333333). Read from sketches, percentiles, `min`
and `max` match within 1 %.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

from stream.metrics.catalog import Metric
from stream.metrics.formula import Level, MeanScore, NetPromoter, Values
from stream.query.model import Answer

WITHIN: Final = ("min", "max", "p50", "p75", "p90", "p95", "p99")
_PLACES: Final = 9


def same(metric: Metric, stat: str, expected: float | None, values: Values, answer: Answer) -> bool:
    """Whether a stat of a row of the answer is what was expected."""
    actual = values.get(stat)
    if expected is None or actual is None:
        return expected is None and actual is None
    written = Decimal(repr(expected))
    if stat in WITHIN:
        # From a value of 1 % less to one of 1 % more; the bound itself is one.
        return 100 * abs(Fraction(actual) - Fraction(written)) <= abs(Fraction(written)) + Fraction(1, 10**6)
    value, quotient = exact(metric, stat, values, answer)
    if not quotient:
        return value == Fraction(written)
    places = max(3 if metric.unit == "seconds" else _PLACES, -int(written.as_tuple().exponent))
    if 2 * abs(value - Fraction(written)) <= Fraction(1, 10**places):
        return True
    return float(value) == expected  # all 17 digits


def exact(metric: Metric, stat: str, values: Values, answer: Answer) -> tuple[Fraction, bool]:
    """The number behind a float that was computed from integers, and whether it is a quotient."""
    formula, actual = metric.formula, values[stat]
    assert actual is not None
    if stat == "value" and "denominator" in values:
        return _thousandths(values["numerator"]) / _thousandths(values["denominator"]), True
    if stat == "mean" and "sum" in values:
        return _thousandths(values["sum"]) / _whole(values["count"]), True
    if isinstance(formula, NetPromoter) and stat == "value":
        balance = _whole(values["promoters"]) - _whole(values["detractors"])
        return Fraction(100 * balance, _whole(values["count"])), True
    if isinstance(formula, MeanScore) and stat == "value":
        parts = _whole(values["count"]) * formula.per
        return Fraction(round(Fraction(actual) * parts), parts), True
    if isinstance(formula, Level) and stat == "mean" and answer.from_ms is not None:
        length = answer.to_ms - answer.from_ms
        return Fraction(round(Fraction(actual) * length), length), True
    return _thousandths(actual), False


def _thousandths(value: float | int | None) -> Fraction:
    """A count, or a sum of whole milliseconds in seconds."""
    return Fraction(round(Fraction(value or 0) * 1000), 1000)


def _whole(value: float | int | None) -> int:
    return round(value or 0)
