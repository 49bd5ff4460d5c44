"""Which server is good enough, and who may talk to it how."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from stream.config import RedisConfig, Secret
from stream.embedded.child import Child
from stream.embedded.probe import free_ports
from stream.shard.changes import Needs
from stream.shard.image import Image
from stream.store import RedisStore, Rejected, StoredTopic, Unavailable, Unsuitable
from stream.store.inspect import WRITING
from stream.store.server import server_problems
from tests.conftest import NewRedis
from tests.rig.commits import BILLING, DAY, FINE, WAITING, everything, taken_back
from tests.rig.redis import RedisServer, redis_program

DOCS = Path(__file__).parents[1] / "docs" / "redis.md"
GOOD = {
    "redis_version": "7.0.15",
    "maxmemory_policy": "noeviction",
    "role": "master",
}


async def test_the_servers_of_the_tests_are_good(store: RedisStore) -> None:
    """A Redis 7 and the embedded Valkey, both with `noeviction`, pass."""
    await store.check_server()


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ({"redis_version": "6.2.14"}, "version 6.2.14: Redis 7 or newer, or Valkey, is needed"),
        ({"maxmemory_policy": "allkeys-lru"}, "set `maxmemory-policy noeviction`"),
        ({"role": "slave"}, "set redis.url to the primary"),
    ],
)
def test_a_server_that_could_lose_numbers_is_refused(said: dict[str, Any], advice: str) -> None:
    """Each reason says what to change."""
    (problem,) = server_problems(GOOD | said)
    assert advice in problem


def test_new_servers_pass() -> None:
    """Redis 8 and every Valkey, which calls itself an old Redis, are new enough."""
    assert server_problems(GOOD | {"redis_version": "8.2.1"}) == []
    assert server_problems(GOOD | {"redis_version": "7.2.4", "server_name": "valkey"}) == []


async def test_an_evicting_server_is_refused(new_redis: NewRedis) -> None:
    """The check asks the real server, and names it."""
    server = new_redis()
    with Redis.from_url(server.url()) as raw:
        raw.config_set("maxmemory-policy", "volatile-lru")
    store = RedisStore(RedisConfig(url=server.url()))
    with pytest.raises(Unsuitable, match=rf"{server.port}/0: its maxmemory-policy is volatile-lru"):
        await store.check_server()
    await store.close()


async def test_a_replica_says_where_to_go(new_redis: NewRedis) -> None:
    """Written to a replica, a commit waits for a fail-over in vain; the error says to name the primary."""
    server, primary = new_redis(), new_redis()
    with Redis.from_url(server.url()) as raw:
        raw.replicaof("127.0.0.1", str(primary.port))
    store = RedisStore(RedisConfig(url=server.url()), patience_s=0.5)
    with pytest.raises(Unavailable, match=r"set redis\.url to the primary"):
        await store.commit("tickets", 3, "", everything())
    with pytest.raises(Unsuitable, match=r"set redis\.url to the primary"):
        await store.check_server()
    await store.close()


async def test_the_documented_user_is_enough(new_redis: NewRedis) -> None:
    """With exactly the ACL rules of docs/redis.md everything works, also in another database."""
    found = re.search(r"user floorcast (on >(\S+) .*)", DOCS.read_text())
    assert found
    server = new_redis(users={"floorcast": found[1]})
    config = RedisConfig(url=server.url(2), username="floorcast", password=Secret(found[2]))
    await use_everything(RedisStore(config))
    store = RedisStore(config)
    facts = await store.inspect()
    assert (facts.refused, facts.saves) == (frozenset(), None)
    await store.close()


async def test_the_documented_reader_is_enough(new_redis: NewRedis) -> None:
    """With the reader's rules of docs/redis.md all reading works, and nothing can be written."""
    found = re.search(r"user floorcast-reader (on >(\S+) .*)", DOCS.read_text())
    assert found
    server = new_redis(users={"reader": found[1]})
    writer = RedisStore(RedisConfig(url=server.url()))
    await writer.write_topic("tickets", StoredTopic("support.tickets", 4))
    await writer.commit("tickets", 3, "", changes := everything())
    await writer.close()
    store = RedisStore(RedisConfig(url=server.url(), username="reader", password=Secret(found[2])))
    await store.check_server()
    assert (await store.inspect()).refused == frozenset(WRITING)
    assert (await store.fences("tickets"))[3] == changes.fence
    for groups in (None, [BILLING]):
        assert (await store.read_cells("tickets", {3: [FINE]}, groups))[3]
        assert (await store.read_levels("tickets", [3], groups))[3]
    assert await store.read_members("tickets", [3], WAITING, True)
    assert await store.written("tickets", [3], {})
    assert await store.journals("tickets")
    assert await store.versions(0) == ()
    assert await store.reports() == []
    assert (await store.waiting([("tickets", 3)], 2**52))["tickets", 3].entries
    assert (await store.memory([("tickets", 3)])).by_kind["states"]
    with pytest.raises(Rejected, match=r"docs/redis\.md"):
        await store.commit("tickets", 3, changes.fence.commit_id, taken_back())
    await store.close()


async def test_a_wrong_password_is_said_at_once(new_redis: NewRedis) -> None:
    """It is not waited out, and no message shows it."""
    server = new_redis(password="right")
    for given, advice in ((Secret("wr0ng"), "check redis.username"), (None, "redis.password")):
        store = RedisStore(RedisConfig(url=server.url(), password=given))
        with pytest.raises(Rejected, match=advice) as refused:
            await store.restore("tickets", 3)
        assert "wr0ng" not in str(refused.value)
        await store.close()


async def test_the_password_file_is_read_at_each_connection(new_redis: NewRedis, tmp_path: Path) -> None:
    """A password that is changed on the server and in the file is used from the next connection on."""
    server = new_redis(password="first")
    file = tmp_path / "password"
    file.write_text("first\n")
    store = RedisStore(RedisConfig(url=server.url(), password_file=str(file)))
    await store.check_server()
    with Redis.from_url(server.url(), password="first") as raw:
        raw.config_set("requirepass", "second")
        file.write_text("second\n")
        raw.client_kill_filter(_type="normal", skipme=True)
    await store.check_server()
    await store.close()


@pytest.fixture
def tls_server(tmp_path: Path, redis_server: RedisServer) -> Iterator[tuple[str, Path]]:
    """URL of a Redis that speaks only TLS and wants a client's certificate, and the directory of its files.

    `redis_server` is there to skip these tests where no redis-server is installed.
    """
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    (port,) = free_ports(1)
    (tmp_path / "redis.conf").write_text(
        f"bind 127.0.0.1\nport 0\ntls-port {port}\ntls-cert-file {tmp_path}/cert.pem\n"
        f"tls-key-file {tmp_path}/key.pem\ntls-ca-cert-file {tmp_path}/cert.pem\n"
        f'dir {tmp_path}\nsave ""\nmaxmemory-policy noeviction\n'
    )
    log = tmp_path / "redis.log"
    child = Child("redis-server", [redis_program(), str(tmp_path / "redis.conf")], log)
    child.wait_ready(lambda: b"Ready to accept connections" in log.read_bytes(), 30)
    yield f"rediss://127.0.0.1:{port}/0", tmp_path
    child.stop()


async def test_tls(tls_server: tuple[str, Path]) -> None:
    """With the authority's and the client's certificate everything works over TLS."""
    url, files = tls_server
    config = RedisConfig(
        url=url,
        ca_file=str(files / "cert.pem"),
        cert_file=str(files / "cert.pem"),
        key_file=str(files / "key.pem"),
    )
    await use_everything(RedisStore(config))


async def test_an_unknown_certificate_is_refused(tls_server: tuple[str, Path]) -> None:
    """A server that nobody vouches for is not talked to; the error names the setting."""
    store = RedisStore(RedisConfig(url=tls_server[0]), patience_s=3)
    with pytest.raises(Unavailable, match=r"set redis\.ca_file"):
        await store.check_server()
    await store.close()


async def use_everything(store: RedisStore) -> None:
    """Every kind of command that the store has."""
    await store.check_server()
    expected = Image()
    for changes in (everything(), taken_back()):
        await store.commit("tickets", 3, expected.fence.commit_id, changes)
        expected.apply(changes)
    assert await store.image("tickets", 3) == expected
    fence, panes = await store.panes("tickets", 3)
    assert await store.at(2).take_over("tickets", 3, store, fence, panes, 1, levels=True)
    carried = await store.at(2).image("tickets", 3)
    assert (carried.fence.carried_ms, carried.fence.uncounted) == (1, len(expected.states))
    assert (carried.cells, carried.levels) == (expected.cells, expected.levels)
    await store.at(2).delete_shard("tickets", 3)
    await store.claim("tickets", 3, (await store.restore("tickets", 3)).fence)
    await store.load("tickets", 3, Needs(["desk:1"], {FINE: None, DAY: [BILLING]}, [20_417]))
    await store.write_topic("tickets", StoredTopic("support.tickets", 4))
    assert len(await store.fences("tickets")) == 4
    await store.read_cells("tickets", {3: [FINE]}, None)
    await store.read_levels("tickets", [3], None)
    await store.read_members("tickets", [3], WAITING, False)
    await store.delete_namespace()
    assert await store.topics() == {}
    await store.close()
