"""How many groups a grouping of a shard may have: one that has more tells nothing any more.

Were only some of its groups left out, which ones would hang on the order in which events came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from stream.metrics.panes import Group, Grouped
from stream.metrics.segments import group_values

GROUPS_MAX: Final = 10_000
"""Groups of one grouping that one shard stores, for as long as its image is kept."""


class Cap:
    """The groups that a shard has. `over`: the numbers of the groupings that had too many; nothing of theirs
    is stored any more."""

    def __init__(self) -> None:
        self.over: set[int] = set()
        self._known: set[Group] = set()
        self._counts: Counter[int] = Counter()

    def restore(self, groups: Iterable[Group], over: Iterable[int]) -> None:
        """Takes over the groups that the store has numbers for, and the groupings that are marked there."""
        self.over = set(over)
        self._note(groups)

    def bound(self, grouped: Grouped) -> None:
        """Takes out what is of groupings that have too many groups."""
        for groups in grouped.values():
            self._note(groups.keys() - self._known)
        if self.over:
            for groups in grouped.values():
                for group in groups.keys() - self._known:
                    del groups[group]

    def mark(self) -> str:
        """What the fence says of it."""
        return " ".join(map(str, sorted(self.over)))

    def invalid(self, groups: Iterable[Group]) -> list[Group]:
        """Of these groups, those of groupings that had too many."""
        return [group for group in groups if group_values(group)[0] in self.over]

    def _note(self, groups: Iterable[Group]) -> None:
        for group in groups:
            number = group_values(group)[0]
            if number in self.over:
                continue
            self._known.add(group)
            self._counts[number] += 1
            if self._counts[number] > GROUPS_MAX:
                self.over.add(number)
                self._known.difference_update(self.invalid(self._known))
