"""Redis: can it be reached, is it set up so that no number is lost, and may we do what we need?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stream.doctor.finding import Finding, ok, problem, warning
from stream.doctor.gather import Facts
from stream.store.inspect import READING, WRITING
from stream.store.server import server_problems

AREA: Final = "redis"
FULL_SHARE: Final = 0.85
"""Where the alert FloorcastRedisFull fires."""
NEARLY_FULL_SHARE: Final = 0.7


def connection(facts: Facts) -> Iterator[Finding]:
    """The numbers are there."""
    if facts.redis_fault:
        todo = "readers see nothing and workers wait until it answers; everything in it can be made again"
        yield problem(AREA, facts.redis_fault, todo, "RedisUnreachable")
    if facts.redis is not None:
        info = facts.redis.info
        name, version = "Redis", info.get("redis_version", "?")
        if info.get("server_name") == "valkey":
            name, version = "Valkey", info.get("valkey_version", version)
        yield ok(AREA, f"{facts.config.redis.url} answers: {name} {version}")


def server(facts: Facts) -> Iterator[Finding]:
    """What a worker would refuse: version, memory policy, replica."""
    if facts.redis is None:
        return
    faults = server_problems(facts.redis.info)
    for fault in faults:
        what, _, todo = fault.partition(": ")
        yield problem(AREA, what, todo, "RedisSettings")
    if not faults:
        yield ok(AREA, "its maxmemory-policy is noeviction, it is a primary")
    if evicted := int(facts.redis.info.get("evicted_keys", 0)):
        yield problem(
            AREA, f"it has evicted {evicted} keys since it was started",
            "numbers may be missing: run `floorcast verify`", "RedisSettings",
        )  # fmt: skip


def persistence(facts: Facts) -> Iterator[Finding]:
    """Snapshots make a start quick; when one fails, Redis refuses every write."""
    if facts.redis is None:
        return
    info = facts.redis.info
    aof = bool(int(info.get("aof_enabled", 0)))
    failed = [
        what
        for key, what in (
            ("rdb_last_bgsave_status", "the last snapshot"),
            ("aof_last_write_status", "the last write to the append-only file"),
            ("aof_last_bgrewrite_status", "the last rewrite of the append-only file"),
        )
        if info.get(key, "ok") != "ok"
    ]
    for what in failed:
        yield problem(
            AREA, f"{what} failed: commits are refused until one succeeds",
            "see its log and the space on its disk", "RedisPersistence",
        )  # fmt: skip
    if facts.redis.saves == "" and not aof:
        yield warning(
            AREA, "it keeps no snapshots: after a restart everything is read again",
            "set `save 300 1 60 10000`", "RedisPersistence",
        )  # fmt: skip
    elif not failed:
        age_s = facts.now_ms // 1000 - int(info.get("rdb_last_save_time", 0))
        yield ok(
            AREA, f"its last snapshot (or start) was {age_s} s ago{', append-only file on' if aof else ''}"
        )


def memory(facts: Facts) -> Iterator[Finding]:
    """A full Redis refuses commits."""
    if facts.redis is None:
        return
    used, most = int(facts.redis.info.get("used_memory", 0)), int(facts.redis.info.get("maxmemory", 0))
    limit = "maxmemory"
    if not most:
        most, limit = (
            int(facts.redis.info.get("total_system_memory", 0)),
            "the machine's memory (no maxmemory)",
        )
    share = used / most if most else 0.0
    what = f"{used / 2**20:.0f} MiB are used, {share:.0%} of {limit}"
    todo = "raise maxmemory, or keep less (docs/redis.md)"
    if share > FULL_SHARE:
        yield problem(AREA, what, todo, "FloorcastRedisFull")
    elif share > NEARLY_FULL_SHARE:
        yield warning(AREA, what, todo, "FloorcastRedisFull")
    else:
        yield ok(AREA, what)


def rights(facts: Facts) -> Iterator[Finding]:
    """By Redis' own word, without running anything."""
    if facts.redis is None:
        return
    refused = facts.redis.refused
    todo = "give this user the rules of docs/redis.md"
    if refused is None:
        yield problem(AREA, "this user may run no scripts, or not on these keys", todo, "RedisRights")
        return
    names = {
        line: "|".join(line.split()[:2]) if line.startswith("MEMORY") else line.split()[0] for line in refused
    }
    if reading := [names[line] for line in READING if line in refused]:
        yield problem(AREA, f"this user may not run {', '.join(reading)}", todo, "RedisRights")
    elif refused:
        writing = ", ".join(names[line] for line in WRITING if line in refused)
        yield warning(
            AREA, f"this user may not run {writing}: enough for exporter and serve, not for workers", todo,
            "RedisRights",
        )  # fmt: skip
    else:
        yield ok(AREA, "this user may run what workers and readers need")


CHECKS = (connection, server, persistence, memory, rights)
