"""Who listens on a loopback port? Raw sockets: asking needs no client library and leaves no connection.

Each probe returns an identity that we gave or know (cluster id, process id). A server that lost its port to
another program is then told from ours, which an open port or a PONG alone would not show.
"""

import random
import re
import socket
import struct

HOST = "127.0.0.1"
TIMEOUT_S = 3.0
# Below Linux's range for outgoing connections (from 32768): none can take the port of a server that restarts.
PORTS = range(15_000, 32_000)
METADATA_V2_NO_TOPICS = struct.pack(">hhih9si", 3, 2, 1, 9, b"floorcast", 0)


def free_ports(count: int) -> list[int]:
    """Different loopback ports that nobody uses now. Raises OSError when a hundred tries find too few."""
    free = [port for port in random.sample(PORTS, 100) if _can_bind(port)][:count]
    if len(free) < count:
        raise OSError(f"found no {count} free ports on {HOST} between {PORTS.start} and {PORTS.stop}")
    return free


def free_port(wanted: int) -> int:
    """That loopback port; another free one where somebody uses it. 0 stays 0. Raises as `free_ports`."""
    return wanted if _can_bind(wanted) else free_ports(1)[0]


def _can_bind(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
        return True


def kafka_cluster_id(port: int) -> str | None:
    """The cluster id of the broker on `port`; None when no broker answers or it does not list itself yet."""
    try:
        with socket.create_connection((HOST, port), TIMEOUT_S) as connection:
            connection.sendall(struct.pack(">i", len(METADATA_V2_NO_TOPICS)) + METADATA_V2_NO_TOPICS)
            stream = connection.makefile("rb")
            (size,) = struct.unpack(">i", stream.read(4))
            return _cluster_id(stream.read(size))
    except (OSError, struct.error, UnicodeDecodeError):
        return None


def _cluster_id(response: bytes) -> str | None:
    """From a Metadata v2 response: correlation id, brokers (id, host, port, rack), cluster id."""
    brokers, at = struct.unpack_from(">i", response, 4)[0], 8
    if brokers < 1:
        return None
    for _ in range(brokers):
        _, at = _string(response, at + 4)
        _, at = _string(response, at + 4)
    return _string(response, at)[0]


def _string(response: bytes, at: int) -> tuple[str | None, int]:
    """A nullable string at `at`, and the place after it."""
    (length,) = struct.unpack_from(">h", response, at)
    end = at + 2 + max(length, 0)
    return (response[at + 2 : end].decode() if length >= 0 else None), end


def redis_process_id(port: int) -> int | None:
    """The process id of the Redis or Valkey on `port` (no password); None when none answers or it loads."""
    try:
        with socket.create_connection((HOST, port), TIMEOUT_S) as connection:
            connection.sendall(b"PING\r\nINFO server\r\nQUIT\r\n")
            answer = connection.makefile("rb").read()
    except OSError:
        return None
    found = re.match(rb"\+PONG\r\n.*?\r\nprocess_id:(\d+)\r\n", answer, re.DOTALL)
    return int(found[1]) if found else None
