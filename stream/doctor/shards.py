"""The shards: of what are they the image, who has them, and how far are they?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from stream.config import format_duration
from stream.doctor.finding import Finding, ok, problem, warning
from stream.doctor.gather import Facts
from stream.shard.changes import Fence
from stream.worker.claim import WrongImage, check_fence, check_topic
from stream.worker.inspect import KafkaFacts
from stream.worker.log import LogIdentity

AREA: Final = "shards"
STALE_MS: Final = 60_000
"""Where the alert FloorcastStale fires."""
REFUSED_SHARE: Final = 0.01
"""Where the alert FloorcastDeadLetters fires."""
NAMED: Final = 10


def images(facts: Facts) -> Iterator[Finding]:
    """Each shard is the image of this log, in this format, under this configuration: a worker would go on."""
    if facts.store is None:
        return
    fences = _fences(facts)
    if not any(fence.commit_id for _, _, fence in fences):
        todo = "start one; with another redis.namespace this configuration looks at another image"
        what = f"no worker has written to the namespace {facts.config.redis.namespace} yet"
        yield warning(AREA, what, todo, "FloorcastNoWorker")
        return
    refused = list(dict.fromkeys(_refusals(facts, fences)))
    for what in refused[:NAMED]:
        yield problem(AREA, what, "see the section of the runbook: nothing is lost", "OtherImage")
    if not refused:
        against = "this log and this configuration" if facts.kafka is not None else "this configuration"
        yield ok(AREA, f"{len(fences)} shards are the image of {against}, format {fences[0][2].format}")


def _fences(facts: Facts) -> list[tuple[str, int, Fence]]:
    fences = facts.store.fences if facts.store is not None else {}
    return [(name, n, fence) for name, found in fences.items() for n, fence in sorted(found.items())]


def _refusals(facts: Facts, fences: Sequence[tuple[str, int, Fence]]) -> Iterator[str]:
    shape = facts.config.shape_hash()
    identities = _identities(facts, facts.kafka) if facts.kafka is not None else {}
    stored = facts.store.topics if facts.store is not None else {}
    for name, identity in identities.items():
        try:
            check_topic(stored.get(name), getattr(facts.config.kafka.topics, name), identity)
        except WrongImage as error:
            yield str(error)
    for name, partition, fence in fences:
        cluster, topic_id, partitions = (fence.log_id or "//0").split("/")
        own = LogIdentity(cluster, None if topic_id == "-" else topic_id, int(partitions))
        try:
            check_fence(fence, f"{name}/{partition}", identities.get(name, own), shape)
        except WrongImage as error:
            yield str(error)


def _identities(facts: Facts, kafka: KafkaFacts) -> dict[str, LogIdentity]:
    names = (
        {name: getattr(facts.config.kafka.topics, name) for name in facts.store.fences} if facts.store else {}
    )
    return {
        name: LogIdentity(kafka.cluster_id, found.topic_id, found.partitions)
        for name, topic in names.items()
        if (found := kafka.topics.get(topic)) is not None
    }


def owners(facts: Facts) -> Iterator[Finding]:
    """By what workers report: every shard has one, and none has two."""
    if facts.store is None or not (fences := _fences(facts)):
        return
    workers = facts.workers()
    if not workers:
        yield problem(
            AREA, "no worker reports", "start one; its log says why the last ended", "FloorcastNoWorker"
        )
        return
    held = Counter(shard for worker in workers for shard in worker.lag)
    for worker in workers:
        yield ok(AREA, f"{worker.name} has {len(worker.lag)} shards: {_listed(sorted(worker.lag))}")
    if nobodys := [f"{name}/{n}" for name, n, _ in fences if f"{name}/{n}" not in held]:
        todo = "wait for the rebalance to end; then look at the log of the workers"
        yield warning(AREA, f"nobody reports to have {_listed(nobodys)}", todo, "FloorcastNoWorker")
    if twice := [shard for shard, count in held.items() if count > 1]:
        todo = "right after a rebalance that passes; else two groups share one redis.namespace"
        yield warning(AREA, f"two report to have {_listed(twice)}", todo, "FloorcastNoWorker")


def lag(facts: Facts) -> Iterator[Finding]:
    """How far each shard is behind its log, and how old what it says is."""
    if facts.store is None or facts.config.clock == "events" or not (fences := _fences(facts)):
        return
    ages = {f"{name}/{n}": facts.now_ms - fence.fresh for name, n, fence in fences if fence.commit_id}
    behind = dict(_behind(facts, fences))
    most = max(behind, key=lambda shard: behind[shard], default="")
    lagging = f", most of them {most}" if most and behind[most] else ""
    stale = sorted((shard for shard, age_ms in ages.items() if age_ms > STALE_MS), key=lambda s: -ages[s])
    if stale:
        oldest = format_duration(ages[stale[0]] // 1000 * 1000) if ages[stale[0]] < facts.now_ms else "ever"
        told = _listed(
            [f"{shard} ({behind[shard]} records)" if shard in behind else shard for shard in stale]
        )
        what = f"{len(stale)} shards have not read their log to its end for up to {oldest}: {told}"
        yield problem(AREA, what, "see whether their worker runs, and its log", "FloorcastStale")
    elif ages:
        within_s = max(ages.values()) / 1000
        what = f"all have read to the end within {within_s:.1f} s, {sum(behind.values())} records behind"
        yield ok(AREA, what + lagging)


def _behind(facts: Facts, fences: Sequence[tuple[str, int, Fence]]) -> Iterator[tuple[str, int]]:
    for name, partition, fence in fences:
        place = (getattr(facts.config.kafka.topics, name), partition)
        if facts.kafka is not None and (found := facts.kafka.partitions.get(place)) is not None:
            yield f"{name}/{partition}", max(0, found.end - fence.offset)


def heads(facts: Facts) -> Iterator[Finding]:
    """What retention deleted before it was read is not in the numbers."""
    if facts.store is None or facts.kafka is None:
        return
    for name, partition, fence in _fences(facts):
        found = facts.kafka.partitions.get((getattr(facts.config.kafka.topics, name), partition))
        if found is not None and fence.commit_id and found.start > fence.offset:
            yield problem(
                AREA, f"{name}/{partition}: {found.start - fence.offset} records were deleted unread",
                "start a worker now; keep the log longer than a worker may be down", "KafkaTopics",
            )  # fmt: skip


def refused(facts: Facts) -> Iterator[Finding]:
    """The share of dead letters among the latest events."""
    high = [
        f"{name}/{n} {fence.refused / fence.seen:.0%}"
        for name, n, fence in _fences(facts)
        if fence.seen and fence.refused > fence.seen * REFUSED_SHARE
    ]
    if high:
        todo = "`floorcast deadletters list` says which and why"
        yield warning(AREA, f"refused of the latest events: {_listed(high)}", todo, "FloorcastDeadLetters")


def _listed(shards: Sequence[str]) -> str:
    return ", ".join(shards[:NAMED]) + (f" and {len(shards) - NAMED} more" if len(shards) > NAMED else "")


CHECKS = (images, owners, lag, heads, refused)
