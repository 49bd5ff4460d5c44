"""How floorcast itself is, for `/metrics`: what workers and dispatchers say, what waits, and memory. Who says
nothing any more has no series: they go stale instead of flat.

A worker whose commit is refused ends, and a dispatcher finds what is too old when it starts: series of their
own would begin with what they have to tell, and show no rise. So such counters are added up over processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from stream.query.model import Reader
from stream.query.panes import PaneMemory
from stream.serve.counters import Handed, Key
from stream.serve.families import PREFIX
from stream.serve.samples import Families, Labels
from stream.shard.changes import Fence
from stream.shard.family import COUNTED
from stream.store import Generations, Memory, Report, StoreError, Waiting
from stream.store.reports import DispatcherReport, VerifyReport, WorkerReport, is_told

MEMORY_MS: Final = 60_000
"""So often memory is measured: it takes some thousand commands."""
COUNTERS: Final = {
    f"{PREFIX}fence_refusals_total": "Commits and claims that Redis refused: another worker has the shard.",
    f"{PREFIX}deliveries_total": "Attempts to deliver: sent, failed (tried again) or refused (given up).",
    f"{PREFIX}delivery_retries_total": "Attempts to deliver after a failed one.",
    f"{PREFIX}delivery_repeats_total": "Messages sent again that may have arrived before.",
    f"{PREFIX}alerts_too_old_total": "Alerts that were too old to be sent.",
    f"{PREFIX}alerts_decided_total": "Alerts that were not sent, as the clock had been decided.",
    f"{PREFIX}alerts_unreadable_total": "Records of the topics of alerts that are none.",
}
"""What processes count, added up over all of them."""
Shards = Mapping[tuple[str, int], Fence]


class HealthSource(Protocol):
    """What is read of the store."""

    async def reports(self) -> list[Report]: ...

    async def waiting(
        self, shards: Sequence[tuple[str, int]], now_ms: int
    ) -> dict[tuple[str, int], Waiting]: ...

    async def memory(self, shards: Sequence[tuple[str, int]]) -> Memory: ...

    async def generations(self) -> Generations: ...

    def at(self, generation: int) -> Reader: ...


class Health:
    """Of one deployment, read again and again."""

    def __init__(self, source: HealthSource) -> None:
        self._source = source
        self._handed = Handed()
        self._memory: Memory | None = None
        self._memory_ms = 0
        self._measured: set[tuple[str, int]] = set()
        self._stuck: dict[tuple[str, int], tuple[tuple[int, int], int]] = {}

    async def read(self, shards: Shards, now_ms: int, wall_ms: int) -> Families:
        """As of this moment. `now_ms`: what now is for timers; with `clock: events` it is not the wall's."""
        families = Families()
        reports = await self._source.reports()
        # Of the silent ones, too: what they counted last may not have been seen.
        self._handed.see({one.name: _counted(one) for one in reports})
        told = [one for one in reports if is_told(one, wall_ms)]
        for one in told:
            if isinstance(one, WorkerReport):
                _add_worker(families, one)
            elif isinstance(one, VerifyReport):
                words = "Keys of Redis that are not what the log says, as of the last `floorcast verify`."
                families.add(f"{PREFIX}replay_drift", words, (), one.differences)
        _add_dispatchers(families, [one for one in told if isinstance(one, DispatcherReport)])
        for (name, labels), count in sorted(self._handed.totals.items()):
            families.add(name, COUNTERS[name], labels, count)
        _add_clocks(families, shards)
        await self._add_rebuilds(families, shards)
        self._add_waiting(families, shards, await self._source.waiting(list(shards), now_ms), wall_ms)
        await self._add_memory(families, shards, wall_ms)
        return families

    async def _add_rebuilds(self, families: Families, shards: Shards) -> None:
        """How far those are that fill a generation; when nothing is live nobody can say."""
        live = sum(fence.offset for fence in shards.values())
        for one in (await self._source.generations()).filling if live else ():
            fences = await self._source.at(one.number).fences_of(COUNTED)
            read = sum(fence.offset for of in fences.values() for fence in of.values())
            words = "How much of what the live numbers count a rebuild has read; 1: all of it."
            labels = (("generation", str(one.number)),)
            families.add(f"{PREFIX}rebuild_read_ratio", words, labels, min(1.0, read / live))

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


def _counted(report: Report) -> dict[Key, float]:
    """What a process has counted of what is in COUNTERS."""
    if isinstance(report, WorkerReport):
        return {(f"{PREFIX}fence_refusals_total", ()): report.refusals}
    if not isinstance(report, DispatcherReport):
        return {}
    counts: dict[Key, float] = {
        (f"{PREFIX}alerts_too_old_total", ()): report.too_old,
        (f"{PREFIX}alerts_decided_total", ()): report.decided,
        (f"{PREFIX}alerts_unreadable_total", ()): report.unreadable,
    }
    for destination, channel, result, count in report.deliveries:
        labels: Labels = (("destination", destination), ("channel", channel), ("result", result))
        counts[f"{PREFIX}deliveries_total", labels] = count
    for name, by_destination in (("retries", report.retries), ("repeats", report.repeats)):
        for destination, count in by_destination.items():
            counts[f"{PREFIX}delivery_{name}_total", (("destination", destination),)] = count
    return counts


def _add_worker(families: Families, one: WorkerReport) -> None:
    worker = ("worker", one.name)
    words = "Workers that run, by host and process."
    families.add(f"{PREFIX}worker_up", words, (worker, ("version", one.version)), 1)
    words = "Commits: from the first record that is folded to the answer of Redis."
    families.add_histogram(f"{PREFIX}commit_seconds", words, (worker,), one.commits)
    words = "Records in a commit; ticks of the clock, which have none, left out."
    families.add_histogram(f"{PREFIX}batch_records", words, (worker,), one.batches)
    for shard, behind in one.lag.items():
        family, _, partition = shard.partition("/")
        words = "Records of a shard that its worker has not read yet."
        labels = (("topic", family), ("partition", partition), worker)
        families.add(f"{PREFIX}shard_lag_records", words, labels, behind)


def _add_dispatchers(families: Families, dispatchers: Iterable[DispatcherReport]) -> None:
    opened: dict[str, bool] = {}
    for one in dispatchers:
        words = "Dispatchers of alerts that run, by host and process."
        labels = (("dispatcher", one.name), ("version", one.version))
        families.add(f"{PREFIX}dispatcher_up", words, labels, 1)
        for destination, state in one.circuits.items():
            opened[destination] = opened.get(destination, False) or state == "open"
    for destination, is_open in opened.items():
        words = "Whether a destination is left alone for a while, as it failed again and again."
        families.add(f"{PREFIX}delivery_circuit_open", words, (("destination", destination),), is_open)


def _add_clocks(families: Families, shards: Shards) -> None:
    for (family, partition), fence in shards.items():
        labels = (("topic", family), ("partition", str(partition)))
        if fence.clock:
            words = "Up to when all timers of the shard have fired."
            families.add(f"{PREFIX}shard_clock_timestamp_seconds", words, labels, fence.clock / 1000)
        if fence.carried_ms:
            words = "Panes of before were carried over by a rebuild: its log did not tell them any more."
            families.add(f"{PREFIX}carried_before_timestamp_seconds", words, labels, fence.carried_ms / 1000)
