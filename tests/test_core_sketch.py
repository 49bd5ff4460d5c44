"""Distributions in fixed buckets: at most 1 % off, and they merge by addition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.lifecycle.delta import PANE_MS, Delta
from stream.metrics.cells import pack_cell, unpack_cell
from stream.metrics.formula import PERCENTILES, Duration
from stream.metrics.measures import CALL_WAIT, CALL_WAIT_SUM, CALLS_NEGATIVE
from stream.metrics.panes import take_in
from stream.metrics.segments import Segments
from stream.metrics.sizes import SIZES
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


SHAPES: dict[str, Callable[[Random], float]] = {
    "pareto": lambda chance: 1_000 * chance.paretovariate(0.8),
    "lognormal": lambda chance: chance.lognormvariate(9, 2.5),
    "mixture": lambda chance: chance.choice(
        (1_000 * chance.paretovariate(1.2), chance.lognormvariate(7, 2), chance.uniform(0, 120))
    ),
}
"""Durations in ms as floors have them: mostly short, some a thousand times as long."""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", SHAPES)
def test_ten_thousand_heavy_tailed_samples_merged_in_any_order(shape: str, seed: int) -> None:
    """Observed in panes, shards and segments, stored, and added up in any order: no percentile, least or
    greatest value is ever more than 1 % off; count and sum are exact."""
    chance = Random(seed)
    samples = [min(LARGEST, int(SHAPES[shape](chance))) for _ in range(10_000)]
    queues = Segments([("queue",)])
    segments = [queues.of((queue,)) for queue in "abcde"]
    shards = [Delta() for _ in range(8)]
    for sample in samples:
        pane = chance.randrange(60) * PANE_MS
        chance.choice(shards).observe(
            pane, chance.choice(segments), CALL_WAIT_SUM, CALL_WAIT, sample, CALLS_NEGATIVE, 1
        )
    cells = [
        pack_cell(chance.randrange(SIZES), cell)
        for shard in shards
        for pane_cells in shard.panes.values()
        for cell in pane_cells.values()
    ]
    chance.shuffle(cells)
    merged: dict[int, int] = {}
    for packed in cells:
        take_in(merged, unpack_cell(packed))
    ordered = sorted(samples)
    read = Duration(CALL_WAIT_SUM, CALL_WAIT, scale=1).values(merged)
    assert (read["count"], read["sum"]) == (len(samples), sum(samples))
    assert near(read["min"], ordered[0])
    assert near(read["max"], ordered[-1])
    buckets = {code - CALL_WAIT: count for code, count in merged.items() if code >= CALL_WAIT}
    for percent in range(1, 101):
        exact = ordered[-(-percent * len(ordered) // 100) - 1]
        assert near(percentile(buckets, percent / 100), exact), percent
    for name in PERCENTILES:
        assert read[name] == percentile(buckets, int(name[1:]) / 100)


def test_nothing_has_no_value() -> None:
    """An empty sketch, or one of which all was taken back."""
    for empty in ({}, {5: 0}):
        assert percentile(empty, 0.5) is None
        assert smallest(empty) is None
        assert largest(empty) is None
