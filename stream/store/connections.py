"""Connections: as the configuration says, without retries; commands packed as store/wire.py says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redis import exceptions as wire
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

from stream.config import RedisConfig
from stream.store.wire import Argument, pack

CONNECT_TIMEOUT_S: Final = 5.0

Command = Sequence[Argument]


async def exchange(pool: ConnectionPool, commands: Sequence[Command]) -> list[Any]:
    """The answers as Redis gives them, refusals among them. The library's pipeline takes as long again for
    itself."""
    connection = await pool.get_connection()  # type: ignore[no-untyped-call]
    try:
        # Everything else that a connection may have to say was said when it was made.
        await connection.send_packed_command(list(map(pack, commands)), check_health=False)
        return [await _answer(connection) for _ in commands]
    finally:
        await pool.release(connection)


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


def connection_pool(config: RedisConfig, address: tuple[str, int] | None = None) -> ConnectionPool:
    """Connections as the configuration says: no retries, explicit timeouts. `address`: of another server of
    the cluster."""
    options: dict[str, Any] = {
        **parse_url(config.url),
        **({} if address is None else {"host": address[0], "port": address[1]}),
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
