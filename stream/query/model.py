"""What is asked, what is answered, and what a query needs to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from stream.metrics.formula import Values
from stream.metrics.panes import Group, Pane
from stream.shard.changes import Fence, Since, Written


class QueryError(ValueError):
    """A question that cannot be answered; the message says what can be asked instead."""


@dataclass(frozen=True, slots=True)
class Question:
    """A metric over [from, to) (ms), by some dimensions, where others have given values.

    `now_ms` is where gauges and levels without a window are read. `top`: only so many groups have rows
    of their own, those with most; the others are one row. 0: all. `own`: those groups have rows of their own,
    whoever has most. `sketches`: whether stats are wanted that only groupings with sketches tell; else these
    may be `None`. `sums`: only what adds up is wanted; of durations nothing else is computed.
    """

    metric: str
    now_ms: int
    from_ms: int | None = None
    to_ms: int | None = None
    by: tuple[str, ...] = ()
    where: dict[str, str | None] = field(default_factory=dict)
    top: int = 0
    sketches: bool = False
    own: frozenset[tuple[str | None, ...]] | None = None
    sums: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one group: every stat of the metric. `other`: of all groups behind the top ones."""

    by: dict[str, Any]
    values: Values
    other: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows over the window that was really used. `fresh_ms`: how long ago the oldest shard had read to the
    end of its log."""

    rows: list[Row]
    from_ms: int | None
    to_ms: int
    fresh_at: int


class Reader(Protocol):
    """What a query reads of the store (store/store.py; in memory: query/memory.py). Partitions without data
    are left out."""

    async def fences(self, family: str) -> dict[int, Fence]:
        """The fence of every shard of a family."""

    async def fences_of(self, families: Sequence[str]) -> dict[str, dict[int, Fence]]:
        """The fences of several families, in one round trip."""

    async def read_cells(
        self, family: str, panes: dict[int, list[Pane]], groups: list[Group] | None
    ) -> dict[int, dict[Pane, dict[Group, bytes]]]:
        """Cells by partition and pane: those groups, or all."""

    async def read_levels(
        self, family: str, partitions: list[int], groups: list[Group] | None
    ) -> dict[int, dict[Group, bytes]]:
        """The live levels by partition."""

    async def read_members(self, family: str, partitions: list[int], level: int, oldest: bool) -> list[Since]:
        """Who stands in a level; with `oldest` only who does so longest in each partition."""


class StoreReader(Reader, Protocol):
    """The store itself, which looks are made at."""

    def pinned(self) -> Self:
        """The same of one generation: of that which is live when it is first asked for fences."""

    async def written(
        self, family: str, partitions: Sequence[int], known: Mapping[int, Written]
    ) -> dict[int, Written]:
        """By partition, the latest writes of long panes; read only where `known` is not of now."""
