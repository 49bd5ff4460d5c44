"""How floorcast itself is, for `/metrics`: what workers and dispatchers say, what waits, and memory. Who says
nothing any more has no series: they go stale instead of flat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from stream.query.panes import PaneMemory
from stream.serve.families import PREFIX
from stream.serve.samples import Families, Labels
from stream.shard.changes import Fence
from stream.store import Memory, Report, StoreError, Waiting
from stream.store.reports import GONE_MS, DispatcherReport, VerifyReport, WorkerReport

MEMORY_MS: Final = 60_000
"""So often memory is measured: it takes some thousand commands."""
Shards = Mapping[tuple[str, int], Fence]


class HealthSource(Protocol):
    """What is read of the store."""

    async def reports(self) -> list[Report]: ...

    async def waiting(
        self, shards: Sequence[tuple[str, int]], now_ms: int
    ) -> dict[tuple[str, int], Waiting]: ...

    async def memory(self, shards: Sequence[tuple[str, int]]) -> Memory: ...


class Health:
    """Of one deployment, read again and again."""

    def __init__(self, source: HealthSource) -> None:
        self._source = source
        self._memory: Memory | None = None
        self._memory_ms = 0
        self._measured: set[tuple[str, int]] = set()
        self._stuck: dict[tuple[str, int], tuple[tuple[int, int], int]] = {}

    async def read(self, shards: Shards, wall_ms: int) -> Families:
        """As of this moment."""
        families = Families()
        reports = await self._source.reports()
        living = [one for one in reports if wall_ms - one.at_ms <= GONE_MS]
        _add_workers(families, [one for one in living if isinstance(one, WorkerReport)])
        _add_dispatchers(families, [one for one in living if isinstance(one, DispatcherReport)])
        for one in reports:
            if isinstance(one, VerifyReport):
                words = "Keys of Redis that are not what the log says, as of the last `floorcast verify`."
                families.add(f"{PREFIX}replay_drift", words, (), one.differences)
        self._add_waiting(families, shards, await self._source.waiting(list(shards), wall_ms), wall_ms)
        await self._add_memory(families, shards, wall_ms)
        return families

    def _add_waiting(
        self, families: Families, shards: Shards, waiting: Mapping[tuple[str, int], Waiting], wall_ms: int
    ) -> None:
        oldest: dict[str, int] = {}
        timers: dict[str, int] = {}
        for shard, found in waiting.items():
            family, partition = shard
            words = "What a shard has to tell (facts, dead letters, news of clocks) and has not yet."
            labels = (("topic", family), ("partition", str(partition)))
            families.add(f"{PREFIX}outbox_entries", words, labels, found.entries)
            since_ms = self._waiting_since(shard, shards[shard], found.entries, wall_ms)
            oldest[family] = max(oldest.get(family, 0), wall_ms - since_ms)
            timers[family] = timers.get(family, 0) + found.timers
        for family, age_ms in oldest.items():
            topic = (("topic", family),)
            words = "For how long a shard's outbox has not got on while something is in it."
            families.add(f"{PREFIX}outbox_oldest_seconds", words, topic, age_ms / 1000)
            words = "Timers whose instant has come and that have not fired yet."
            families.add(f"{PREFIX}timers_due", words, topic, timers[family])

    def _waiting_since(self, shard: tuple[str, int], fence: Fence, entries: int, wall_ms: int) -> int:
        """Since when (ms) nothing of a shard's outbox has been delivered."""
        if not entries:
            self._stuck.pop(shard, None)
            return wall_ms
        stands = fence.delivered, fence.told
        known = self._stuck.get(shard)
        if known is None or known[0] != stands:
            known = self._stuck[shard] = stands, wall_ms
        return known[1]

    async def _add_memory(self, families: Families, shards: Shards, wall_ms: int) -> None:
        recent = 0 <= wall_ms - self._memory_ms < MEMORY_MS
        if not recent or self._measured != shards.keys():
            self._memory_ms, self._measured = wall_ms, set(shards)
            try:
                self._memory = await self._source.memory(list(shards))
            except StoreError:  # a reader's rights may not suffice: docs/redis.md
                self._memory = None
        if self._memory is None:
            return
        families.add(f"{PREFIX}redis_used_bytes", "Memory that Redis uses.", (), self._memory.used)
        words = "Memory that Redis may use (maxmemory); 0: no limit."
        families.add(f"{PREFIX}redis_max_bytes", words, (), self._memory.most)
        words = "About how much of it is what, from a sample of keys, once a minute."
        for kind, used in self._memory.by_kind.items():
            families.add(f"{PREFIX}redis_memory_bytes", words, (("kind", kind),), used)


def add_pane_memory(families: Families, memory: PaneMemory) -> None:
    """How often the exporter needed not read closed panes again."""
    counts = {
        "hit": memory.panes.hits + memory.sums.hits, "miss": memory.panes.misses + memory.sums.misses
    }  # fmt: skip
    for result, count in counts.items():
        words = "Closed panes and their sums that were remembered, or had to be read."
        families.add(f"{PREFIX}pane_memory_total", words, (("result", result),), count)


def _add_workers(families: Families, workers: Iterable[WorkerReport]) -> None:
    for one in workers:
        worker = ("worker", one.name)
        words = "Workers that run, by host and process."
        families.add(f"{PREFIX}worker_up", words, (worker, ("version", one.version)), 1)
        words = "Commits: from the first record that is folded to the answer of Redis."
        families.add_histogram(f"{PREFIX}commit_seconds", words, (worker,), one.commits)
        words = "Records in a commit; ticks of the clock, which have none, left out."
        families.add_histogram(f"{PREFIX}batch_records", words, (worker,), one.batches)
        words = "Commits that Redis refused: another worker has the shard."
        families.add(f"{PREFIX}fence_refusals_total", words, (worker,), one.refusals)
        for shard, behind in one.lag.items():
            family, _, partition = shard.partition("/")
            words = "Records of a shard that its worker has not read yet."
            labels = (("topic", family), ("partition", partition), worker)
            families.add(f"{PREFIX}shard_lag_records", words, labels, behind)


def _add_dispatchers(families: Families, dispatchers: Iterable[DispatcherReport]) -> None:
    for one in dispatchers:
        own = ("dispatcher", one.name)
        words = "Dispatchers of alerts that run, by host and process."
        families.add(f"{PREFIX}dispatcher_up", words, (own, ("version", one.version)), 1)
        for destination, channel, result, count in one.deliveries:
            labels: Labels = (
                ("destination", destination), ("channel", channel), ("result", result), own,
            )  # fmt: skip
            words = "Attempts to deliver: sent, failed (tried again) or refused (given up)."
            families.add(f"{PREFIX}deliveries_total", words, labels, count)
        for destination, state in one.circuits.items():
            words = "Whether a destination is left alone for a while, as it failed again and again."
            labels = (("destination", destination), own)
            families.add(f"{PREFIX}delivery_circuit_open", words, labels, int(state == "open"))
        for name, words, count in (
            ("alerts_too_old", "Alerts that were too old to be sent.", one.too_old),
            ("alerts_decided", "Alerts that were not sent, as the clock had been decided.", one.decided),
            ("alerts_unreadable", "Records of the topics of alerts that are none.", one.unreadable),
        ):
            families.add(f"{PREFIX}{name}_total", words, (own,), count)
        for destination in one.circuits:
            for name, words, counts in (
                ("delivery_retries", "Attempts after a failed one.", one.retries),
                ("delivery_repeats", "Messages that may have arrived before.", one.repeats),
            ):
                labels = (("destination", destination), own)
                families.add(f"{PREFIX}{name}_total", words, labels, counts.get(destination, 0))
