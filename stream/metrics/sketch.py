"""Distributions as counts in fixed buckets, at most 1 % off; buckets of equal value add up, so sketches merge
by addition.

Bucket `i` holds the integers in (BOUNDS[i-1], BOUNDS[i]]. Bounds grow by 2 % (and by at least 1), from
integers alone, so
that every machine puts a value in the same bucket. A bucket's middle is then at most 1 % from any value in
it; values to
100 are exact. See Masson, Rim, Lee: DDSketch (VLDB 2019) for the idea of relative-error buckets.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

WIDTH: Final = 1400
"""Codes reserved for each sketch; more than the buckets there are."""
ANY: Final = WIDTH - 1
"""The bucket of values of which only the number is kept: no percentile can be told of them."""
LARGEST: Final = 10**12
"""Larger values count in the last bucket: 31 years in milliseconds."""


def _bounds() -> list[int]:
    bounds = [0]
    while bounds[-1] < LARGEST:
        bounds.append(max(bounds[-1] + 1, bounds[-1] * 102 // 100))
    return bounds


BOUNDS: Final = _bounds()
LAST: Final = len(BOUNDS) - 1
EXACT: Final = 100
"""Up to here each integer has its own bucket, of its own number."""


def bucket(value: int) -> int:
    """The bucket of a value >= 0."""
    if value <= EXACT:
        return value
    found = bisect_left(BOUNDS, value)
    return found if found < LAST else LAST


def middle(index: int) -> float:
    """The value that stands for a bucket: the middle of the integers in it."""
    if index == 0:
        return 0.0
    return (BOUNDS[index - 1] + 1 + BOUNDS[index]) / 2


def percentile(buckets: Mapping[int, int], share: float) -> float | None:
    """The nearest-rank percentile: rank ceil(share x n) of the sorted values, at most 1 % off; `None` when
    empty."""
    total = sum(buckets.values())
    if total <= 0:
        return None
    # Shares have two decimals; integers keep ceil() exact where 0.07 * 100 is 7.000000000000001.
    rank = max(1, -(-round(share * 100) * total // 100))
    seen = 0
    for index in sorted(buckets):
        seen += buckets[index]
        if seen >= rank:
            return middle(index)
    return middle(max(buckets))


def smallest(buckets: Mapping[int, int]) -> float | None:
    """The least value, at most 1 % off; `None` when empty."""
    present = [index for index, count in buckets.items() if count > 0]
    return middle(min(present)) if present else None


def largest(buckets: Mapping[int, int]) -> float | None:
    """The greatest value, at most 1 % off; `None` when empty."""
    present = [index for index, count in buckets.items() if count > 0]
    return middle(max(present)) if present else None
