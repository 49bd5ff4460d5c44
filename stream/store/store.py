"""The store as its users see it: an owner's restore, claim, load and commit, and what readers ask for."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, NamedTuple, Self

from stream.config import RedisConfig
from stream.config.history import decode_version, encode_version
from stream.config.published import History
from stream.metrics.panes import Group, Pane
from stream.shard.changes import Changes, Fence, Loaded, Needs, Restored, Since, Written
from stream.shard.image import Image
from stream.store import carry
from stream.store.client import PATIENCE_S, Client
from stream.store.commit import SCRIPT, new_commit_id, words
from stream.store.connections import Command
from stream.store.drops import read_drops
from stream.store.errors import Fenced
from stream.store.generations import (
    CURRENT,
    Generation,
    Generations,
    current_of,
    forget_generation,
    read_generations,
    write_generation,
)
from stream.store.image import read_image, read_names
from stream.store.inspect import RedisFacts, inspect
from stream.store.layout import (
    FIRST,
    LAST,
    ShardKeys,
    generation_name,
    generations_key,
    read_fence,
    read_index,
    read_member,
    read_written,
    reports_key,
    topics_key,
    versions_key,
)
from stream.store.memory import Memory, read_memory
from stream.store.reads import Panes, read_hashes, read_panes, scan, score_pairs
from stream.store.reports import Report, decode_report, encode_report, forgotten
from stream.store.server import check_server
from stream.store.topics import StoredTopic, pack_topic, read_topic


class Waiting(NamedTuple):
    """In one shard: entries of its outbox and notices, and timers that are due."""

    entries: int
    timers: int


UNLINKED_MAX: Final = 500
"""Keys that one command deletes."""


class _Known:
    """What was found last, shared by all views of a store: which generation is live, and the partitions of
    each generation's families."""

    def __init__(self) -> None:
        self.live = FIRST
        self.partitions: dict[int, dict[str, int]] = {}


class RedisStore:
    """Shards in Redis. Everything may raise Unavailable (no answer for `patience_s`) and Rejected.

    It reads the live generation, whichever that is each time that fences are asked for. Who writes, or needs
    several answers of one generation, takes a view: `at`, `live` or `pinned`.
    """

    def __init__(self, config: RedisConfig, patience_s: float = PATIENCE_S) -> None:
        """Connects when first used."""
        self.namespace = config.namespace
        self._client = Client(config, patience_s)
        self._known = _Known()
        self._generation: int | None = None
        self._pins = False

    @property
    def generation(self) -> int:
        """The number of the generation that is read."""
        return self._known.live if self._generation is None else self._generation

    def at(self, generation: int) -> Self:
        """A view of this generation, live or not, on the same connections."""
        view = copy.copy(self)
        view._generation = generation
        return view

    def pinned(self) -> Self:
        """A view of the generation that is live when it is first asked for fences or topics."""
        view = copy.copy(self)
        view._pins = True
        return view

    async def live(self) -> Self:
        """A view of the generation that is live now."""
        return self.at((await self.generations()).current)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def check_server(self) -> None:
        """To be called at start. Raises Unsuitable when this server, as it is set up, could lose numbers."""
        await check_server(self._client)

    async def inspect(self) -> RedisFacts:
        """How this server is set up, and what this user may do."""
        return await inspect(self._client, self.namespace)

    # The owner of a shard

    async def restore(self, family: str, partition: int) -> Restored:
        """What the owner of a shard keeps in memory. It is whole only if `claim` with its fence succeeds."""
        keys = self._keys(family, partition)
        # The fence first: if somebody commits while we read the rest, `claim` finds out.
        fence, names, groups, levels, timers, outbox, notices, journal = await self._client.ask(
            [
                ("HGETALL", keys.fence),
                ("SMEMBERS", keys.index),
                ("HGETALL", keys.groups),
                ("HGETALL", keys.levels),
                ("ZRANGE", keys.timers, 0, -1, "WITHSCORES"),
                ("HGETALL", keys.outbox),
                ("HGETALL", keys.notices),
                ("HGETALL", keys.journal),
            ]
        )
        index = read_index(names)
        return Restored(
            fence=read_fence(fence),
            panes=index.panes,
            drop_days=index.drop_days,
            groups=set(groups),
            levels=levels,
            timers={subject.decode(): due_ms for subject, due_ms in score_pairs(timers)},
            outbox={int(offset): letter for offset, letter in outbox.items()},
            notices={int(number): packed for number, packed in notices.items()},
            journal={name.decode(): int(count) for name, count in journal.items()},
        )

    async def claim(self, family: str, partition: int, restored: Fence) -> Fence:
        """Takes the shard: from now on only who knows the fence returned may write. Raises Fenced."""
        fence = replace(restored, commit_id=new_commit_id())
        await self.commit(family, partition, restored.commit_id, Changes(fence=fence))
        return fence

    async def fence(self, family: str, partition: int) -> Fence:
        """The fence of a shard."""
        (stored,) = await self._client.ask([("HGETALL", self._keys(family, partition).fence)])
        return read_fence(stored)

    async def load(self, family: str, partition: int, needs: Needs) -> Loaded:
        """What a batch asks for; a round trip for cells and one for the rest. Only the owner's own commits
        change what it finds."""
        keys = self._keys(family, partition)
        drop_days = [("GET", keys.drop(day)) for day in needs.drop_days]
        (states,), drops = await read_hashes(self._client, [(keys.states, needs.states)], drop_days)
        return Loaded(
            states=states,
            cells=await self._load_cells(keys, needs.cells),
            drops={day: read_drops(log) for day, log in zip(needs.drop_days, drops, strict=True)},
        )

    async def commit(self, family: str, partition: int, expected_commit_id: str, changes: Changes) -> None:
        """Writes a batch, all of it or nothing. `changes.fence.commit_id` must be new (`new_commit_id`).

        Raises Fenced when the store is not at `expected_commit_id`. After Unavailable it is not known whether
        it was applied: drop the shard's memory and restore.
        """
        new = changes.fence.commit_id
        if new in ("", expected_commit_id):
            raise ValueError(f"a commit needs a new commit_id, not {new!r}")
        keys = self._keys(family, partition)
        call = words(keys, expected_commit_id, changes)
        # Sending it again after a lost reply is safe: one that was applied answers with its own id.
        (answer,) = await self._client.run(SCRIPT, [call])
        if (current := answer.decode()) != new:
            raise Fenced(keys.shard, current)

    # A rebuild

    async def panes(self, family: str, partition: int) -> tuple[Fence, list[Pane]]:
        """The fence of a shard, and the panes that it has had since then."""
        keys = self._keys(family, partition)
        fence, names = await self._client.ask([("HGETALL", keys.fence), ("SMEMBERS", keys.index)])
        return read_fence(fence), read_index(names).panes

    async def take_over(
        self, family: str, partition: int, source: Self, expected: Fence, panes: Sequence[Pane],
        carried_ms: int, levels: bool,
    ) -> bool:  # fmt: skip
        """Begins a shard with the histories, timers, outbox and journal of another generation's, these panes
        of it, and with `levels` its live levels, if the fence there is still `expected`. The new fence says
        so: none of the histories is counted. Raises Fenced when somebody has begun it."""
        keys, new = self._keys(family, partition), new_commit_id()
        there = source._keys(family, partition)
        call = carry.words(keys, there, ("", new, expected.commit_id), carried_ms, panes, levels)
        (answer,) = await self._client.run(carry.SCRIPT, [call])
        if answer == carry.MOVED:
            return False
        if (current := answer.decode()) != new:
            raise Fenced(keys.shard, current)
        return True

    # Readers

    async def fences(self, family: str) -> dict[int, Fence]:
        """The fence of each partition of a family; none when no such topic has been noted (`write_topic`)."""
        return (await self.fences_of((family,)))[family]

    async def fences_of(self, families: Sequence[str]) -> dict[str, dict[int, Fence]]:
        """The fences of several families, in one round trip."""
        while True:
            at, counts = self.generation, self._partitions()
            known = [(name, n) for name in families for n in range(counts.get(name, 0))]
            commands: list[Command] = [self._pointer(), ("HMGET", topics_key(self._name), *families)]
            commands += [("HGETALL", self._keys(*shard).fence) for shard in known]
            current, topics, *fences = await self._client.ask(commands)
            if self._moved(at, current):
                continue
            partitions = {
                name: read_topic(topic).partitions if topic is not None else 0
                for name, topic in zip(families, topics, strict=True)
            }
            if all(count == counts.get(name, 0) for name, count in partitions.items()):
                found: dict[str, dict[int, Fence]] = {name: {} for name in families}
                for (name, partition), fence in zip(known, fences, strict=True):
                    found[name][partition] = read_fence(fence)
                return found
            counts |= partitions

    async def read_cells(
        self, family: str, panes: Mapping[int, Sequence[Pane]], groups: Sequence[Group] | None
    ) -> dict[int, dict[Pane, dict[Group, bytes]]]:
        """By partition, the packed cells that panes have: of these groups, or of all (None)."""
        keys = {partition: self._keys(family, partition) for partition in panes}
        wanted = [
            Panes(keys[n].groups, [keys[n].cells(p) for p in asked], groups) for n, asked in panes.items()
        ]
        hashes = await read_panes(self._client, wanted)
        return {
            partition: {pane: cells for pane, cells in zip(asked, found, strict=True) if cells}
            for (partition, asked), found in zip(panes.items(), hashes, strict=True)
        }

    async def written(
        self, family: str, partitions: Sequence[int], known: Mapping[int, Written]
    ) -> dict[int, Written]:
        """By partition, the latest writes of long panes; read only where `known` is not of now."""
        keys = {partition: self._keys(family, partition).written for partition in partitions}
        answers = await self._client.ask([("HGET", key, LAST) for key in keys.values()])
        last = {partition: now or b"" for partition, now in zip(partitions, answers, strict=True)}
        stale = [n for n in partitions if n not in known or known[n].last != last[n]]
        found = await self._client.ask([("HGETALL", keys[partition]) for partition in stale])
        new = dict(zip(stale, map(read_written, found), strict=True))
        return {partition: new.get(partition) or known[partition] for partition in partitions}

    async def read_levels(
        self, family: str, partitions: Sequence[int], groups: Sequence[Group] | None
    ) -> dict[int, dict[Group, bytes]]:
        """By partition, the packed live levels: of these groups, or of all (None)."""
        keys = [self._keys(family, partition).levels for partition in partitions]
        levels, _ = await read_hashes(self._client, ((key, groups) for key in keys))
        return dict(zip(partitions, levels, strict=True))

    async def read_members(
        self, family: str, partitions: Sequence[int], level: int, oldest: bool
    ) -> list[Since]:
        """Who stands in a level of these shards; with `oldest` only who does so longest in each."""
        last = 0 if oldest else -1
        answers = await self._client.ask(
            [
                ("ZRANGE", self._keys(family, partition).since(level), 0, last, "WITHSCORES")
                for partition in partitions
            ]
        )
        return [
            read_member(level, member, since_ms)
            for answer in answers
            for member, since_ms in score_pairs(answer)
        ]

    async def read_soonest(
        self, family: str, places: Sequence[tuple[int, int]], most: int
    ) -> list[list[Since]]:
        """Of who stands in each (partition, level) those with the least instants."""
        keys = [self._keys(family, partition).since(level) for partition, level in places]
        answers = await self._client.ask([("ZRANGE", key, 0, most - 1, "WITHSCORES") for key in keys])
        return [
            [read_member(level, member, since_ms) for member, since_ms in score_pairs(answer)]
            for (_, level), answer in zip(places, answers, strict=True)
        ]

    async def read_entities(self, family: str, partition: int, subjects: list[str]) -> dict[str, bytes]:
        """Packed entities of a shard, by subject; those that are not there are left out."""
        wanted = [(self._keys(family, partition).states, subjects)]
        ((found,), _) = await read_hashes(self._client, wanted)
        return found

    async def read_states(self, family: str, partition: int) -> list[tuple[str, bytes]]:
        """Every packed entity of a shard, in steps of a bounded size: not of one moment."""
        (states,) = await scan(self._client, "HSCAN", [self._keys(family, partition).states])
        return [(subject.decode(), packed) for subject, packed in states]

    async def journals(self, family: str) -> dict[int, dict[str, int]]:
        """By partition, what was counted about the work itself: records, duplicates, refusals by reason."""
        view = self.pinned()
        partitions = list(await view.fences(family))
        answers = await self._client.ask(
            [("HGETALL", view._keys(family, partition).journal) for partition in partitions]
        )
        return {
            partition: {name.decode(): int(count) for name, count in journal.items()}
            for partition, journal in zip(partitions, answers, strict=True)
        }

    async def undelivered(self, family: str) -> dict[int, int]:
        """By partition, of how many records the dead letters or facts are not known to be in their topics."""
        view = self.pinned()
        partitions = list(await view.fences(family))
        outboxes = await view.outboxes([(family, partition) for partition in partitions])
        return dict(zip(partitions, outboxes, strict=True))

    async def image(self, family: str, partition: int) -> Image:
        """All of a shard, for verification. Raises ImageMoved when a commit comes meanwhile."""
        return await read_image(self._client, self._keys(family, partition))

    # The deployment

    async def write_topic(self, family: str, topic: StoredTopic) -> None:
        """Notes which topic a family is read from, and how many shards that makes."""
        key = topics_key(self._name)
        await self._client.patiently(lambda: self._client.send("HSET", key, family, pack_topic(topic)))

    async def write_versions(self, history: History) -> None:
        """Notes what was published, so that readers know without asking Kafka."""
        told = [word for number, version in enumerate(history) for word in (number, encode_version(version))]
        if told:
            key = versions_key(self.namespace)
            await self._client.patiently(lambda: self._client.send("HSET", key, *told))

    async def versions(self, known: int) -> History:
        """What was published behind `known` versions, as far as any worker has read it."""
        key = versions_key(self.namespace)
        (count,) = await self._client.ask([("HLEN", key)])
        if count <= known:
            return ()
        (found,) = await self._client.ask([("HMGET", key, *range(known, count))])
        return tuple(decode_version(version) for version in found)

    async def topics(self) -> dict[str, StoredTopic]:
        """The topic of each family."""
        while True:
            at = self.generation
            commands = [self._pointer(), ("HGETALL", topics_key(self._name))]
            current, stored = await self._client.ask(commands)
            if not self._moved(at, current):
                break
        return {family.decode(): read_topic(topic) for family, topic in stored.items()}

    async def write_report(self, report: Report) -> None:
        """What a process says about itself, in place of what it said before; what was said long ago by
        others goes."""
        key = reports_key(self.namespace)
        (found,) = await self._client.ask([("HGETALL", key)])
        if old := forgotten(found, report.at_ms):
            await self._client.patiently(lambda: self._client.send("HDEL", key, *old))
        packed = encode_report(report)
        await self._client.patiently(lambda: self._client.send("HSET", key, report.name, packed))

    async def reports(self) -> list[Report]:
        """What processes have said last, also those that are gone."""
        (found,) = await self._client.ask([("HGETALL", reports_key(self.namespace))])
        return [report for packed in found.values() if (report := decode_report(packed)) is not None]

    async def waiting(self, shards: Sequence[tuple[str, int]], now_ms: int) -> dict[tuple[str, int], Waiting]:
        """What waits in each of these shards, in one round trip."""
        commands: list[Command] = []
        for shard in shards:
            keys = self._keys(*shard)
            commands += [
                ("HLEN", keys.outbox), ("HLEN", keys.notices), ("ZCOUNT", keys.timers, "-inf", now_ms)
            ]  # fmt: skip
        answers = await self._client.ask(commands)
        found = zip(shards, answers[::3], answers[1::3], answers[2::3], strict=True)
        return {shard: Waiting(outbox + notices, due) for shard, outbox, notices, due in found}

    async def outboxes(self, shards: Sequence[tuple[str, int]]) -> list[int]:
        """How many records' dead letters or facts wait in each of these shards, in one round trip."""
        answers = await self._client.ask([("HLEN", self._keys(*shard).outbox) for shard in shards])
        return list(map(int, answers))

    async def memory(self, shards: Sequence[tuple[str, int]]) -> Memory:
        """Memory of the server, and about how much of it is what."""
        return await read_memory(self._client, [self._keys(*shard) for shard in shards])

    async def delete_shard(self, family: str, partition: int) -> None:
        """Deletes every key of a shard, in portions; when interrupted, what is left can be deleted again. Its
        worker must be stopped: it is fenced, and would start the shard anew."""
        keys = self._keys(family, partition)
        # The fence goes before everything else, the index after what it names.
        await self._unlink([key for key in keys.always if key != keys.index])
        names = await read_names(self._client, keys)
        for start in range(0, len(names), UNLINKED_MAX):
            await self._unlink(list(map(keys.named, names[start : start + UNLINKED_MAX])))
        await self._unlink([keys.index])

    async def delete_namespace(self) -> None:
        """Deletes every shard of the topics that were noted, and the notes. Workers must be stopped."""
        for number in (await self.generations()).known:
            await self.drop(number)
        for key in (versions_key, reports_key, generations_key):  # each may be on another server of a cluster
            await self._unlink([key(self.namespace)])

    # Generations

    async def generations(self) -> Generations:
        """Which there are, and which is live."""
        return await read_generations(self._client, self.namespace)

    async def write_generation(self, one: Generation, live: bool = False) -> None:
        """Notes a generation; with `live`, readers and workers go to it from now on."""
        await write_generation(self._client, self.namespace, one, live)

    async def drop(self, number: int) -> None:
        """Deletes a generation that nobody reads: its shards, then what says that there are any."""
        view = self.at(number)
        for family, topic in (await view.topics()).items():
            for partition in range(topic.partitions):
                await view.delete_shard(family, partition)
        await self._unlink([topics_key(view._name)])
        await forget_generation(self._client, self.namespace, number)

    async def _unlink(self, keys: Sequence[bytes]) -> None:
        await self._client.patiently(lambda: self._client.send("UNLINK", *keys))

    async def _load_cells(
        self, keys: ShardKeys, asked: Mapping[Pane, list[Group] | None]
    ) -> dict[Pane, dict[Group, bytes]]:
        whole = [pane for pane, groups in asked.items() if groups is None]
        parts = [(pane, groups) for pane, groups in asked.items() if groups is not None]
        wanted = [Panes(keys.groups, [keys.cells(pane) for pane in whole], None)]
        wanted += [Panes(keys.groups, [keys.cells(pane)], groups) for pane, groups in parts]
        found = await read_panes(self._client, wanted)
        return dict(zip([*whole, *(pane for pane, _ in parts)], chain(*found), strict=True))

    def _keys(self, family: str, partition: int) -> ShardKeys:
        return ShardKeys(self._name, family, partition)

    @property
    def _name(self) -> str:
        return generation_name(self.namespace, self.generation)

    def _partitions(self) -> dict[str, int]:
        return self._known.partitions.setdefault(self.generation, {})

    def _pointer(self) -> Command:
        return "HGET", generations_key(self.namespace), CURRENT

    def _moved(self, at: int, current: bytes | None) -> bool:
        """Whether generation `at` was asked, and by now another one is live, which is then the one to ask."""
        if self._generation is not None:
            return self._generation != at
        self._known.live = current_of(current)
        if self._known.live == at and self._pins:
            self._generation = at
        return self._known.live != at
