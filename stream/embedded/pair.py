"""Broker and Valkey together: `start_pair` runs them, `find_pair` lets every other command find them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec

from stream.embedded.broker import start_broker
from stream.embedded.child import EmbeddedError
from stream.embedded.probe import HOST, free_ports, kafka_cluster_id, redis_process_id
from stream.embedded.redis import start_redis

PAIR_FILE = "pair.json"
LOCK_FILE = "pair.lock"


class Pair(msgspec.Struct, frozen=True):
    """Where the pair is and whose it is; written to `pair.json` as it stands."""

    bootstrap: str  # host:port of the broker
    redis_url: str
    cluster_id: str  # random per start: tells this broker from another one on the same port
    broker_pid: int
    redis_pid: int
    owner_pid: int  # the process that started both and stops them

    def fault(self) -> str | None:
        """What does not answer as the server that was started, or None when both do (within seconds)."""
        if kafka_cluster_id(_port(self.bootstrap)) != self.cluster_id:
            return f"the embedded broker (pid {self.broker_pid}) does not answer at {self.bootstrap}"
        if redis_process_id(_port(self.redis_url)) != self.redis_pid:
            return f"the embedded Valkey (pid {self.redis_pid}) does not answer at {self.redis_url}"
        return None


@contextmanager
def start_pair(data_dir: Path) -> Iterator[Pair]:
    """Run both servers while the context lasts. Logs and `pair.json` are in `data_dir`, made if missing.

    Both answer when the context is entered, and are gone when it is left. Everything in them is lost then.
    Call it from the main thread.
    Raises EmbeddedError when the extra is not installed, a server does not start or the directory is in use.
    """
    data_dir = data_dir.absolute()
    data_dir.mkdir(parents=True, exist_ok=True)
    with _sole_owner(data_dir), ExitStack() as cleanup:
        cluster_id = f"floorcast-{uuid4()}"
        broker_port, redis_port = free_ports(2)
        broker = start_broker(broker_port, cluster_id, _new_log(data_dir / "broker.log"))
        cleanup.callback(broker.stop)
        redis = start_redis(redis_port, _new_log(data_dir / "redis.log"))
        cleanup.callback(redis.stop)
        pair = Pair(
            bootstrap=f"{HOST}:{broker_port}",
            redis_url=f"redis://{HOST}:{redis_port}/0",
            cluster_id=cluster_id,
            broker_pid=broker.pid,
            redis_pid=redis.pid,
            owner_pid=os.getpid(),
        )
        cleanup.callback((data_dir / PAIR_FILE).unlink, missing_ok=True)
        _write(pair, data_dir / PAIR_FILE)
        yield pair


def find_pair(data_dir: Path) -> Pair:
    """The pair that runs in `data_dir`, checked to answer.

    Raises EmbeddedError when none does, saying how to start one.
    """
    hint = f"start one with `floorcast run --embedded --data {data_dir}`"
    try:
        pair = msgspec.json.decode((data_dir / PAIR_FILE).read_bytes(), type=Pair)
    except FileNotFoundError:
        raise EmbeddedError(f"no embedded pair runs in {data_dir} (it has no {PAIR_FILE}); {hint}") from None
    except msgspec.DecodeError as e:
        raise EmbeddedError(f"{data_dir / PAIR_FILE} is not ours: {e}; remove it, then {hint}") from e
    if fault := pair.fault():
        raise EmbeddedError(f"no embedded pair runs in {data_dir} any more: {fault}; {hint}")
    return pair


@contextmanager
def _sole_owner(data_dir: Path) -> Iterator[None]:
    """Hold the directory's lock, which the kernel frees when its holder dies. EmbeddedError if held."""
    with (data_dir / LOCK_FILE).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"an embedded pair already runs in {data_dir}; use another directory"
            raise EmbeddedError(message) from None
        yield


def _write(pair: Pair, path: Path) -> None:
    """By a rename, so that no reader sees half a file."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(pair), indent=2))
    partial.replace(path)


def _new_log(path: Path) -> Path:
    """An empty log: one run's, so that it does not grow from run to run."""
    path.write_bytes(b"")
    return path


def _port(address: str) -> int:
    return int(address.rsplit(":", 1)[1].split("/")[0])
