"""Which groups of a grouping have series of their own: those with most, and of counters all that ever had.

A gauge's group may leave the top and be one of the `other`. A counter must not: it would fall. So counters
keep the groups that they have, add those that come into the top, up to twice as many, and count whoever
comes after that in `other`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from stream.query.grouping import By
from stream.query.model import Row
from stream.query.top import top_groups
from stream.serve.families import OTHER

RANK_MS: Final = 60_000
"""So often groups are ranked anew: who has most changes slowly."""


class Groups:
    """The groups of one grouping."""

    def __init__(self, by: tuple[str, ...], most: int) -> None:
        self.top: frozenset[By] = frozenset()
        self.counted: frozenset[By] = frozenset()
        self._by = by
        self._most = most
        self._ranked_ms: int | None = None

    @property
    def full(self) -> bool:
        """Whether there may be others."""
        return len(self.top) >= self._most

    def due(self, wall_ms: int) -> bool:
        """Whether they are to be ranked anew."""
        return self._ranked_ms is None or abs(wall_ms - self._ranked_ms) >= RANK_MS

    def rank(self, ranks: Iterable[Sequence[Row]], wall_ms: int) -> None:
        """Takes those with most; places that are left go to those with most of the next ranks."""
        # A group that is itself called `other` is one of the others: else two series would have one name.
        others = (OTHER,) * len(self._by)
        self.top = frozenset()
        for rows in ranks:
            named = [row for row in rows if (group := self._of(row)) != others and group not in self.top]
            self.top |= top_groups(named, self._by, self._most - len(self.top))
        places = 2 * self._most - len(self.counted)
        self.counted |= frozenset(sorted(self.top - self.counted, key=repr)[:places])
        self._ranked_ms = wall_ms

    def _of(self, row: Row) -> By:
        return tuple(row.by[name] for name in self._by)
