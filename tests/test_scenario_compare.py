"""What is expected of a number is compared in integers; a quotient may be written rounded, within limits."""

import pytest

from stream.metrics.catalog import load_catalog
from stream.metrics.formula import Values
from stream.query.model import Answer
from stream.scenario.compare import same

CATALOG = load_catalog()
WINDOW = Answer([], 0, 3_600_000, 0)


def seconds(sum_ms: int, count: int) -> Values:
    """The values of a duration."""
    return {"sum": sum_ms / 1000, "count": count, "mean": sum_ms / count / 1000, "p50": 100.0}


@pytest.mark.parametrize(
    ("stat", "expected", "holds"),
    [
        ("sum", 10, True),
        ("sum", 10.001, False),
        ("sum", 10.0001, False),
        ("count", 3, True),
        ("count", 4, False),
        ("mean", 3.333, True),
        ("mean", 3.33333, True),
        ("mean", 3.3333333333333335, True),
        ("mean", 3.33, False),
        ("mean", 3.334, False),
        ("mean", 3.3334, False),
        ("mean", None, False),
        ("p50", 101, True),
        ("p50", 99.01, True),
        ("p50", 101.1, False),
    ],
)
def test_durations(stat: str, expected: float | None, holds: bool) -> None:
    """Sums are whole milliseconds and equal; a mean is rounded to the millisecond, or to the places written;
    percentiles are within 1 %."""
    metric = CATALOG.get("first_response_time")
    assert same(metric, stat, expected, seconds(10_000, 3), WINDOW) is holds


def test_a_mean_that_is_a_millisecond_off_in_the_sum() -> None:
    """A third of a millisecond is below what a mean tells; the sum tells it."""
    metric = CATALOG.get("first_response_time")
    assert same(metric, "mean", 8100, seconds(24_300_001, 3), WINDOW)
    assert not same(metric, "sum", 24_300, seconds(24_300_001, 3), WINDOW)
    assert not same(metric, "mean", 8100, seconds(24_300_003, 3), WINDOW)


@pytest.mark.parametrize(
    ("expected", "holds"),
    [(0.666666667, True), (0.6666666667, True), (2 / 3, True), (0.67, False), (0.666666666, False)],
)
def test_ratios(expected: float, holds: bool) -> None:
    """To nine places, or as many as are written."""
    values: Values = {"value": 2 / 3, "numerator": 2, "denominator": 3}
    assert same(CATALOG.get("csat"), "value", expected, values, WINDOW) is holds


@pytest.mark.parametrize(("expected", "holds"), [(0.250000278, True), (0.25, False), (0.2500003, False)])
def test_averages_of_levels(expected: float, holds: bool) -> None:
    """The time integral over the window's length: 900,001 ticket milliseconds in an hour are no quarter."""
    values: Values = {"value": 1, "mean": 900_001 / 3_600_000}
    assert same(CATALOG.get("backlog"), "mean", expected, values, WINDOW) is holds


@pytest.mark.parametrize(
    ("expected", "actual", "holds"), [(None, None, True), (0, None, False), (None, 0, False)]
)
def test_no_data_is_no_number(expected: float | None, actual: float | None, holds: bool) -> None:
    """`null` is null, and never 0."""
    values: Values = {"value": actual, "numerator": 0, "denominator": 0}
    assert same(CATALOG.get("csat"), "value", expected, values, WINDOW) is holds
