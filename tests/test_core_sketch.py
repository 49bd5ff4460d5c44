"""Distributions in fixed buckets: at most 1 % off, and they merge by addition."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
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


def heavy_tailed(random: Random) -> int:
    """A duration in ms as floors have them: mostly short, some a thousand times as long."""
    kind = random.randrange(3)
    if kind == 0:
        return min(LARGEST, int(1_000 * random.paretovariate(0.8)))
    if kind == 1:
        return min(LARGEST, int(random.lognormvariate(9, 2.5)))
    return random.randrange(120)


@pytest.mark.parametrize("seed", range(5))
def test_ten_thousand_heavy_tailed_samples_merged_in_any_order(seed: int) -> None:
    """Dealt out to panes, shards and segments, and added up in any order: never more than 1 % off."""
    random = Random(seed)
    samples = [heavy_tailed(random) for _ in range(10_000)]
    parts: dict[tuple[int, int, int], Counter[int]] = {}
    for sample in samples:
        part = random.randrange(60), random.randrange(8), random.randrange(5)  # pane, shard, segment
        parts.setdefault(part, Counter())[bucket(sample)] += 1
    order = list(parts.values())
    random.shuffle(order)
    merged: Counter[int] = Counter()
    for part_of in order:
        merged.update(part_of)
    ordered = sorted(samples)
    for percent in range(1, 101):
        rank = -(-percent * len(ordered) // 100)
        assert near(percentile(merged, percent / 100), ordered[rank - 1]), percent
    assert near(smallest(merged), ordered[0])
    assert near(largest(merged), ordered[-1])


def test_nothing_has_no_value() -> None:
    """An empty sketch, or one of which all was taken back."""
    for empty in ({}, {5: 0}):
        assert percentile(empty, 0.5) is None
        assert smallest(empty) is None
        assert largest(empty) is None
