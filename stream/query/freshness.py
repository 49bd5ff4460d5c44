"""How far a family's shards have read, and whether its numbers may be old."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from stream.query.look import Look, age_ms

STALE_MS: Final = 10_000
"""From here on a number may no longer be what is: a live worker catches up within a second or two."""


class Reached(Struct, frozen=True, kw_only=True):
    """One family. `fresh_at_ms`: since when the oldest of its shards had caught up; `None`: one never has.

    `behind` are the partitions that have not caught up lately, `reached_ms` how far the last of them has
    read. `state`: `fresh`, `stale`, or `none` where no worker has counted anything.
    """

    family: str
    shards: int
    state: str
    fresh_at_ms: int | None = None
    behind: tuple[int, ...] = ()
    reached_ms: int | None = None


async def reached(look: Look, family: str, wall_ms: int, stale_ms: int = STALE_MS) -> Reached:
    """How far a family is read at this moment."""
    fences = await look.fences(family)
    ages = {partition: age_ms(fence.fresh, wall_ms) for partition, fence in fences.items()}
    behind = tuple(partition for partition, age in ages.items() if age is None or age > stale_ms)
    return Reached(
        family=family, shards=len(fences), state="none" if not fences else "stale" if behind else "fresh",
        fresh_at_ms=min((fence.fresh for fence in fences.values()), default=0) or None, behind=behind,
        reached_ms=min((fences[partition].log_clock for partition in behind), default=0) or None,
    )  # fmt: skip
