"""Is this a server that can hold the store? Asked once, at start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stream.store.client import Client
from stream.store.errors import Unsuitable

OLDEST: Final = 7
"""Redis from here on; every Valkey is newer."""


async def check_server(client: Client) -> None:
    """Returns when the server can be used, and has read its snapshot.

    Raises Unsuitable with everything that must be changed, Unavailable, Rejected.
    """
    sections = await client.ask([("INFO", name) for name in ("server", "memory", "replication")])
    problems = server_problems({name: value for section in sections for name, value in section.items()})
    if problems:
        raise Unsuitable("\n".join(f"Redis at {client.url}: {problem}" for problem in problems))
    # INFO is answered while a snapshot is read; this waits for its end.
    await client.ask([("PING",)])


def server_problems(info: Mapping[str, Any]) -> list[str]:
    """What INFO (server, memory, replication) says against using a server."""
    problems = []
    version = str(info.get("redis_version", "?"))
    if info.get("server_name") != "valkey" and int(version.partition(".")[0]) < OLDEST:
        problems.append(f"it is version {version}: Redis {OLDEST} or newer, or Valkey, is needed")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        problems.append(
            f"its maxmemory-policy is {policy}, which deletes numbers when memory is short: "
            "set `maxmemory-policy noeviction`"
        )
    if info.get("role") == "slave":
        problems.append("it is a replica, which cannot be written: set redis.url to the primary")
    if info.get("redis_mode") == "cluster":
        problems.append("it is a Redis Cluster, which this version cannot use: use a single Redis or Valkey")
    return problems
