"""One look at the store: what was read is not read again, so all its answers are of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from stream.config import Config
from stream.config.published import History
from stream.metrics.catalog import catalog_of
from stream.metrics.panes import Group, Pane
from stream.query.model import QueryError, StoreReader
from stream.query.panes import PaneMemory, Remembered
from stream.shard.changes import Fence, Since
from stream.shard.family import COUNTED

Cells = dict[Group, bytes]
Fences = Mapping[str, dict[int, Fence]]
"""By family and partition."""


class OtherConfiguration(QueryError):
    """The numbers were made under another configuration than the one they are read with."""


class Look:
    """A `Reader` that remembers. Make a new one for every look."""

    def __init__(
        self,
        reader: StoreReader,
        config: Config,
        memory: PaneMemory | None = None,
        fences: Fences | None = None,
    ) -> None:
        """`fences`: those that this reader, pinned, has just read. Raises OtherConfiguration."""
        self._reader = reader if fences else reader.pinned()
        self.remembered = Remembered(memory, self._reader) if memory is not None else None
        self._shape = config.shape_hash()
        self._fences: dict[str, dict[int, Fence]] = {}
        for family, read in (fences or {}).items():
            self._take(family, read)
        self._cells: dict[tuple[str, tuple[Group, ...] | None], dict[tuple[int, Pane], Cells]] = {}
        self._levels: dict[tuple[str, tuple[Group, ...] | None], dict[int, Cells]] = {}
        self._members: dict[tuple[str, int, bool], list[Since]] = {}

    async def fences(self, family: str) -> dict[int, Fence]:
        """As of `Reader`; raises OtherConfiguration."""
        return (await self.fences_of((family,)))[family]

    async def fences_of(self, families: Sequence[str]) -> dict[str, dict[int, Fence]]:
        """As of `Reader`; raises OtherConfiguration."""
        missing = [family for family in families if family not in self._fences]
        if missing:
            for family, read in (await self._reader.fences_of(missing)).items():
                self._take(family, read)
        return {family: self._fences[family] for family in families}

    def _take(self, family: str, fences: dict[int, Fence]) -> None:
        for partition, fence in fences.items():
            if fence.shape and fence.shape != self._shape:
                raise OtherConfiguration(
                    f"{family}/{partition} was counted under another configuration (time zone, horizon, "
                    "groupings, queues, ...): read it with the worker's floorcast.yaml"
                )
        self._fences[family] = fences

    async def read_cells(
        self, family: str, panes: dict[int, list[Pane]], groups: Sequence[Group] | None
    ) -> dict[int, dict[Pane, Cells]]:
        """As of `Reader`."""
        wanted = None if groups is None else list(groups)
        known = self._cells.setdefault((family, None if wanted is None else tuple(wanted)), {})
        missing = {
            partition: [pane for pane in asked if (partition, pane) not in known]
            for partition, asked in panes.items()
        }
        missing = {partition: asked for partition, asked in missing.items() if asked}
        if missing:
            read = await self._reader.read_cells(family, missing, wanted)
            for partition, asked in missing.items():
                found = read.get(partition, {})
                known.update({(partition, pane): found.get(pane, {}) for pane in asked})
        return {
            partition: {pane: cells for pane in asked if (cells := known[partition, pane])}
            for partition, asked in panes.items()
        }

    async def read_levels(
        self, family: str, partitions: list[int], groups: Sequence[Group] | None
    ) -> dict[int, Cells]:
        """As of `Reader`. Always of all shards of the family."""
        wanted = None if groups is None else list(groups)
        key = (family, None if wanted is None else tuple(wanted))
        if key not in self._levels:
            self._levels[key] = await self._reader.read_levels(family, partitions, wanted)
        return self._levels[key]

    async def read_members(self, family: str, partitions: list[int], level: int, oldest: bool) -> list[Since]:
        """As of `Reader`. Always of all shards of the family."""
        key = (family, level, oldest)
        if key not in self._members:
            self._members[key] = await self._reader.read_members(family, partitions, level, oldest)
        return self._members[key]

    async def shards(self) -> dict[tuple[str, int], Fence]:
        """The fence of every shard of every family, in one round trip."""
        return {
            (family, partition): fence
            for family, fences in (await self.fences_of(COUNTED)).items()
            for partition, fence in fences.items()
        }


class Published(Protocol):
    """Where a reader finds what was published."""

    async def versions(self, known: int) -> History:
        """What was published of calendars and policies behind `known` versions, as far as a worker has read
        it."""


async def in_force(reader: Published, config: Config) -> Config:
    """The configuration with what was published of it, whatever its file says of calendars and policies: as
    the worker counts. To be asked for at every look, as versions come while a system runs."""
    if config.clock == "events":
        return config
    new = await reader.versions(len(config.published))
    return replace(config, published=(*config.published, *new)) if new else config


class InForce:
    """Configuration and catalog in force, for readers that look again and again."""

    def __init__(self, reader: Published, config: Config) -> None:
        self.config = config
        self.catalog = catalog_of(config)
        self._reader = reader

    async def look(self) -> bool:
        """Asks for them anew: whether they are others now."""
        config = await in_force(self._reader, self.config)
        if config is self.config:
            return False
        self.config, self.catalog = config, catalog_of(config)
        return True


async def now_of(look: Look, config: Config, wall_ms: int) -> int:
    """What now is for questions: the wall's time, or with `clock: events` the greatest shard clock."""
    if config.clock == "wall":
        return wall_ms
    return max((fence.clock for fence in (await look.shards()).values()), default=0) or wall_ms


def age_ms(fresh_at: int, wall_ms: int) -> int | None:
    """How long ago a shard had read to the end of its log; `None` when it never has."""
    return max(0, wall_ms - fresh_at) if fresh_at > 0 else None
