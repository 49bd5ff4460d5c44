"""The Redis of the simulation: a real server, asked without ever giving way to another task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redis.connection import Connection
from redis.exceptions import ResponseError

from stream.embedded.probe import HOST, free_ports
from stream.embedded.redis import start_redis
from stream.store.wire import pack

NOW, BEFORE = 0, 1
"""Databases: what is, and what was remembered of it."""


class Server:
    """What it holds is this process's alone. It can be taken back to what it was, or emptied."""

    def __init__(self, port: int) -> None:
        self.url = f"redis://{HOST}:{port}/{NOW}"
        self.epoch = 0
        """Rises when the server was started anew: answers under way are lost."""
        self._connection: Any = Connection(host=HOST, port=port, protocol=2)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Ends the connection."""
        self._connection.disconnect()

    def answers(self, packed: Sequence[bytes]) -> list[Any]:
        """The answers to commands; a refusal is one, too."""
        self._connection.send_packed_command(packed)
        return [self._answer() for _ in packed]

    def reset(self) -> None:
        """As new."""
        self._ask(("FLUSHALL",), ("SCRIPT", "FLUSH"))

    def stored(self) -> list[bytes]:
        """The names of all keys."""
        (found,) = self._ask(("KEYS", "*"))
        return sorted(found)

    def members(self, key: bytes) -> list[bytes]:
        """Of a set."""
        (found,) = self._ask(("SMEMBERS", key))
        return list(found)

    def remember(self) -> None:
        """What is now can be gone back to (as a snapshot on disk)."""
        self._copy(NOW, BEFORE)

    def lose_tail(self) -> None:
        """Started anew from what was remembered."""
        self._copy(BEFORE, NOW)
        self._ask(("SELECT", NOW))
        self._restarted()

    def lose_everything(self) -> None:
        """Started anew, empty."""
        self._ask(("SELECT", NOW), ("FLUSHDB",))
        self._restarted()

    def _restarted(self) -> None:
        self._ask(("SCRIPT", "FLUSH"))
        self.epoch += 1

    def _copy(self, source: int, target: int) -> None:
        self._ask(("SELECT", target), ("FLUSHDB",), ("SELECT", source))
        self._ask(*(("COPY", key, key, "DB", target) for key in self.stored()))
        self._ask(("SELECT", NOW))

    def _ask(self, *commands: Sequence[str | bytes | int]) -> list[Any]:
        answers = self.answers([pack(command) for command in commands]) if commands else []
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def _answer(self) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as refusal:
            return refusal


@contextmanager
def valkey() -> Iterator[Server]:
    """An embedded Valkey of one's own."""
    with TemporaryDirectory() as directory:
        (port,) = free_ports(1)
        child = start_redis(port, Path(directory) / "valkey.log")
        try:
            server = Server(port)
            yield server
            server.close()
        finally:
            child.stop()
