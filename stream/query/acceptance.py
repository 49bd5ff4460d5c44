"""Would a record be counted now? The worker's own rules tell, on a copy of its shard that is thrown away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple, Protocol

from stream.config import Config
from stream.events.partition import partition_of
from stream.query.look import Look, Published, in_force
from stream.query.model import StoreReader
from stream.shard.changes import Fence, Loaded, Needs, Record, Restored
from stream.shard.deadletter import read_dead_letter
from stream.shard.drive import drive
from stream.shard.facts import is_facts
from stream.shard.family import family
from stream.shard.shard import Shard
from stream.store import StoredTopic

Outcome = Literal["accepted", "known", "ignored", "refused"]


class Entities(StoreReader, Published, Protocol):
    """What is asked of the store."""

    async def topics(self) -> dict[str, StoredTopic]: ...

    async def read_entities(self, family: str, partition: int, subjects: list[str]) -> dict[str, bytes]: ...


class Answer(NamedTuple):
    """`accepted`; `known`: its event is in its entity's history already; `ignored`: of a type that nobody
    reads; `refused`: with the reason, path and detail of a dead letter."""

    outcome: Outcome
    reason: str = ""
    path: str = ""
    detail: str = ""


class Acceptance:
    """Of one moment: make a new one for each look."""

    def __init__(
        self, config: Config, store: Entities, topics: Mapping[str, StoredTopic], now_ms: int
    ) -> None:
        """`config` as it is in force, `topics` as the store has them; `now_ms`: when a record is sent."""
        self._config = config
        self._store = store
        self._topics = topics
        self._look = Look(store, config)
        self._now_ms = now_ms

    @classmethod
    async def of(cls, config: Config, store: Entities, now_ms: int) -> Acceptance:
        """As of now. Raises StoreError."""
        store = store.pinned()
        return cls(await in_force(store, config), store, await store.topics(), now_ms)

    async def ask(
        self, name: str, key: bytes, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]
    ) -> Answer:
        """What would become of a record in a family's topic. Raises StoreError, and OtherConfiguration."""
        topic = self._topics.get(name)
        partition = partition_of(key, topic.partitions) if topic is not None else 0
        fence = (await self._look.fences(name)).get(partition, Fence())
        shard = Shard(family(name, self._config), "", partition, self._config, judge_share=False)
        shard.restore(Restored(fence))
        record = Record(fence.offset, self._now_ms, value, tuple(headers), key)
        changes = await drive(shard.batch([record], None), partial(self._loaded, name, partition))
        return _answer(changes.outbox_added.get(record.offset), changes.journal)

    async def _loaded(self, name: str, partition: int, needs: Needs) -> Loaded:
        """Entities alone decide; what would become of cells is thrown away."""
        if not needs.states:
            return Loaded()
        return Loaded(states=await self._store.read_entities(name, partition, needs.states))


def _answer(packed: bytes | None, journal: Mapping[str, int]) -> Answer:
    if packed is not None and not is_facts(packed):
        letter = read_dead_letter(packed)
        return Answer("refused", letter.reason, letter.path, letter.detail)
    if journal.get("duplicates"):
        return Answer("known")
    if any(name.startswith("ignored_") for name in journal):
        return Answer("ignored")
    return Answer("accepted")
