"""Three of Debian's redis-servers as one Redis Cluster, whose slots can be moved."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from redis import Redis
from redis.crc import key_slot

from stream.embedded.probe import HOST, free_ports
from tests.rig.redis import READY_TIMEOUT_S, RedisServer

SERVERS = 3
SLOTS = 16_384


class RedisCluster:
    """Each server has a third of the slots; there are no replicas. `users` as those of RedisServer."""

    def __init__(self, directory: Path, program: str, users: Mapping[str, str] | None = None) -> None:
        """Nothing runs before `start`."""
        self.servers: list[RedisServer] = []
        self._buses = free_ports(SERVERS)
        for number, bus in enumerate(self._buses):
            home = directory / str(number)
            home.mkdir()
            settings = {
                "cluster-enabled": "yes", "cluster-port": str(bus), "cluster-config-file": "nodes.conf",
                "cluster-node-timeout": "5000",
            }  # fmt: skip
            self.servers.append(RedisServer(home, program, users=users, settings=settings))
        self._raw: list[Any] = []
        self._ids: list[bytes] = []

    def url(self) -> str:
        """Address of one of them."""
        return f"redis://{HOST}:{self.servers[0].port}"

    def start(self) -> None:
        """Returns when each of them says that the cluster is well."""
        for server in self.servers:
            server.start()
            self._raw.append(Redis(host=HOST, port=server.port))
        for number, raw in enumerate(self._raw):
            first, last = (SLOTS * edge // SERVERS for edge in (number, number + 1))
            raw.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
            raw.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            self._ids.append(raw.execute_command("CLUSTER", "MYID"))
        for server, bus in zip(self.servers[1:], self._buses[1:], strict=True):
            self._raw[0].execute_command("CLUSTER", "MEET", HOST, server.port, bus)
        _until(lambda: all(_is_well(raw) for raw in self._raw))

    def kill9(self) -> None:
        """Ends all at once."""
        for raw in self._raw:
            raw.close()
        for server in self.servers:
            server.kill9()

    def owner(self, key: bytes) -> int:
        """Which server has the slot of a key."""
        slot = key_slot(key)
        for first, last, node, *_ in self._raw[0].execute_command("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return [server.port for server in self.servers].index(node[1])
        raise AssertionError(f"nobody has slot {slot}")

    def move(self, key: bytes, meanwhile: Callable[[int], object] = lambda moved: None) -> None:
        """The slot of a key goes to the next server, key by key. `meanwhile` is called before each, with the
        number of those that are there."""
        slot, source = key_slot(key), self.owner(key)
        target = (source + 1) % SERVERS
        self._raw[target].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", self._ids[source])
        self._raw[source].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", self._ids[target])
        moved = 0
        while keys := self._raw[source].execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1):
            meanwhile(moved)
            port = self.servers[target].port
            self._raw[source].execute_command("MIGRATE", HOST, port, "", 0, 5000, "KEYS", *keys)
            moved += 1
        for number in (target, source, 3 - target - source):
            self._raw[number].execute_command("CLUSTER", "SETSLOT", slot, "NODE", self._ids[target])
        _until(lambda: self.owner(key) == target)

    def stored(self) -> set[bytes]:
        """Every key that there is."""
        return {key for raw in self._raw for key in raw.execute_command("KEYS", "*")}


def _is_well(raw: Any) -> bool:
    said = bytes(raw.execute_command("CLUSTER", "INFO"))
    return b"cluster_state:ok" in said and b"cluster_known_nodes:%d\r" % SERVERS in said


def _until(what: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    while not what():
        assert time.monotonic() < deadline_s, "the cluster did not become well"
        time.sleep(0.05)
