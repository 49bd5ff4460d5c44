"""What a deployment takes in Redis: bytes by kind of key, entities, and numbers in cells."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from redis.asyncio import Redis

from bench.servers import SHARDS, Deployment
from stream.metrics.cells import unpack_cell
from stream.metrics.sizes import NAMES
from stream.store import RedisStore

AT_ONCE = 1_000


@dataclass(slots=True)
class Sizes:
    """`bytes` by (family, kind): `states`, `cells:10s`, `timers`, ..., by MEMORY USAGE of every element."""

    bytes: Counter[tuple[str, str]] = field(default_factory=Counter)
    entities: Counter[str] = field(default_factory=Counter)
    cells: Counter[str] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)
    """By pane size, as `cells`."""

    def of_cells(self, size: str | None = None) -> int:
        """Bytes of the cells of one pane size, or of all."""
        kinds = [f"cells:{size}"] if size else [f"cells:{name}" for name in NAMES]
        return sum(amount for (_, kind), amount in self.bytes.items() if kind in kinds)

    def of_entity(self, family: str) -> float:
        """Bytes of an entity: its state, and its share of timers, drop days and places in levels."""
        kinds = ("states", "timers", "drop", "since")
        return sum(self.bytes[family, kind] for kind in kinds) / max(1, self.entities[family])

    @property
    def total(self) -> int:
        """All keys."""
        return sum(self.bytes.values())


async def sizes(of: Deployment) -> Sizes:
    """Its worker must have ended."""
    found = Sizes()
    await _measure(of, found)
    store = RedisStore(of.config.redis)
    try:
        for family, partition in SHARDS:
            image = await store.image(family, partition)
            found.entities[family] += len(image.states)
            for (size, _), cells in image.cells.items():
                found.cells[NAMES[size]] += len(cells)
                found.numbers[NAMES[size]] += sum(len(unpack_cell(cell)) for cell in cells.values())
    finally:
        await store.close()
    return found


async def _measure(of: Deployment, found: Sizes) -> None:
    pattern = f"floorcast:*:{of.config.redis.namespace}:{{*"
    async with Redis.from_url(of.config.redis.url) as redis:
        keys = [key async for key in redis.scan_iter(match=pattern, count=AT_ONCE)]
        for start in range(0, len(keys), AT_ONCE):
            part = keys[start : start + AT_ONCE]
            async with redis.pipeline(transaction=False) as pipeline:
                for key in part:
                    pipeline.memory_usage(key, samples=0)
                for key, amount in zip(part, await pipeline.execute(), strict=True):
                    found.bytes[_kind(key)] += amount


def _kind(key: bytes) -> tuple[str, str]:
    """`...:{tickets:3}:cells:10s:1764000000` -> tickets, cells:10s."""
    shard, _, name = key.partition(b"{")[2].partition(b"}:")
    words = name.split(b":")
    kind = b":".join(words[:2]) if words[0] == b"cells" else words[0]
    return shard.partition(b":")[0].decode(), kind.decode()
