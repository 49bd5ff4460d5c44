"""Cells of panes, summed over shards by row; long panes that nobody has written since are remembered.

A pane of a quarter of an hour or a day is written once, when it closes, and again only by what comes late.
Each such write leaves its commit's id (`Written`), so a remembered sum is taken only while those of all its
shards are the same: what is answered never depends on what is remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from stream.lifecycle.delta import Cell, add_into
from stream.metrics.cells import pack_cell, unpack_cell
from stream.metrics.panes import Group, Pane
from stream.metrics.sizes import LONG, Sizes
from stream.query.grouping import By, Selection
from stream.query.model import Reader, StoreReader
from stream.shard.changes import Written

Rows = dict[By, Cell]
Panes = dict[int, list[Pane]]
"""By partition."""
Versions = tuple[tuple[int, bytes | None], ...]
"""Of one pane: partition and the commit that wrote it last there."""

KEPT_BYTES: Final = 64_000_000
KEPT_CODES: Final = 400_000
"""About as many bytes: a number in a dict takes a hundred."""
_T = TypeVar("_T")


class _Pane(NamedTuple):
    """One pane over all its shards: packed cells by row."""

    versions: Versions
    rows: dict[By, bytes]


class _Sum(NamedTuple):
    """The sum of several panes; integrals of levels go on to `end_ms`."""

    versions: list[Versions]
    end_ms: int
    rows: Rows


_NOTHING: Final = _Sum([], 0, {})


class _Latest(Generic[_T]):
    """Values by key; those asked for longest ago are forgotten beyond a total weight."""

    def __init__(self, weight_max: int) -> None:
        self._weight_max = weight_max
        self._weight = 0
        self._kept: OrderedDict[Hashable, tuple[int, _T]] = OrderedDict()
        self.hits = self.misses = 0
        """How often something asked for was there, and was not."""

    def get(self, key: Hashable) -> _T | None:
        found = self._kept.get(key)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: Hashable, weight: int, value: _T) -> None:
        self._weight += weight - self._kept.pop(key, (0, None))[0]
        self._kept[key] = (weight, value)
        while self._weight > self._weight_max:
            self._weight -= self._kept.popitem(last=False)[1][0]


class PaneMemory:
    """What is remembered of one deployment: to be kept as long as its numbers are read."""

    def __init__(self, kept_bytes: int = KEPT_BYTES, kept_codes: int = KEPT_CODES) -> None:
        self.written: dict[str, dict[int, Written]] = {}
        """By family and partition, as last read."""
        self.panes: _Latest[_Pane] = _Latest(kept_bytes)
        self.sums: _Latest[_Sum] = _Latest(kept_codes)


class Remembered:
    """The memory as of one moment: make a new one for every look, with its reader."""

    def __init__(self, memory: PaneMemory, reader: StoreReader) -> None:
        self._memory = memory
        self._reader = reader
        self._written: dict[str, dict[int, Written]] = {}
        self.panes = memory.panes
        self.sums = memory.sums

    async def written(self, family: str, partitions: Sequence[int]) -> dict[int, Written]:
        """Which commits wrote long panes last: looked up once, before what may be remembered is read."""
        if family not in self._written:
            known = self._memory.written.get(family, {})
            found = await self._reader.written(family, partitions, known)
            self._written[family] = self._memory.written[family] = found
        return self._written[family]


class PaneRows:
    """Sums of one family's panes by the rows of a selection. `levels`: the codes of its levels, each followed
    by that of its integral."""

    def __init__(
        self,
        reader: Reader,
        sizes: Sizes,
        family: str,
        levels: Sequence[int],
        selection: Selection,
        remembered: Remembered | None = None,
    ) -> None:
        self._reader = reader
        self._sizes = sizes
        self._family = family
        self._levels = levels
        self._selection = selection
        self._memory = remembered
        self._key = (family, *selection.key())
        self._row_of: dict[Group, By | None] = {}

    async def read(self, panes: Panes, to_ms: int) -> Rows:
        """The sum of all; integrals of levels go on from each pane's end to `to_ms`."""
        rows: Rows = {}
        if self._memory is not None:
            known = await self._remembered(self._memory, panes)
            for row, cell in known.rows.items():
                self._add(rows, row, cell, to_ms - known.end_ms)
            panes = {
                partition: [pane for pane in asked if pane[0] < LONG] for partition, asked in panes.items()
            }
        for by_pane in (await self._stored(panes)).values():
            for pane, cells in by_pane.items():
                self.add(rows, cells, to_ms - self._sizes.end(*pane))
        return rows

    def add(self, rows: Rows, cells: dict[Group, bytes], later_ms: int = 0) -> None:
        """Adds stored cells, whose integrals go on for so long."""
        for group, packed in cells.items():
            if group not in self._row_of:
                self._row_of[group] = self._selection.row(group)
            row = self._row_of[group]
            if row is not None:
                self._add(rows, row, unpack_cell(packed), later_ms)

    async def _stored(self, panes: Panes) -> dict[int, dict[Pane, dict[Group, bytes]]]:
        wanted = {partition: asked for partition, asked in panes.items() if asked}
        return await self._reader.read_cells(self._family, wanted, self._selection.groups()) if wanted else {}

    async def _remembered(self, memory: Remembered, panes: Panes) -> _Sum:
        """The sum of the long ones among these panes."""
        long: dict[Pane, list[int]] = {}
        for partition, asked in panes.items():
            for pane in asked:
                if pane[0] >= LONG:
                    long.setdefault(pane, []).append(partition)
        if not long:
            return _NOTHING
        written = await memory.written(self._family, list(panes))
        versions = [
            tuple((partition, written[partition].panes.get(pane)) for partition in partitions)
            for pane, partitions in long.items()
        ]
        key = (*self._key, *long)
        known = memory.sums.get(key)
        if known is None or known.versions != versions:
            known = self._sum(await self._panes(memory, dict(zip(long, versions, strict=True))), versions)
            memory.sums.put(key, sum(map(len, known.rows.values())) + 10 * len(versions), known)
        return known

    async def _panes(self, memory: Remembered, wanted: dict[Pane, Versions]) -> dict[Pane, _Pane]:
        found: dict[Pane, _Pane] = {}
        missing: Panes = {}
        for pane, versions in wanted.items():
            known = memory.panes.get((*self._key, pane))
            if known is not None and known.versions == versions:
                found[pane] = known
            else:
                for partition, _ in versions:
                    missing.setdefault(partition, []).append(pane)
        stored = await self._stored(missing)
        for pane in wanted.keys() - found.keys():
            rows: Rows = {}
            for partition, _ in wanted[pane]:
                self.add(rows, stored.get(partition, {}).get(pane, {}))
            packed = {row: pack_cell(pane[0], cell) for row, cell in rows.items()}
            made = found[pane] = _Pane(wanted[pane], packed)
            weight = 400 + sum(150 + len(cell) for cell in packed.values())
            memory.panes.put((*self._key, pane), weight, made)
        return found

    def _sum(self, panes: dict[Pane, _Pane], versions: list[Versions]) -> _Sum:
        end_ms = max(self._sizes.end(*pane) for pane in panes)
        rows: Rows = {}
        for pane, one in panes.items():
            later_ms = end_ms - self._sizes.end(*pane)
            for row, packed in one.rows.items():
                self._add(rows, row, unpack_cell(packed), later_ms)
        return _Sum(versions, end_ms, rows)

    def _add(self, rows: Rows, row: By, cell: Cell, later_ms: int) -> None:
        target = rows.setdefault(row, {})
        add_into(target, cell)
        for level in self._levels if later_ms else ():
            if change := cell.get(level):
                target[level + 1] = target.get(level + 1, 0) + change * later_ms
