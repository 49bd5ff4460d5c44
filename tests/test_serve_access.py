"""Who may read and write: loopback, tokens, teams, private boards."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from stream.config import Config, ConfigError, RedisConfig, describe, parse
from stream.config.serve import ServeConfig
from stream.serve.access import may_listen
from tests.answers import TEAM_A, Told, image, ms, put
from tests.rig.redis import RedisServer
from tests.rig.serving import NO_KAFKA, serving

NOW = "2026-03-02T10:00:00"
WALL_MS = ms("2026-03-02T10:00:01")
TICKETS: list[Told] = [
    ("2026-03-02T08:30:00", "ticket.created", "desk:1", TEAM_A),
    ("2026-03-02T09:20:00", "ticket.created", "desk:2", {"ticket": {"team": "b"}}),
]
READ, ADMIN, LEAD = "token-to-read", "token-of-admin", "token-of-lead-a"
TEAMLESS = [
    "/api/v1/query?metric=backlog", "/api/v1/query?metric=backlog&by=team",
    "/api/v1/query?metric=backlog&where=team=b", "/api/v1/query?metric=backlog&where=team=",
    "/api/v1/query?metric=backlog&where=team=a&where=team=b", "/api/v1/sla", "/api/v1/sla?team=b",
    "/api/v1/sla?where=team=a&team=b", "/api/v1/alerts", "/api/v1/alerts?team=b",
    "/api/v1/stream?board=floor", "/api/v1/stream?board=floor&team=b",
    "/api/v1/stream?board=floor&team=a&team=b",
]  # fmt: skip


def hashed(token: str) -> str:
    """As it stands in the configuration."""
    return sha256(token.encode()).hexdigest()


def bearer(token: str) -> dict[str, str]:
    """The header."""
    return {"Authorization": f"Bearer {token}"}


def tokens(**given: dict[str, Any]) -> ServeConfig:
    """A server elsewhere than on loopback."""
    return parse({"serve": {"host": "0.0.0.0", "tokens": given}}).serve


GUARDED = tokens(
    tv={"sha256": hashed(READ)}, boss={"sha256": hashed(ADMIN), "kind": "admin"},
    lead={"sha256": hashed(LEAD), "kind": "admin", "teams": ["a"]},
)  # fmt: skip


@pytest.fixture
async def config(redis_server: RedisServer, unique_name: str) -> Config:
    """Two tickets of two teams."""
    redis = RedisConfig(url=redis_server.url(), namespace=unique_name)
    config = Config(redis=redis, kafka=NO_KAFKA, serve=GUARDED)
    await put(redis, {("tickets", 0): image("tickets", config, TICKETS, NOW)})
    return config


async def status(client: httpx.AsyncClient, path: str, token: str | None = None) -> int:
    """Of a stream, too, which is left at once."""
    async with client.stream("GET", path, headers=bearer(token) if token else {}) as got:
        return got.status_code


async def test_elsewhere_than_on_loopback_everything_needs_a_token(config: Config) -> None:
    """But whether it runs, the pages, and what the API is."""
    async with serving(config, lambda: WALL_MS) as client:
        for path in ("/api/v1/metrics", "/api/v1/boards", "/api/v1/annotations", *TEAMLESS):
            assert await status(client, path) == 401, path
            assert await status(client, path, "wrong") == 401, path
        for path in ("/api/v1/metrics", "/api/v1/boards", "/api/v1/query?metric=backlog"):
            assert await status(client, path, READ) == 200, path
        for path in ("/healthz", "/openapi.json"):
            assert await status(client, path) == 200, path


async def test_writing_needs_an_admin_token(config: Config) -> None:
    """In the header: a cookie is sent by whatever page makes a browser ask."""
    body = {"subject": "desk:1", "clock": "first_reply", "by": "Ann"}
    async with serving(config, lambda: WALL_MS) as client:
        for path in ("/api/v1/events", "/api/v1/alerts/acknowledge"):
            assert (await client.post(path, json=body)).status_code == 401
            assert (await client.post(path, json=body, headers=bearer(READ))).status_code == 403
            client.cookies.set("floorcast", ADMIN)
            assert (await client.post(path, json=body)).status_code == 401
            client.cookies.clear()
        # Kafka is not there: the token was good enough to get so far.
        got = await client.post("/api/v1/alerts/acknowledge", json=body, headers=bearer(ADMIN))
        assert got.status_code == 503


async def test_a_token_for_teams_asks_for_one_of_them_everywhere(config: Config) -> None:
    """And for nothing else, however it is put."""
    async with serving(config, lambda: WALL_MS) as client:
        for path in TEAMLESS:
            assert await status(client, path, LEAD) == 403, path
        got = await client.get("/api/v1/query?metric=backlog&where=team=a", headers=bearer(LEAD))
        assert [row["values"]["value"] for row in got.json()["rows"]] == [1]
        assert await status(client, "/api/v1/sla?team=a", LEAD) == 200
        assert await status(client, "/api/v1/stream?board=floor&team=a", LEAD) == 200
        assert await status(client, "/api/v1/entities/tickets/desk:1", LEAD) == 200
        assert await status(client, "/api/v1/entities/tickets/desk:2", LEAD) == 404
        batch = [{"metric": "backlog"}, {"metric": "backlog", "where": ["team=a"]}]
        got = await client.post("/api/v1/query_batch", json=batch, headers=bearer(LEAD))
        assert ["error" in one for one in got.json()] == [True, False]
        event = {"specversion": "1.0"}
        assert (await client.post("/api/v1/events", json=event, headers=bearer(LEAD))).status_code == 403
        taken = {"subject": "desk:2", "clock": "first_reply", "by": "Ann"}
        got = await client.post("/api/v1/alerts/acknowledge", json=taken, headers=bearer(LEAD))
        assert got.status_code == 403, "of another team, and before Kafka is asked"


async def test_private_boards_are_for_admins(config: Config) -> None:
    """Others are not even told of them."""
    async with serving(config, lambda: WALL_MS) as client:
        for token, expected in ((READ, 403), (ADMIN, 200)):
            assert await status(client, "/api/v1/stream?board=team-lead", token) == expected
            boards = (await client.get("/api/v1/boards", headers=bearer(token))).json()["boards"]
            assert ("team-lead" in {board["name"] for board in boards}) == (expected == 200)


async def test_a_browser_keeps_a_token_for_reading(config: Config) -> None:
    """Given in a body, or once in a page's address, which then does not show it any more."""
    async with serving(config, lambda: WALL_MS) as client:
        assert (await client.post("/api/v1/session", json={"token": "wrong"})).status_code == 401
        assert await status(client, "/api/v1/boards") == 401
        got = await client.post("/api/v1/session", json={"token": READ})
        assert got.status_code == 204
        assert {"HttpOnly", "SameSite=strict"} <= set(got.headers["set-cookie"].split("; "))
        assert await status(client, "/api/v1/boards") == 200
        client.cookies.clear()
        got = await client.get("/boards/floor", params={"tv": "1", "token": READ})
        assert (got.status_code, got.headers["location"]) == (303, "/boards/floor?tv=1")
        assert await status(client, "/api/v1/stream?board=floor") == 200


async def test_on_loopback_reading_is_open_until_a_token_for_reading_is_there(config: Config) -> None:
    """Without tokens writing is, too; with one for admins alone it is not."""
    body = {"subject": "desk:1", "clock": "first_reply", "by": "Ann"}
    admins = {name: token for name, token in GUARDED.tokens.items() if name == "boss"}
    for known, reads, writes in (({}, 200, 503), (admins, 200, 401), (GUARDED.tokens, 401, 401)):
        one = replace(config, serve=ServeConfig(tokens=known))
        async with serving(one, lambda: WALL_MS) as client:
            assert await status(client, "/api/v1/query?metric=backlog") == reads
            assert (await client.post("/api/v1/alerts/acknowledge", json=body)).status_code == writes


@pytest.mark.parametrize(
    ("host", "known", "may"),
    [
        ("127.0.0.1", False, True), ("::1", False, True), ("localhost", False, True),
        ("0.0.0.0", False, False), ("10.0.0.1", False, False), ("floor.example", False, False),
        ("0.0.0.0", True, True),
    ],
)  # fmt: skip
def test_elsewhere_it_refuses_to_start_without_tokens(host: str, known: bool, may: bool) -> None:
    """With what to do."""
    reason = may_listen(ServeConfig(host=host, tokens=GUARDED.tokens if known else {}))
    assert (reason is None) == may
    assert may or "add a token" in (reason or "")


def test_the_command_refuses_with_status_2(tmp_path: Path) -> None:
    """So that `floorcast run` does not start it again and again."""
    root = Path(__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": str(root), "FLOORCAST_SERVE_HOST": "0.0.0.0"}
    child = subprocess.run(
        [sys.executable, "-m", "stream", "serve"], cwd=tmp_path, env=env, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert child.returncode == 2
    assert "serve.tokens is empty" in child.stderr


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ({}, "needs the SHA-256"), ({"sha256": READ}, "64 hexadecimal digits"),
        ({"sha256": hashed(READ), "kind": "root"}, "expected read or admin"),
        ({"sha256": hashed(READ), "team": ["a"]}, "teams"),
    ],
)  # fmt: skip
def test_wrong_tokens_are_said_without_being_shown(token: dict[str, Any], says: str) -> None:
    """Neither the token that was written in place of its hash, nor the hash."""
    with pytest.raises(ConfigError) as caught:
        tokens(tv=token)
    assert says in str(caught.value)
    assert READ not in str(caught.value)
    assert hashed(READ) not in str(caught.value)


def test_no_hash_is_shown() -> None:
    """As a weak token can be guessed from it."""
    text = describe(Config(serve=GUARDED))
    assert "lead" in text
    assert hashed(LEAD) not in text
    with pytest.raises(ConfigError, match=r"tokens\.two.*that of serve\.tokens\.one"):
        tokens(one={"sha256": hashed(READ)}, two={"sha256": hashed(READ)})
