"""Debian's redis-server for tests that must hold on the real server."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from stream.embedded.child import Child
from stream.embedded.probe import HOST, free_ports
from tests.rig.missing import MissingPart

READY_TIMEOUT_S = 30.0


def redis_program() -> str:
    """The path of redis-server. Raises MissingPart when it is not there."""
    program = shutil.which("redis-server")
    if program is None:
        raise MissingPart("redis-server is missing: apt-get install redis-server")
    return program


class RedisServer:
    """One server on a fixed port and directory, both kept over restarts; `noeviction`, DEBUG allowed.

    save: whether it keeps a snapshot, written by the command SAVE and at a clean stop. After `kill9`, `start`
    goes back to the last one. Without, every start is empty.
    password: of the default user. users: further ACL users, name -> rules (`on >secret ~live:* +@all`).
    settings: more lines of redis.conf, name -> value.
    """

    def __init__(
        self,
        directory: Path,
        program: str,
        *,
        save: bool = False,
        password: str | None = None,
        users: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing runs before `start`."""
        self._directory = directory
        self._program = program
        (self.port,) = free_ports(1)
        self._password = password
        self._settings = [
            f"bind {HOST}",
            f"port {self.port}",
            f"dir {directory}",
            "maxmemory-policy noeviction",
            "enable-debug-command local",
            # So many changes are never reached: a snapshot is written when a test says so, not by a timer.
            'save "86400 1000000000"' if save else 'save ""',
            *([f"requirepass {password}"] if password else []),
            *(f"user {name} {rules}" for name, rules in (users or {}).items()),
            *(f"{name} {value}" for name, value in (settings or {}).items()),
        ]
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._child is not None, "start it first"
        return self._child.pid

    def url(self, database: int = 0) -> str:
        """Address of one of its 16 databases, without credentials."""
        return f"redis://{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Return when the server takes commands. Raises EmbeddedError, with its last output, otherwise."""
        self.spawn()
        self.wait_ready()

    def spawn(self) -> None:
        """The first half of `start`, which needs the main thread."""
        config = self._directory / "redis.conf"
        config.write_text("".join(f"{line}\n" for line in self._settings))
        self._child = Child("redis-server", [self._program, str(config)], self._directory / "redis.log")

    def wait_ready(self) -> None:
        """The second half, which may wait elsewhere."""
        assert self._child is not None
        self._child.wait_ready(self._is_mine, READY_TIMEOUT_S)

    def stop(self) -> None:
        """A clean stop, with a snapshot if `save`; nothing when it does not run."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def kill9(self) -> None:
        """Ends it at once: what came after the last snapshot is lost."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def restart(self) -> None:
        """A clean stop, then a start on the same port and directory."""
        self.stop()
        self.start()

    def _is_mine(self) -> bool:
        with Redis(host=HOST, port=self.port, password=self._password) as client:
            try:
                client.ping()
                return int(client.info("server")["process_id"]) == self.pid
            except RedisError:
                return False
