"""The connection: as the configuration says, with bounded waiting, and errors that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from redis import exceptions as wire
from redis.asyncio import Redis

from stream.config import RedisConfig
from stream.store.cluster import Cluster
from stream.store.connections import Command, connection_pool, exchange
from stream.store.errors import Rejected, Unavailable
from stream.store.script import Script
from stream.store.wire import Argument

PATIENCE_S: Final = 30.0
ANSWER_TIMEOUT_S: Final = 10.0
FIRST_WAIT_S: Final = 0.05
LONGEST_WAIT_S: Final = 2.0
COMMANDS_MAX: Final = 1_000
"""Commands sent in one go."""

PASSING: Final = (
    OSError,
    wire.AskError,  # also MOVED
    wire.ConnectionError,  # also LOADING
    wire.TimeoutError,
    wire.ReadOnlyError,
    wire.ClusterDownError,
    wire.MasterDownError,
    wire.TryAgainError,
)
"""Troubles that a moment may mend: a restart, a fail-over, a cut line, a slot that moves."""

ADVICE: Final = {
    "AuthenticationError": "check redis.username, and redis.password or redis.password_file",
    "BusyLoadingError": "Redis is still reading its snapshot: wait until it has",
    "CERTIFICATE_VERIFY_FAILED": "set redis.ca_file to the authority that signed the server's certificate",
    "MISCONF": "Redis cannot write its snapshot: see its log and the space on its disk",
    "NOREPLICAS": "Redis waits for replicas (min-replicas-to-write): see why they are not connected",
    "NoPermissionError": "give this user the rights that docs/redis.md lists",
    "OutOfMemoryError": "Redis is full: raise its maxmemory, or keep panes for a shorter time (retention)",
    "SELECT is not allowed": "a Redis Cluster has one database: leave its number out of redis.url",
    "ReadOnlyError": "this server is a replica: set redis.url to the primary",
    "WRONGTYPE": "somebody else wrote a key of floorcast: delete it, or use another redis.namespace",
}
"""What to do, by the library's kind of error or a word in its message."""

Answer = TypeVar("Answer")


class Client:
    """One Redis. Nothing is retried behind our back: what may be sent again is said where it is sent."""

    def __init__(self, config: RedisConfig, patience_s: float = PATIENCE_S) -> None:
        """`patience_s`: for how long trouble with the connection is waited out."""
        self.url = config.url
        self._config = config
        self._patience_s = patience_s
        self._pool = connection_pool(config)
        self._convert: Mapping[Any, Callable[[Any], Any]] = Redis(
            connection_pool=self._pool
        ).response_callbacks
        self._cluster: Cluster | None = None
        """From when on an answer has told that there is one."""

    async def close(self) -> None:
        """Closes every connection."""
        await self._pool.disconnect()
        if self._cluster is not None:
            await self._cluster.close()

    async def send(self, *command: Argument) -> None:
        """One command that writes, tried once."""
        await self._exchange([command])

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to commands that only read, in one round trip (in several from 1,000 commands on).

        Raises Unavailable, Rejected.
        """
        answers: list[Any] = []
        for start in range(0, len(commands), COMMANDS_MAX):
            part = commands[start : start + COMMANDS_MAX]
            answers += await self.patiently(lambda part=part: self._ask(part))  # type: ignore[misc]
        return answers

    async def ask_each(self, commands: Sequence[Command]) -> dict[str, list[Any]]:
        """What each server that has keys says to commands without a key, by its address.

        Raises Unavailable, Rejected.
        """
        return await self.patiently(lambda: self._ask_each(commands))

    async def run(self, script: Script, calls: Sequence[Command]) -> list[Any]:
        """The answers to calls of a script (number of keys, keys, arguments) that may be sent twice.

        Raises Unavailable, Rejected.
        """
        return await self.patiently(lambda: self._run(script, calls))

    async def patiently(self, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        """Tries until it gets an answer: to be used only for what may be sent twice.

        Raises Unavailable when patience is over, Rejected when the server refuses.
        """
        trouble: Exception | None = None
        wait_s = FIRST_WAIT_S
        try:
            async with asyncio.timeout(self._patience_s):
                while True:
                    try:
                        # Not the library's socket_timeout: it sends by asyncio.wait_for, which before
                        # Python 3.12 swallows a cancellation now and then.
                        async with asyncio.timeout(ANSWER_TIMEOUT_S):
                            return await attempt()
                    except (wire.AuthenticationError, wire.AuthorizationError):
                        raise  # connection errors to the library, but waiting does not mend them
                    except PASSING as error:
                        trouble = error
                    if self._cluster is not None:
                        self._cluster.forget()
                    elif isinstance(trouble, wire.ReadOnlyError):
                        # After a fail-over the name leads to the new primary, for new connections only.
                        await self._pool.disconnect(inuse_connections=False)
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        except TimeoutError:
            waited = f"no usable answer for {self._patience_s:g} s"
            raise Unavailable(self._explained(waited, trouble)) from trouble
        except wire.RedisError as error:
            raise Rejected(self._explained("refused", error)) from error

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        """In the library's types: a dict for HGETALL."""
        return self._converted(commands, await self._exchange(commands))

    def _converted(self, commands: Sequence[Command], answers: Sequence[Any]) -> list[Any]:
        convert = self._convert
        return [
            convert[name](answer) if (name := command[0]) in convert else answer
            for command, answer in zip(commands, answers, strict=True)
        ]

    async def _ask_each(self, commands: Sequence[Command]) -> dict[str, list[Any]]:
        if self._cluster is None:
            server, *answers = await self._ask([("INFO", "server"), *commands])
            if server.get("redis_mode") != "cluster":
                return {self.url: answers}
            self._cluster = Cluster(self._config)
        said = await self._cluster.ask_each(commands)
        return {address: self._converted(commands, answers) for address, answers in said.items()}

    async def _run(self, script: Script, calls: Sequence[Command]) -> list[Any]:
        try:
            return await self._exchange([("EVALSHA", script.sha, *call) for call in calls])
        except wire.NoScriptError:
            return await self._exchange([("EVAL", script.text, *call) for call in calls])

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        if self._cluster is not None:
            answers = await self._cluster.exchange(commands)
        else:
            answers = await exchange(self._pool, commands)
        for answer in answers:
            if isinstance(answer, Exception):
                if self._cluster is None and isinstance(answer, wire.AskError):
                    self._cluster = Cluster(self._config)
                raise answer
        return answers

    def _explained(self, what: str, error: Exception | None) -> str:
        said = str(error) if error is not None else "it was not heard of"
        if isinstance(error, TimeoutError):
            said = f"no answer within {ANSWER_TIMEOUT_S:g} s"
        described = f"{type(error).__name__} {said}"
        advice = next((f"; {advice}" for word, advice in ADVICE.items() if word in described), "")
        return f"Redis at {self.url}: {what} ({said}){advice}"
