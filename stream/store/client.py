"""The connection: as the configuration says, with bounded waiting, and errors that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from redis import exceptions as wire
from redis.asyncio import Redis
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

from stream.config import RedisConfig
from stream.store.errors import Rejected, Unavailable
from stream.store.script import Script
from stream.store.wire import Argument, pack

PATIENCE_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 10.0
FIRST_WAIT_S: Final = 0.05
LONGEST_WAIT_S: Final = 2.0
COMMANDS_MAX: Final = 1_000
"""Commands sent in one go."""

PASSING: Final = (
    OSError,
    wire.ConnectionError,  # also LOADING
    wire.TimeoutError,
    wire.ReadOnlyError,
    wire.ClusterDownError,
    wire.MasterDownError,
    wire.TryAgainError,
)
"""Troubles that a moment may mend: a restart, a fail-over, a cut line."""

ADVICE: Final = {
    "AuthenticationError": "check redis.username, and redis.password or redis.password_file",
    "BusyLoadingError": "Redis is still reading its snapshot: wait until it has",
    "CERTIFICATE_VERIFY_FAILED": "set redis.ca_file to the authority that signed the server's certificate",
    "MISCONF": "Redis cannot write its snapshot: see its log and the space on its disk",
    "NOREPLICAS": "Redis waits for replicas (min-replicas-to-write): see why they are not connected",
    "NoPermissionError": "give this user the rights that docs/redis.md lists",
    "OutOfMemoryError": "Redis is full: raise its maxmemory, or keep panes for a shorter time (retention)",
    "ReadOnlyError": "this server is a replica: set redis.url to the primary",
    "WRONGTYPE": "somebody else wrote a key of floorcast: delete it, or use another redis.namespace",
}
"""What to do, by the library's kind of error or a word in its message."""

Command = Sequence[Argument]
Answer = TypeVar("Answer")


class Client:
    """One Redis. Nothing is retried behind our back: what may be sent again is said where it is sent."""

    def __init__(self, config: RedisConfig, patience_s: float = PATIENCE_S) -> None:
        """`patience_s`: for how long trouble with the connection is waited out."""
        self.url = config.url
        self._patience_s = patience_s
        self._redis = Redis(connection_pool=connection_pool(config))

    async def close(self) -> None:
        """Closes every connection."""
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def send(self, *command: Argument) -> Any:
        """The answer to one command, tried once."""
        return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to commands that only read, in one round trip (in several from 1,000 commands on).

        Raises Unavailable, Rejected.
        """
        answers: list[Any] = []
        for start in range(0, len(commands), COMMANDS_MAX):
            part = commands[start : start + COMMANDS_MAX]
            answers += await self.patiently(lambda part=part: self._ask(part))  # type: ignore[misc]
        return answers

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
                    if isinstance(trouble, wire.ReadOnlyError):
                        # After a fail-over the name leads to the new primary, for new connections only.
                        await self._redis.connection_pool.disconnect(inuse_connections=False)
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        except TimeoutError:
            waited = f"no usable answer for {self._patience_s:g} s"
            raise Unavailable(self._explained(waited, trouble)) from trouble
        except wire.RedisError as error:
            raise Rejected(self._explained("refused", error)) from error

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        """In the library's types: a dict for HGETALL."""
        convert: Mapping[Any, Callable[[Any], Any]] = self._redis.response_callbacks
        answers = zip(commands, await self._exchange(commands), strict=True)
        return [
            convert[name](answer) if (name := command[0]) in convert else answer
            for command, answer in answers
        ]

    async def _run(self, script: Script, calls: Sequence[Command]) -> list[Any]:
        try:
            return await self._exchange([("EVALSHA", script.sha, *call) for call in calls])
        except wire.NoScriptError:
            return await self._exchange([("EVAL", script.text, *call) for call in calls])

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        """The answers as Redis gives them. The library's pipeline takes as long again for itself."""
        pool = self._redis.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            # Everything else that a connection may have to say was said when it was made.
            await connection.send_packed_command(list(map(pack, commands)), check_health=False)
            answers = [await _answer(connection) for _ in commands]
        finally:
            await pool.release(connection)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def _explained(self, what: str, error: Exception | None) -> str:
        said = str(error) if error is not None else "it was not heard of"
        if isinstance(error, TimeoutError):
            said = f"no answer within {ANSWER_TIMEOUT_S:g} s"
        described = f"{type(error).__name__} {said}"
        advice = next((f"; {advice}" for word, advice in ADVICE.items() if word in described), "")
        return f"Redis at {self.url}: {what} ({said}){advice}"


async def _answer(connection: Any) -> Any:
    """The next answer. A refusal is one, too: what is behind it belongs to the same call and must be read."""
    try:
        return await connection.read_response()
    except wire.ResponseError as refusal:
        return refusal


class _Packing:
    """Packs as store/wire.py says, where redis-py's own way takes three times as long."""

    def pack_command(self, *args: Any) -> list[bytes]:
        return [pack(args)]


class _Plain(_Packing, Connection):
    pass


class _Tls(_Packing, SSLConnection):
    pass


class _Login(CredentialProvider):
    """User and password as they are at each connection: a password file may change while we run."""

    def __init__(self, config: RedisConfig) -> None:
        self._config = config

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        password = self._config.secret() or ""
        return (password,) if self._config.username is None else (self._config.username, password)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        return self.get_credentials()


def connection_pool(config: RedisConfig) -> ConnectionPool:
    """Connections as the configuration says: no retries, explicit timeouts, packed by hiredis."""
    options: dict[str, Any] = {
        **parse_url(config.url),
        "protocol": 2,
        "driver_info": None,
        "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": None,  # see Client.patiently
    }
    if (config.username, config.password, config.password_file) != (None, None, None):
        options["credential_provider"] = _Login(config)
    if options.pop("connection_class", None) is None:
        return ConnectionPool(_Plain, **options)
    return ConnectionPool(
        _Tls,
        ssl_ca_certs=config.ca_file,
        ssl_certfile=config.cert_file,
        ssl_keyfile=config.key_file,
        **options,
    )
