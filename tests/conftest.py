"""The servers that tests run against.

They live for the whole session, so a test uses topics and a namespace of its own (`unique_name`).
A test that stops or kills servers makes its own with `new_kafka` or `new_redis`.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from stream.config import RedisConfig
from stream.embedded.broker import broker_binary
from stream.embedded.child import EmbeddedError
from stream.embedded.pair import Pair, start_pair
from stream.embedded.redis import redis_binary
from stream.store import RedisStore
from tests.rig.browser import chromium_program
from tests.rig.kafka import Kafka, kafka_libs
from tests.rig.missing import MissingPart
from tests.rig.pipeline import Pipeline, pipeline
from tests.rig.redis import RedisServer, redis_program
from tests.simulation.server import Server, valkey

T = TypeVar("T")

settings.register_profile(
    "floorcast",
    max_examples=int(os.environ.get("FLOORCAST_TEST_EXAMPLES", "100")),
    deadline=None,  # machines differ; no test asserts on time
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
    print_blob=True,
)
settings.load_profile("floorcast")

LONG = ("test_realdata_", "test_browser_", "test_core_order", "test_pipeline_", "test_alerts_pipeline")
"""Files that take minutes: begun first, so that no process waits for the last of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first, else as they come."""
    items.sort(key=lambda item: not item.path.name.startswith(LONG))


class NewRedis(Protocol):
    """Starts one more redis-server; the options are those of RedisServer."""

    def __call__(
        self, *, save: bool = False, password: str | None = None, users: dict[str, str] | None = None
    ) -> RedisServer: ...


@pytest.fixture
def unique_name() -> str:
    """A name for this test's topics, groups or namespace that no other test has."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A real Apache Kafka, shared by the session."""
    server = Kafka(tmp_path_factory.mktemp("kafka"), _part(kafka_libs))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis, shared by the session, without snapshots."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), _part(redis_program))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def deployment(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> Iterator[Pipeline]:
    """On the real Kafka and Redis."""
    with pipeline(kafka.bootstrap, redis_server.url(), unique_name, tmp_path) as one:
        yield one


@pytest.fixture(scope="session")
def embedded_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The embedded broker and Valkey, shared by the session."""
    _part(broker_binary)
    _part(redis_binary)
    with start_pair(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest.fixture(scope="session")
def simulated_redis() -> Iterator[Server]:
    """An embedded Valkey that simulated runs empty."""
    _part(redis_binary)
    with valkey() as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a real Chromium that can be driven."""
    return _part(chromium_program)


@pytest.fixture
def new_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Kafka]]:
    """Starts brokers that this test alone uses; what still runs is ended with the test."""
    with ExitStack() as cleanup:

        def start() -> Kafka:
            server = Kafka(tmp_path_factory.mktemp("own-kafka"), _part(kafka_libs))
            cleanup.callback(server.kill9)
            server.start()
            return server

        yield start


@pytest.fixture
def new_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewRedis]:
    """Starts Redis servers that this test alone uses; what still runs is ended with the test."""
    with ExitStack() as cleanup:

        def start(
            *, save: bool = False, password: str | None = None, users: dict[str, str] | None = None
        ) -> RedisServer:
            directory = tmp_path_factory.mktemp("own-redis")
            server = RedisServer(directory, _part(redis_program), save=save, password=password, users=users)
            cleanup.callback(server.kill9)
            server.start()
            return server

        yield start


@pytest.fixture(params=["redis", "valkey"])
def redis_config(request: pytest.FixtureRequest, unique_name: str) -> RedisConfig:
    """A namespace of this test's own, once in the real Redis and once in the embedded Valkey."""
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url()
    else:
        url = request.getfixturevalue("embedded_pair").redis_url
    return RedisConfig(url=url, namespace=unique_name)


@pytest.fixture
async def store(redis_config: RedisConfig) -> AsyncIterator[RedisStore]:
    """An empty store, once in the real Redis and once in the embedded Valkey."""
    store = RedisStore(redis_config, patience_s=10)
    yield store
    await store.close()


def _part(find: Callable[[], T]) -> T:
    """What `find` finds. What is missing skips the test; in CI, where nothing may go unseen, it fails it."""
    try:
        return find()
    except (MissingPart, EmbeddedError) as e:
        if os.environ.get("CI") == "true":
            pytest.fail(str(e))
        pytest.skip(str(e))
