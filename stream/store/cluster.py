"""Redis Cluster: which of its servers has a key.

Nothing is configured: `redis.url` leads to any of them, and the first answer that leads elsewhere tells that
there are more.
All keys of a shard share a hash tag, so what one command names is always in one slot. An answer is tried
again by the client (`Client.patiently`), after the slots have been asked for anew. While a slot moves:

- a command whose key has gone already is asked of the server where it goes to (ASK);
- one of several keys, of which some are here and some there, or are not at all yet, has to wait (TRYAGAIN).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from redis import exceptions as wire
from redis.asyncio.connection import ConnectionPool
from redis.crc import key_slot

from stream.config import RedisConfig
from stream.store.connections import Command, connection_pool, exchange

SLOTS_TIMEOUT_S: Final = 2.0
"""After so long without an answer another server is asked who has which slots."""

Address = tuple[str, int]

_KEY_AT: Final = {"EVALSHA": 3, "EVAL": 3, "MEMORY": 2}
"""Where the first key of a command stands, if not behind its name."""
_WITHOUT_KEY: Final = frozenset({"INFO", "PING"})


class Cluster:
    """The servers of one cluster, and a pool of connections to each."""

    def __init__(self, config: RedisConfig) -> None:
        self._config = config
        self._start = connection_pool(config)
        self._pools: dict[Address, ConnectionPool] = {}
        self._ranges: list[tuple[int, int, Address]] = []
        """First and last slot, and who has them; empty: to be asked for."""

    async def close(self) -> None:
        """Closes every connection."""
        for pool in (self._start, *self._pools.values()):
            await pool.disconnect()

    def forget(self) -> None:
        """Something went wrong: who has which slots is asked for before the next command."""
        self._ranges = []

    async def servers(self) -> list[Address]:
        """Those that have slots."""
        if not self._ranges:
            await self._ask_for_slots()
        return list(dict.fromkeys(owner for _, _, owner in self._ranges))

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """The answers in order, refusals among them. What goes to one server is one round trip."""
        owners = await self.servers()
        parts: dict[Address, list[int]] = {}
        for place, command in enumerate(commands):
            parts.setdefault(self._owner(command, owners[0]), []).append(place)
        asked = [self._ask(owner, [commands[n] for n in places]) for owner, places in parts.items()]
        # All are waited for: what is tried again must not meet what is still on its way.
        found = await asyncio.gather(*asked, return_exceptions=True)
        answers: list[Any] = [None] * len(commands)
        for places, part in zip(parts.values(), found, strict=True):
            if isinstance(part, BaseException):
                raise part
            for place, answer in zip(places, part, strict=True):
                answers[place] = answer
        return answers

    async def ask_each(self, commands: Sequence[Command]) -> dict[str, list[Any]]:
        """What every server that has slots says to commands without a key, by `host:port`. Raises what one
        refuses with."""
        said = {}
        for host, port in await self.servers():
            answers = await exchange(self._pool((host, port)), commands)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            said[f"{host}:{port}"] = answers
        return said

    async def _ask(self, owner: Address, commands: Sequence[Command]) -> list[Any]:
        answers = await exchange(self._pool(owner), commands)
        if not any(type(answer) is wire.AskError for answer in answers):
            return answers
        # One by one: what is asked later must not be answered from an earlier moment than what was before it.
        return [await self._follow(owner, command) for command in commands]

    async def _follow(self, owner: Address, command: Command) -> Any:
        (answer,) = await exchange(self._pool(owner), [command])
        if type(answer) is wire.AskError:
            _, answer = await exchange(self._pool(answer.node_addr), [("ASKING",), command])
        return answer

    def _owner(self, command: Command, anybody: Address) -> Address:
        name = str(command[0])
        if name in _WITHOUT_KEY:
            return anybody
        key = command[_KEY_AT.get(name, 1)]
        slot = key_slot(key if isinstance(key, bytes) else str(key).encode())
        for first, last, owner in self._ranges:
            if first <= slot <= last:
                return owner
        raise wire.ClusterDownError(f"no server of the cluster has slot {slot}")

    def _pool(self, address: Address) -> ConnectionPool:
        if address not in self._pools:
            self._pools[address] = connection_pool(self._config, address)
        return self._pools[address]

    async def _ask_for_slots(self) -> None:
        """Asks the first that answers: those known, then the one of redis.url."""
        trouble: Exception | None = None
        for pool in (*self._pools.values(), self._start):
            try:
                async with asyncio.timeout(SLOTS_TIMEOUT_S):
                    (slots,) = await exchange(pool, [("CLUSTER", "SLOTS")])
            except (OSError, wire.RedisError) as error:
                trouble = error
                continue
            if isinstance(slots, Exception):
                raise slots
            host = pool.connection_kwargs.get("host", "localhost")
            self._ranges = [(first, last, _address(node, host)) for first, last, node, *_ in slots]
            if self._ranges:
                await self._close_others()
                return
        raise trouble or wire.ClusterDownError("no server of the cluster has any slot")

    async def _close_others(self) -> None:
        owners = {owner for _, _, owner in self._ranges}
        for address in self._pools.keys() - owners:
            await self._pools.pop(address).disconnect(inuse_connections=False)


def _address(node: Sequence[Any], asked: str) -> Address:
    """Where a server can be reached. One that does not know its own address is where it was asked."""
    host, port, *_ = node
    return (host.decode() if host else asked), int(port)
