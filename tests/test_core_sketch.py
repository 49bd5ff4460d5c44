"""Distributions in fixed buckets: at most 1 % off, and they merge by addition."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from stream.metrics.sketch import BOUNDS, LARGEST, LAST, WIDTH, bucket, largest, middle, percentile, smallest

values = st.integers(0, 300) | st.integers(0, 10_000_000) | st.integers(0, LARGEST)
SHARES = (0.5, 0.75, 0.9, 0.95, 0.99)


def near(read: float | None, value: int) -> bool:
    """At most 1 % off."""
    return read is not None and abs(read - value) <= 0.01 * value


def sketched(given_values: list[int]) -> Counter[int]:
    """How many fall in each bucket."""
    return Counter(bucket(value) for value in given_values)


@given(values)
def test_a_bucket_stands_for_its_values_within_one_percent(value: int) -> None:
    """The middle of a value's bucket is at most 1 % away from it."""
    assert near(middle(bucket(value)), value)


def test_values_to_one_hundred_are_exact() -> None:
    """A bucket each."""
    assert [middle(bucket(value)) for value in range(101)] == list(range(101))


def test_every_edge_of_every_bucket_is_within_one_percent() -> None:
    """The first and the last value of each; there is room for all buckets, and larger values count in the
    last."""
    for index in range(1, LAST + 1):
        for edge in (BOUNDS[index - 1] + 1, min(BOUNDS[index], LARGEST)):
            assert bucket(edge) == index
            assert near(middle(index), edge)
    assert LAST < WIDTH
    assert bucket(10 * LARGEST) == LAST


@given(st.lists(values, min_size=1, max_size=60), st.sampled_from(SHARES))
def test_percentiles_are_nearest_rank_within_one_percent(given_values: list[int], share: float) -> None:
    """The value at rank ceil(share x n) of the sorted list; so are the least and the greatest."""
    ordered = sorted(given_values)
    rank = -(-round(share * 100) * len(ordered) // 100)
    buckets = sketched(given_values)
    assert near(percentile(buckets, share), ordered[rank - 1])
    assert near(smallest(buckets), ordered[0])
    assert near(largest(buckets), ordered[-1])


@given(st.lists(values, max_size=30), st.lists(values, max_size=30))
def test_sketches_add_up_and_take_back(left: list[int], right: list[int]) -> None:
    """Two sketches added are the sketch of both; one taken back leaves the other, also where zeros stay
    behind."""
    both = sketched(left + right)
    assert sketched(left) + sketched(right) == both
    both.subtract(sketched(left))
    for read in (smallest, largest):
        assert read(both) == read(sketched(right))
    for share in SHARES:
        assert percentile(both, share) == percentile(sketched(right), share)


def test_nothing_has_no_value() -> None:
    """An empty sketch, or one of which all was taken back."""
    for empty in ({}, {5: 0}):
        assert percentile(empty, 0.5) is None
        assert smallest(empty) is None
        assert largest(empty) is None
