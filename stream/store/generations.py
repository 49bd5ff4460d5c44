"""Generations of a namespace: which one is live, and which are filled beside it by a rebuild."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from stream.store.client import Client
from stream.store.layout import FIRST, generations_key

CURRENT: Final = b"current"
"""The field that points to the live one. All that a reader needs, and one write to swap."""


class Generation(Struct, frozen=True, kw_only=True):
    """One of a namespace. `began_ms`: when a rebuild began it, 0 for the first. `swapped_ms`: when it became
    live, None while it has not. `shape`: of the configuration that fills it (`Config.shape_hash`)."""

    number: int
    began_ms: int = 0
    shape: str = ""
    swapped_ms: int | None = None


class Generations(Struct, frozen=True):
    """All that are known, by number."""

    current: int
    known: dict[int, Generation]

    @property
    def filling(self) -> list[Generation]:
        """Those that have not been live yet."""
        return [one for one in self.known.values() if one.began_ms and one.swapped_ms is None]

    @property
    def next_number(self) -> int:
        """Of one that is begun now."""
        return max(self.current, *self.known) + 1


_encode: Final = msgspec.json.encode
_decode: Final = msgspec.json.Decoder(Generation).decode


def current_of(stored: bytes | None) -> int:
    """Which generation the pointer names."""
    return FIRST if stored is None else int(stored)


async def read_generations(client: Client, namespace: str) -> Generations:
    """As they stand."""
    (stored,) = await client.ask([("HGETALL", generations_key(namespace))])
    current = current_of(stored.pop(CURRENT, None))
    known = {FIRST: Generation(number=FIRST)}
    known |= {one.number: one for one in map(_decode, stored.values())}
    known.setdefault(current, Generation(number=current))
    return Generations(current, dict(sorted(known.items())))


async def write_generation(client: Client, namespace: str, one: Generation, live: bool = False) -> None:
    """Notes a generation; with `live` readers and workers go to it from now on: one write does both."""
    pointer = (CURRENT, one.number) if live else ()
    key, packed = generations_key(namespace), _encode(one)
    await client.patiently(lambda: client.send("HSET", key, str(one.number), packed, *pointer))


async def forget_generation(client: Client, namespace: str, number: int) -> None:
    """Takes a generation out of those that are known."""
    await client.patiently(lambda: client.send("HDEL", generations_key(namespace), str(number)))
