"""What must hold of the store: at any moment its image is what the log says, and in peace it catches up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from stream.alerts.state import decode_alert
from stream.config import Config
from stream.config.history import history_of, read_history
from stream.config.published import History
from stream.shard.changes import LogRecord, Record
from stream.shard.image import Image
from stream.store.layout import ShardKeys, reports_key, topics_key, versions_key
from stream.verify.compare import compare
from stream.verify.rebuild import Rebuild
from tests.simulation.ledger import Commit
from tests.simulation.store import DirectStore
from tests.simulation.world import World

FRESH_MS = 5_000
"""So old a shard's freshness may be in peace."""


class Seen(NamedTuple):
    """A shard as it stands in the store, and how it came there."""

    family: str
    partition: int
    image: Image
    way: list[Commit]
    records: list[Record]
    """Those that it is the image of."""


@dataclass
class Checks:
    """Of one run; what does not hold is noted in `world.wrong`."""

    world: World

    def __post_init__(self) -> None:
        self._store = DirectStore(self.world.config.redis, self.world.server)

    async def look(self) -> list[Seen]:
        """Every shard is the image of what it says that it is the image of."""
        found = []
        for family, count in sorted(self.world.plan.families.items()):
            for partition in range(count):
                image = await self._store.image(family, partition)
                if image.fence.commit_id:
                    found.append(self._seen(family, partition, image))
        for seen in found:
            self._compare(seen)
        return found

    async def waits_for(self) -> str:
        """What is not done yet, in words."""
        now_ms = self.world.wall_ms()
        for family, count in self.world.plan.families.items():
            fences = await self._store.fences(family)
            waiting = await self._store.waiting([(family, n) for n in range(count)], now_ms - FRESH_MS)
            for partition in range(count):
                where, fence = f"{family}/{partition}", fences.get(partition)
                part = self.world.part(family, partition)
                if fence is None or fence.offset < max(part.end, part.start):
                    return f"{where} stands at {fence.offset if fence else None} of {part.end}"
                if fence.fresh < now_ms - FRESH_MS:
                    return f"{where} was last fresh {now_ms - fence.fresh} ms ago"
                if any(waiting[family, partition]):
                    return f"{where} has {waiting[family, partition]}"
                if fence.versions < len(self.history()):
                    return f"{where} knows {fence.versions} versions"
        return self._alerts_wait()

    def history(self) -> History:
        """What was published."""
        (part,) = self.world.log.topics[self.world.config.kafka.topics.config]
        return read_history([(record.timestamp, record.value) for record in part.records])

    def config(self, versions: int) -> Config:
        """The configuration with so many versions."""
        return replace(self.world.config, published=self.history()[:versions])

    def keys(self, shards: list[Seen]) -> None:
        """There is nothing in the store that nobody would find."""
        namespace = self.world.config.redis.namespace
        known = {key(namespace) for key in (topics_key, versions_key, reports_key)}
        for seen in shards:
            keys = ShardKeys(namespace, seen.family, seen.partition)
            known |= {*keys.always, *map(keys.named, self.world.server.members(keys.index))}
        strange = [key.decode() for key in self.world.server.stored() if key not in known]
        if strange:
            self.world.wrong.append(f"keys that nobody knows: {', '.join(strange)}")

    def _seen(self, family: str, partition: int, image: Image) -> Seen:
        way = self.world.ledger.way(image.fence.commit_id)
        lost = {offset for begin, end in way[-1].lost for offset in range(begin, end)}
        part = self.world.part(family, partition)
        records = [one for one in part.records[: image.fence.offset] if one.offset not in lost]
        return Seen(family, partition, image, way, records)

    def _compare(self, seen: Seen) -> None:
        fence = seen.image.fence
        if seen.image.journal.get("late_versions"):
            self.world.happened["not compared: a version came too late"] += 1
            return  # said so: a rebuild counts it anew
        config = self.config(fence.versions)
        topic = getattr(config.kafka.topics, seen.family)
        rebuild = Rebuild(seen.family, topic, seen.partition, config, fence)
        records: list[LogRecord] = list(seen.records)
        rebuild.read(records)
        result = compare(seen.family, seen.image, rebuild.finish())
        if fence.clock < history_of(self.config(len(self.history())))[-1].from_ms:
            # What has one is looked at when the newest version begins; some of it, until that is noted.
            result.different["timers"] = 0
            result.differences = [one for one in result.differences if not one.startswith("timers")]
        if not result.same():
            self.world.wrong.append(
                f"{seen.family}/{seen.partition} is not the image of its {fence.offset} records: "
                + "; ".join(result.differences[:3])
            )

    def _alerts_wait(self) -> str:
        topics = self.world.config.kafka.topics
        for number, part in enumerate(self.world.log.topics[topics.sla]):
            if self.world.committed.get(number, 0) < part.end:
                return f"clocks/{number} is read to {self.world.committed.get(number, 0)} of {part.end}"
        (part,) = self.world.log.topics[topics.alerts]
        latest = {record.key: record.value for record in part.records}
        for value in latest.values():
            if value is not None and (pending := decode_alert(value).pending):
                return f"{pending[0].kind} {pending[0].id} is not told to {pending[0].to}"
        return ""
