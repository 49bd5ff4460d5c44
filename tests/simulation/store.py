"""The product's store, whose calls go over the simulation's network, and whose commits are noted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis import exceptions as wire

from stream.config import RedisConfig
from stream.shard.changes import Changes
from stream.store import RedisStore
from stream.store.client import Client
from stream.store.commit import SCRIPT
from stream.store.connections import Command
from stream.store.wire import Argument, pack
from tests.simulation.process import CURRENT, Lost, Process
from tests.simulation.server import Server
from tests.simulation.world import World

PATIENCE_S = 4.0
BETWEEN_S = 0.001


class DirectClient(Client):
    """Asks the server at once."""

    def __init__(self, config: RedisConfig, server: Server) -> None:
        super().__init__(config)
        self._server = server

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        return _good(self._server.answers(list(map(pack, commands))))

    async def send(self, *command: Argument) -> Any:
        return (await self._exchange([command]))[0]


class NetworkClient(Client):
    """Asks over the network, which loses and repeats."""

    def __init__(self, config: RedisConfig, process: Process) -> None:
        super().__init__(config, PATIENCE_S)
        self._process = process

    async def send(self, *command: Argument) -> Any:
        return (await self._exchange([command]))[0]

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        packed = list(map(pack, commands))
        if len(packed) > 1 and self._process.world.chance(self._process.world.plan.torn_share):
            # A pipeline is no transaction: others come in between.
            answers: list[Any] = []
            for one in packed:
                answers += await self._over_network([one])
                await asyncio.sleep(BETWEEN_S)
            return _good(answers)
        return _good(await self._over_network(packed))

    async def _over_network(self, packed: list[bytes]) -> list[Any]:
        world = self._process.world
        epoch = world.server.epoch

        def act() -> list[Any]:
            if world.redis_down or world.server.epoch != epoch:
                raise wire.ConnectionError("the server is not there")
            return world.server.answers(packed)

        try:
            commits = any(SCRIPT.sha.encode() in one for one in packed)
            answers = await self._process.call(act, kind="commit" if commits else "")
        except Lost as lost:
            raise wire.ConnectionError(f"the {lost} was lost") from None
        if world.server.epoch != epoch:
            raise wire.ConnectionError("the connection was cut")
        return answers


class DirectStore(RedisStore):
    """For who looks on."""

    def __init__(self, config: RedisConfig, server: Server) -> None:
        super().__init__(config)
        self._client = DirectClient(config, server)


class NotedStore(RedisStore):
    """Of the process at hand."""

    def __init__(self, config: RedisConfig, patience_s: float = PATIENCE_S) -> None:
        super().__init__(config, patience_s)
        process = CURRENT.get()
        self._world: World = process.world
        self._client = NetworkClient(config, process)

    async def commit(self, family: str, partition: int, expected_commit_id: str, changes: Changes) -> None:
        unread_since_ms = self._world.unread_since_ms(family, partition, changes.fence.offset)
        self._world.ledger.sent(family, partition, expected_commit_id, changes, unread_since_ms)
        await super().commit(family, partition, expected_commit_id, changes)
        self._world.ledger.taken(changes.fence.commit_id)


def _good(answers: list[Any]) -> list[Any]:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
