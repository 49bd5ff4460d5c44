"""How much memory the server uses, and for what: a sample, as there are too many keys to ask for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stream.store.client import Client
from stream.store.connections import Command
from stream.store.layout import ShardKeys

SAMPLED: Final = 16
"""Keys of a kind in a shard that are measured; the others are taken to be like them."""
KINDS: Final = ("states", "levels", "timers", "groups", "written", "outbox", "notices")
"""Keys of which a shard has one."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. `most`: what the server may use, 0 for no limit; `by_kind`: estimates, of shards only."""

    used: int
    most: int
    by_kind: dict[str, int]


async def read_memory(client: Client, shards: Sequence[ShardKeys]) -> Memory:
    """Of the server, or of all of a cluster, and of the keys of these shards."""
    infos = [info for (info,) in (await client.ask_each([("INFO", "memory")])).values()]
    indexes = await client.ask([("SMEMBERS", keys.index) for keys in shards])
    commands: list[Command] = []
    weights: list[tuple[str, float]] = []
    for keys, names in zip(shards, indexes, strict=True):
        for kind in KINDS:
            commands.append(("MEMORY", "USAGE", getattr(keys, kind)))
            weights.append((kind, 1))
        for kind, of in _by_kind(names).items():
            sample = of[:: max(1, len(of) // SAMPLED)]
            commands += [("MEMORY", "USAGE", keys.named(name)) for name in sample]
            weights += [(kind, len(of) / len(sample))] * len(sample)
    by_kind: dict[str, float] = {}
    for (kind, weight), used in zip(weights, await client.ask(commands), strict=True):
        by_kind[kind] = by_kind.get(kind, 0) + weight * (used or 0)
    limits = [int(info["maxmemory"]) for info in infos]
    return Memory(
        sum(int(info["used_memory"]) for info in infos),
        sum(limits) if all(limits) else 0,
        {kind: int(used) for kind, used in by_kind.items()},
    )


def _by_kind(names: set[bytes]) -> dict[str, list[bytes]]:
    """The names of an index by what comes before their colon, and panes by their size."""
    found: dict[str, list[bytes]] = {}
    for name in sorted(names):
        parts = name.decode().split(":")
        found.setdefault("_".join(parts[:2]) if parts[0] == "cells" else parts[0], []).append(name)
    return found
