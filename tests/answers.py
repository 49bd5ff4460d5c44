"""Small floors made by hand, in memory or in a store, for the tests of what people read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from stream.config import Config, KafkaConfig, RedisConfig, TopicNames
from stream.config.serve import ServeConfig
from stream.embedded.pair import Pair
from stream.events.instants import to_ms
from stream.query.memory import ImageReader
from stream.shard.changes import Changes, Record, Since
from stream.shard.family import COUNTED, family
from stream.shard.image import Image, run_batch
from stream.shard.shard import Shard
from stream.sources.topics import create_topics
from stream.store import (
    Generation,
    Generations,
    Memory,
    RedisStore,
    Report,
    StoredTopic,
    Waiting,
    new_commit_id,
)

Told = tuple[str, str, str, dict[str, Any]]
"""Time, type, subject, data."""

TEAM_A = {"ticket": {"team": "a", "channel": "email"}}
REPLY = {"message": {"author": "agent"}}


def ms(text: str) -> int:
    """A time, in UTC without an offset."""
    return to_ms(datetime.fromisoformat(text if "+" in text else f"{text}+00:00"))


def record(offset: int, told: Told, sent_ms: int | None = None) -> Record:
    """The record of an event, sent when it happened."""
    time, kind, subject, data = told
    event = {
        "specversion": "1.0", "id": f"e{offset}", "source": "desk", "type": kind, "subject": subject,
        "time": f"{time}Z", "data": data,
    }  # fmt: skip
    return Record(offset, ms(time) if sent_ms is None else sent_ms, msgspec.json.encode(event))


def image(name: str, config: Config, events: Sequence[Told], now: str, fresh: str | None = None) -> Image:
    """The image of one shard after events in order, ticked at `now`; it had caught up at `fresh`, or then."""
    shard, made = Shard(family(name, config), f"support.{name}", 0, config), Image()
    run_batch(shard, made, [record(place, told) for place, told in enumerate(events)], None)
    run_batch(shard, made, [], ms(now) if config.clock == "wall" else None)
    made.fence.fresh = ms(fresh or now)
    made.fence.shape = config.shape_hash()
    return made


class FloorReader(ImageReader):
    """Images as an exporter reads a store. `said`: the reports of processes; nothing waits but what stands in
    the images."""

    def __init__(self, images: dict[tuple[str, int], Image]) -> None:
        super().__init__(images)
        self.said: list[Report] = []
        self.filling: FloorReader | None = None  # what a rebuild has made

    async def reports(self) -> list[Report]:
        return self.said

    async def waiting(self, shards: Sequence[tuple[str, int]], now_ms: int) -> dict[tuple[str, int], Waiting]:
        images = {shard: self._images[shard] for shard in shards}
        return {
            shard: Waiting(
                len(of.outbox) + len(of.notices), sum(due_ms <= now_ms for due_ms in of.timers.values())
            )
            for shard, of in images.items()
        }

    async def memory(self, shards: Sequence[tuple[str, int]]) -> Memory:
        return Memory(0, 0, {})

    async def generations(self) -> Generations:
        known = {1: Generation(number=1)}
        if self.filling is not None:
            known[2] = Generation(number=2, began_ms=1)
        return Generations(1, known)

    def at(self, generation: int) -> FloorReader:
        assert self.filling is not None
        return self.filling if generation == 2 else self


def floor(config: Config, now: str, fresh: str | None = None, **events: Sequence[Told]) -> FloorReader:
    """A floor with one shard a family: `floor(config, now, tickets=[...])`."""
    return FloorReader({(name, 0): image(name, config, events.get(name, ()), now, fresh) for name in COUNTED})


async def put(config: RedisConfig, images: dict[tuple[str, int], Image], partitions: int = 1) -> None:
    """Writes images into an empty store."""
    store = RedisStore(config, patience_s=10)
    for name in {name for name, _ in images}:
        await store.write_topic(name, StoredTopic(f"support.{name}", partitions))
    for (name, partition), made in images.items():
        await store.commit(name, partition, "", _as_changes(made))
    await store.close()


async def one_ticket(pair: Pair, name: str, serve: ServeConfig, now: str) -> Config:
    """A deployment of this name on the pair, whose numbers are those of one ticket, desk:1 of team a."""
    topics = TopicNames(**{field: f"{name}.{field}" for field in TopicNames.__struct_fields__})
    config = Config(
        kafka=KafkaConfig(bootstrap=pair.bootstrap, topics=topics),
        redis=RedisConfig(url=pair.redis_url, namespace=name), serve=serve,
    )  # fmt: skip
    await create_topics(config, partitions=2)
    told = [("2026-03-02T09:30:00", "ticket.created", "desk:1", TEAM_A)]
    await put(config.redis, {("tickets", 0): image("tickets", config, told, now)})
    return config


def _as_changes(made: Image) -> Changes:
    made.fence.commit_id = new_commit_id()
    return Changes(
        states=dict(made.states),
        cells=[
            (pane, group, packed) for pane, cells in made.cells.items() for group, packed in cells.items()
        ],
        panes_added=list(made.cells),
        levels=dict(made.levels),
        since_added=[Since(*member) for member in made.since],
        timers=dict(made.timers),
        journal=dict(made.journal),
        fence=made.fence,
    )
