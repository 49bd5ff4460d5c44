"""Contributions, collected: additive integer changes by 10 s pane, segment and measure."""

from __future__ import annotations

from typing import Any

from stream.metrics.segments import Segment
from stream.metrics.sketch import bucket
from stream.sla.marks import Key, Mark

PANE_MS = 10_000
"""The finest pane. Everything coarser is made from it (metrics/panes.py)."""

Cell = dict[int, int]

Fact = tuple[int, str, int, tuple[str | None, ...]]
"""What an entity tells of its customer: kind (rank in events/contacts.py), customer, when (ms), and the
values of its family's dimensions then."""


def add_into(target: dict[Any, int], cell: dict[Any, int]) -> None:
    """Adds a cell's amounts to another one's."""
    # `Any`: codes stay the objects that they are (compiled, integers are taken out of objects and put back).
    for code, amount in cell.items():
        target[code] = target.get(code, 0) + amount


class Delta:
    """`panes[start_ms][segment][code]` = the change. Adding an amount and its negative leaves nothing behind
    but a zero. `facts` are contributions to another shard, that of the customer: told (1), taken back
    (-1). So are `marks`, to those who watch clocks: by what they are, the amount and the mark."""

    __slots__ = ("_cell", "_segment", "_start", "facts", "marks", "panes")

    def __init__(self) -> None:
        self.panes: dict[int, dict[Segment, Cell]] = {}
        self.facts: dict[Fact, int] = {}
        self.marks: dict[Key, tuple[int, Mark]] = {}
        # The cell asked for last: an event mostly contributes several times to one.
        self._start = -1
        self._segment: Segment | None = None
        self._cell: Cell = {}

    def cell(self, at_ms: int, segment: Segment) -> Cell:
        """The cell of the pane that contains the instant."""
        start = at_ms - at_ms % PANE_MS
        if start == self._start and segment is self._segment:
            return self._cell
        pane = self.panes.get(start)
        if pane is None:
            pane = self.panes[start] = {}
        cell = pane.get(segment)
        if cell is None:
            cell = pane[segment] = {}
        self._start, self._segment, self._cell = start, segment, cell
        return cell

    def add(self, at_ms: int, segment: Segment, code: int, amount: int) -> None:
        """A count changes."""
        cell = self.cell(at_ms, segment)
        cell[code] = cell.get(code, 0) + amount

    def tell(self, kind: int, customer: str, at_ms: int, segment: Segment, sign: int) -> None:
        """A fact about a customer is told (`sign` 1) or taken back (-1)."""
        fact = (kind, customer, at_ms, segment.values)
        self.facts[fact] = self.facts.get(fact, 0) + sign

    def mark(self, mark: Mark, sign: int) -> None:
        """Something happened to a clock (`sign` 1), or did not (-1)."""
        known = self.marks.get(mark.key)
        self.marks[mark.key] = (sign if known is None else known[0] + sign, mark)

    def observe(
        self, at_ms: int, segment: Segment, sum_code: int, sketch: int, value: int, negative: int, sign: int
    ) -> None:
        """A duration or plain value is observed (`sign` 1) or taken back (-1). Below zero it counts as 0 and
        in `negative`."""
        cell = self.cell(at_ms, segment)
        if value < 0:
            cell[negative] = cell.get(negative, 0) + sign
            value = 0
        code = sketch + bucket(value)
        cell[code] = cell.get(code, 0) + sign
        if value:
            cell[sum_code] = cell.get(sum_code, 0) + sign * value

    def level(self, at_ms: int, segment: Segment, code: int, change: int) -> None:
        """A level steps up or down: its change, and the change's part of the pane's time integral."""
        cell = self.cell(at_ms, segment)
        cell[code] = cell.get(code, 0) + change
        cell[code + 1] = cell.get(code + 1, 0) + change * (PANE_MS - at_ms % PANE_MS)

    def merge(self, other: Delta, sign: int) -> None:
        """Adds (1) or takes back (-1) all of another delta."""
        self.merge_marks(other, sign)
        for start, segments in other.panes.items():
            for segment, source in segments.items():
                cell = self.cell(start, segment)
                for code, amount in source.items():
                    cell[code] = cell.get(code, 0) + sign * amount
        for fact, amount in other.facts.items():
            self.facts[fact] = self.facts.get(fact, 0) + sign * amount

    def merge_marks(self, other: Delta, sign: int) -> None:
        """Of another delta only what happened to clocks."""
        for amount, mark in other.marks.values():
            self.mark(mark, sign * amount)
