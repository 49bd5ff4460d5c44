"""Is this a server that can hold the store, or each of a cluster's? Asked once, at start."""

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
    servers = await client.ask_each([("INFO", name) for name in ("server", "memory", "replication")])
    problems = [
        f"Redis at {address}: {problem}"
        for address, sections in servers.items()
        for problem in server_problems({name: value for part in sections for name, value in part.items()})
    ]
    if problems:
        raise Unsuitable("\n".join(problems))
    # INFO is answered while a snapshot is read; this waits for its end.
    await client.ask_each([("PING",)])


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
    return problems
