"""A look at Redis as it is set up: what `floorcast doctor` judges. Changes nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from stream.store.client import Client
from stream.store.errors import Rejected
from stream.store.layout import reports_key
from stream.store.script import Script

READING: Final = (
    "PING", "INFO", "EVALSHA x 1 key", "EVAL x 1 key", "HGET key f", "HLEN key", "HMGET key f", "HGETALL key",
    "SMEMBERS key", "ZCOUNT key 0 1", "ZRANGE key 0 1", "MEMORY USAGE key",
)  # fmt: skip
"""What readers need (docs/redis.md), each as rights.lua takes it."""
WRITING: Final = (
    "GET key", "APPEND key x", "HSET key f v", "HDEL key f", "HSCAN key 0", "SADD key m", "SREM key m",
    "SSCAN key 0", "ZADD key 0 m", "ZREM key m", "ZSCAN key 0", "TYPE key", "UNLINK key", "COPY key key",
)  # fmt: skip
"""What workers, `verify` and the dispatcher of alerts need besides."""
_RIGHTS: Final = Script("rights.lua")
_SECTIONS: Final = ("server", "memory", "replication", "persistence", "stats")


class RedisFacts(NamedTuple):
    """`info`: what INFO says. `ahead_ms`: its clock against ours, `within_ms` unsure. `saves`: its setting
    `save`, `refused`: of READING and WRITING what this user may not run; None where it does not tell."""

    info: Mapping[str, Any]
    ahead_ms: int | None
    within_ms: int
    saves: str | None
    refused: frozenset[str] | None


async def inspect(client: Client, namespace: str) -> RedisFacts:
    """Raises Unavailable, and Rejected when not even INFO is allowed."""
    before_ns = time.time_ns()
    (server,) = await client.ask([("INFO", "server")])
    after_ns = time.time_ns()
    rest = await client.ask([("INFO", section) for section in _SECTIONS])
    info = {name: value for section in rest for name, value in section.items()}
    ahead_ms = None
    if (now_us := server.get("server_time_usec")) is not None:
        ahead_ms = (int(now_us) * 1000 - (before_ns + after_ns) // 2) // 1_000_000
    within_ms = (after_ns - before_ns) // 2_000_000
    return RedisFacts(info, ahead_ms, within_ms, await _saves(client), await _refused(client, namespace))


async def _saves(client: Client) -> str | None:
    try:
        (answer,) = await client.ask([("CONFIG", "GET", "save")])
    except Rejected:
        return None  # the rules of docs/redis.md do not allow it
    return answer[1].decode() if answer else None


async def _refused(client: Client, namespace: str) -> frozenset[str] | None:
    try:
        (found,) = await client.run(_RIGHTS, [(1, reports_key(namespace), *READING, *WRITING)])
    except Rejected:
        return None
    return frozenset(line.decode() for line in found)
