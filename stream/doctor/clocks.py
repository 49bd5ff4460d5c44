"""Clocks: this machine's, Redis', those of producers and of workers. Times are compared between machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stream.doctor.finding import Finding, ok, problem, warning
from stream.doctor.gather import Facts
from stream.sources.topics import AFTER_MAX
from stream.worker.mailbox import CAUGHT_UP_MS

AREA: Final = "clocks"
SKEW_MS: Final = CAUGHT_UP_MS
"""From here on freshness is told wrongly, and timers fire early or late."""
_CHRONY: Final = "let NTP keep the clocks of all machines (`chronyc tracking`)"


def redis(facts: Facts) -> Iterator[Finding]:
    """Redis' machine against this one."""
    if facts.redis is None or facts.redis.ahead_ms is None:
        return
    ahead_ms, within_ms = facts.redis.ahead_ms, facts.redis.within_ms
    if abs(ahead_ms) - within_ms > SKEW_MS:
        what = f"Redis' clock is {abs(ahead_ms) / 1000:.1f} s {'ahead' if ahead_ms > 0 else 'behind'}"
        yield warning(AREA, what, _CHRONY, "ClocksApart")
    else:
        yield ok(AREA, f"this machine's and Redis' differ by {abs(ahead_ms)} ms (within {within_ms})")


def records(facts: Facts) -> Iterator[Finding]:
    """Timestamps of the newest records: a producer's clock that is ahead moves the time of the log."""
    if facts.kafka is None or facts.config.clock == "events":
        return
    newest = max((found.newest_ms or 0 for found in facts.kafka.partitions.values()), default=0)
    if newest - facts.now_ms > SKEW_MS:
        where = [
            f"{topic}/{n}"
            for (topic, n), found in facts.kafka.partitions.items()
            if found.newest_ms == newest
        ]
        what = f"the newest record of {where[0]} was sent {(newest - facts.now_ms) / 1000:.1f} s from now"
        level = problem if newest - facts.now_ms > facts.config.future_ms else warning
        yield level(AREA, what, f"mend the clock of its producer; {_CHRONY}", "ClocksApart")
    elif newest:
        yield ok(AREA, f"the newest record was sent {(facts.now_ms - newest) / 1000:.1f} s ago")


def logs(facts: Facts) -> Iterator[Finding]:
    """A shard whose log's time is ahead takes what arrives in time for late."""
    if facts.store is None or facts.config.clock == "events":
        return
    ahead = {
        f"{name}/{n}": fence.log_clock - facts.now_ms
        for name, fences in facts.store.fences.items()
        for n, fence in fences.items()
        if fence.log_clock - facts.now_ms > facts.config.future_ms
    }
    for shard, ahead_ms in list(ahead.items())[:5]:
        yield problem(
            AREA, f"{shard}: a record has moved the log's time {ahead_ms / 3_600_000:.1f} h ahead of now",
            f"events are late that much sooner until then. Have Kafka refuse such records: {AFTER_MAX}",
            "ClocksApart",
        )  # fmt: skip


def workers(facts: Facts) -> Iterator[Finding]:
    """A worker reports with its own time."""
    for worker in facts.workers():
        if worker.at_ms - facts.now_ms > SKEW_MS:
            what = f"{worker.name} is {(worker.at_ms - facts.now_ms) / 1000:.1f} s ahead of this machine"
            yield warning(AREA, what, _CHRONY, "ClocksApart")


CHECKS = (redis, records, logs, workers)
