"""The API over HTTP: answers as those of the commands, errors that say what instead, and safe headers."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from msgspec.structs import replace
from openapi_spec_validator import validate

from stream.config import Config, RedisConfig, ServeConfig, parse
from stream.metrics.catalog import load_catalog
from stream.query.plain import answer, as_plain
from stream.query.request import Request
from stream.query.windows import Calendar
from stream.store import RedisStore
from tests.answers import REPLY, TEAM_A, Told, image, ms, put
from tests.rig.redis import RedisServer
from tests.rig.serving import NO_KAFKA, serving

NOW = "2026-03-02T10:00:00"
WALL_MS = ms("2026-03-02T10:00:01")
POLICIES = parse({"policies": [{"name": "all", "targets": {"first_reply": "1h"}, "warn": ["50%"]}]})
TICKETS: list[Told] = [
    ("2026-03-02T08:30:00", "ticket.created", "desk:1", TEAM_A),
    ("2026-03-02T09:20:00", "ticket.created", "desk:2", {"ticket": {"team": "b"}}),
    ("2026-03-02T09:40:00", "ticket.message_added", "desk:1", REPLY),
]


@pytest.fixture
async def config(redis_server: RedisServer, unique_name: str) -> Config:
    """A small floor in a real Redis; nobody answers as Kafka."""
    redis = RedisConfig(url=redis_server.url(), namespace=unique_name)
    config = replace(POLICIES, redis=redis, kafka=NO_KAFKA)
    await put(redis, {("tickets", 0): image("tickets", config, TICKETS, NOW)})
    return config


@pytest.fixture
async def client(config: Config) -> AsyncIterator[httpx.AsyncClient]:
    """Asks a server of that floor."""
    async with serving(config, lambda: WALL_MS) as client:
        yield client


async def test_a_question_is_answered_as_the_command_does(client: httpx.AsyncClient, config: Config) -> None:
    """By the same code, so only how it is asked differs."""
    got = await client.get(
        "/api/v1/query", params={"metric": "ticket_volume", "window": "2h", "by": "team", "top": 1}
    )
    store = RedisStore(config.redis, patience_s=5)
    request = Request(window="2h", by=("team",), top=1)
    told = await answer(config, store, load_catalog(), "ticket_volume", request, WALL_MS)
    await store.close()
    assert got.status_code == 200, got.text
    assert got.json() == json.loads(json.dumps(as_plain(told, Calendar("UTC"))))
    assert [row["values"]["value"] for row in got.json()["rows"]] == [1, 1]


async def test_a_batch_answers_each_question_in_its_place(client: httpx.AsyncClient) -> None:
    """An error of one is no error of the others."""
    questions = [
        {"metric": "backlog", "by": ["team"], "where": ["team=b"]},
        {"metric": "backlogg"},
        {"metric": "first_response_time", "window": "today", "stat": ["mean", "count"]},
        {"metric": "backlog", "window": "fortnight"},
    ]
    got = await client.post("/api/v1/query_batch", json=questions)
    assert got.status_code == 200, got.text
    backlog, unknown, response, window = got.json()
    assert [row["values"]["value"] for row in backlog["rows"]] == [1]
    assert unknown["error"]["status"] == 404
    assert "backlog" in unknown["error"]["detail"]
    assert response["rows"][0]["values"] == {"mean": 4200, "count": 1}
    assert window["error"]["status"] == 422


async def test_the_catalog_the_clocks_and_an_entity(client: httpx.AsyncClient) -> None:
    """What else there is to read, as the commands print it."""
    metrics = (await client.get("/api/v1/metrics")).json()["metrics"]
    assert {metric["id"] for metric in metrics} == set(load_catalog().ids())
    (clock,) = (await client.get("/api/v1/sla", params={"where": "team=b"})).json()
    assert (clock["subject"], clock["clock"], clock["state"]) == ("desk:2", "first_reply", "at_risk")
    assert clock["left_s"] == 1199
    assert (await client.get("/api/v1/sla", params={"team": "a"})).json() == []
    entity = (await client.get("/api/v1/entities/tickets/desk:1")).json()
    assert [event["type"] for event in entity["history"]] == ["ticket.created", "ticket.message_added"]
    assert "ticket_volume" in {metric for part in entity["contributions"] for metric in part["metrics"]}
    assert (await client.get("/api/v1/entities/support.tickets/desk:1")).json() == entity


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/api/v1/query?metric=backlog&by=teem", 422, "team"),
        ("/api/v1/query?metric=backlog&to=2026-03-02", 422, "`from`"),
        ("/api/v1/query?metric=ticket_volum", 404, "ticket_volume"),
        ("/api/v1/query", 422, "Field required"),
        ("/api/v1/query?metric=backlog&top=0", 422, "greater"),
        ("/api/v1/entities/tickets/desk:9", 404, "nothing is known"),
        ("/api/v1/entities/orders/1", 404, "not counted"),
        ("/api/v1/sla?clock=lunch", 422, "no such clock"),
        ("/api/v1/stream?board=flor", 404, "floor"),
        ("/api/v1/stream?board=floor&teem=a", 422, "team"),
        ("/api/v1/alerts", 503, "Kafka"),
        ("/api/v1/nothing", 404, "nothing here"),
        ("/boards/nothing", 404, "no such board"),
        ("/static/..%2fserver.py", 404, "nothing here"),
    ],
)
async def test_what_is_wrong_is_said(client: httpx.AsyncClient, path: str, status: int, says: str) -> None:
    """As a problem, with what there is instead."""
    got = await client.get(path)
    assert got.status_code == status, got.text
    assert got.headers["content-type"] == "application/problem+json"
    assert says in got.text
    assert status == 503 or "--" not in got.json()["detail"], "no options of commands"


async def test_every_answer_has_the_headers_of_safety(client: httpx.AsyncClient) -> None:
    """No foreign script, frame or referrer; nothing for pages of other sites."""
    for path in ("/healthz", "/api/v1/metrics", "/api/v1/nothing", "/openapi.json"):
        headers = (await client.get(path, headers={"Origin": "https://evil.example"})).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert not [name for name in headers if name.startswith("access-control")]


async def test_on_loopback_it_is_asked_by_no_other_name(client: httpx.AsyncClient) -> None:
    """A web page whose name leads to 127.0.0.1 reads nothing."""
    got = await client.get("/api/v1/metrics", headers={"Host": "evil.example"})
    assert got.status_code == 421
    assert (await client.get("/api/v1/metrics", headers={"Host": "localhost:80"})).status_code == 200


async def test_a_client_that_asks_too_much_waits(config: Config) -> None:
    """With an answer that says for how long."""
    config = replace(config, serve=ServeConfig(requests_per_second=1))
    async with serving(config, lambda: WALL_MS) as client:
        statuses = [(await client.get("/healthz")).status_code for _ in range(30)]
        assert statuses[:10] == [200] * 10
        assert 429 in statuses
        limited = await client.get("/healthz")
        assert limited.status_code == 429
        assert int(limited.headers["retry-after"]) >= 1


async def test_bodies_are_bounded(client: httpx.AsyncClient) -> None:
    """In size, type and number of questions."""
    post = client.post
    assert (await post("/api/v1/query_batch", json=[{"metric": "x" * 70_000}])).status_code == 413
    assert (await post("/api/v1/query_batch", json=[{"metric": "backlog"}] * 51)).status_code == 422
    assert (await post("/api/v1/query_batch", content=b"[]")).status_code == 415
    for body in (b"{", b"\xff", b"[" * 20_000, b'[{"metric": 1}]', b'[{"metrik": "x"}]'):
        got = await post("/api/v1/query_batch", content=body, headers={"Content-Type": "application/json"})
        assert got.status_code == 422, body


@pytest.mark.parametrize(
    "begin",
    [
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
        "GET /",
        "POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
    ],
    ids=["headers", "address", "trailers"],
)
async def test_heads_are_bounded(client: httpx.AsyncClient, begin: str) -> None:
    """Who sends headers, an address or trailers without end is cut off before they fill memory."""
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(begin.encode())
    try:
        async with asyncio.timeout(30):
            with contextlib.suppress(ConnectionError):  # it does not wait until everything has been sent
                for _ in range(16):
                    writer.write(b"x" * 65_536)
                    await writer.drain()
                await reader.read()  # to its end, which is when the server closes
    finally:
        writer.close()


async def test_health(client: httpx.AsyncClient, config: Config) -> None:
    """It runs; the numbers are fit as long as the worker keeps up."""
    assert (await client.get("/healthz")).text == "up\n"
    assert (await client.get("/readyz")).text == "ready\n"
    async with serving(config, lambda: WALL_MS + 60_000) as later:
        got = await later.get("/readyz")
        assert (got.status_code, got.text) == (503, "tickets/0 had last caught up with its log 61 s ago\n")


async def test_without_redis_it_says_so(config: Config, unique_name: str) -> None:
    """No numbers rather than old ones, and no internals."""
    gone = replace(config, redis=RedisConfig(url="redis://user:hunter2@127.0.0.1:1/0"))
    async with serving(gone, lambda: WALL_MS) as client:
        answers = await asyncio.gather(
            client.get("/api/v1/query?metric=backlog"), client.get("/readyz"), client.get("/healthz")
        )
    assert [got.status_code for got in answers] == [503, 503, 200]
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert not [got for got in answers if "hunter2" in got.text]


async def test_openapi_is_valid_and_has_examples(client: httpx.AsyncClient) -> None:
    """Every route of the API is described, with an example of its answer."""
    spec = (await client.get("/openapi.json")).json()
    validate(spec)
    paths = {path for path in spec["paths"] if path.startswith("/api/")}
    assert paths == {
        "/api/v1/metrics", "/api/v1/query", "/api/v1/query_batch", "/api/v1/entities/{topic}/{id}",
        "/api/v1/sla", "/api/v1/alerts", "/api/v1/alerts/acknowledge", "/api/v1/annotations",
        "/api/v1/events", "/api/v1/stream", "/api/v1/boards", "/api/v1/session",
    }  # fmt: skip
    for path in paths - {"/api/v1/session"}:
        for operation in spec["paths"][path].values():
            (content,) = operation["responses"]["200"]["content"].values()
            assert content["example"], path
