"""What events, configuration and addresses say is text on the pages, in a real browser: no element, script or
attribute comes of it, and nothing is asked of anybody else; nor does it get into the headers of an answer."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
import pytest

from stream.config import Config, RedisConfig, parse
from tests.answers import Told, image, ms, put
from tests.fuzz.mutate import SEGMENTS as NAMES
from tests.rig.browser import Sight, browser, seen
from tests.rig.redis import RedisServer
from tests.rig.serving import serving

NOW, WALL_MS = "2026-03-02T10:00:00", ms("2026-03-02T10:00:01")
LINES = [text for text in NAMES if re.fullmatch(r"[^\x00-\x1f\x7f]{1,80}", text)]
"""What may be a name in the configuration."""
POLICY = '"><img src=x onerror=window.forged=1> <b>'
TOKEN = "token-to-read"
TICKETS: list[Told] = [
    (
        "2026-03-02T09:30:00",
        "ticket.created",
        text,
        {"ticket": {"team": text, "agent": text, "priority": text}},
    )
    for text in NAMES
]
SHOWN = {
    "title": POLICY,
    "window": "today",
    "tiles": [
        *({"metric": "backlog", "label": line} for line in LINES[:30]),
        {"kind": "table", "label": POLICY, "by": "team", "top": 50,
         "columns": [{"metric": "backlog", "label": POLICY}]},
        {"kind": "sla", "most": 50},
    ],
}  # fmt: skip
BOARDS = {
    "shown": SHOWN,
    **{
        f"b{place}": {"title": line, "about": line, "tiles": [{"metric": "backlog"}]}
        for place, line in enumerate(LINES)
    },
}


@dataclass(frozen=True)
class Page:
    """A browser, and a server of the pages."""

    chrome: Any
    client: httpx.AsyncClient

    def at(self, path: str) -> Any:
        """What is seen there."""
        return seen(self.chrome, str(self.client.base_url).rstrip("/"), path)


@asynccontextmanager
async def served(redis: RedisServer, name: str, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A floor whose tickets, teams, agents and boards are called like this."""
    plain: dict[str, Any] = {
        "boards": BOARDS,
        "kafka": {"bootstrap": "127.0.0.1:1"},
        "policies": [{"name": POLICY, "targets": {"first_reply": "1h"}}],
        "metrics": {"backlog": {"owner": POLICY, "target": POLICY, "next_action": POLICY}},
        "redis": {"url": redis.url(), "namespace": name},
        **more,
    }
    config: Config = parse(plain)
    await put(
        RedisConfig(url=redis.url(), namespace=name), {("tickets", 0): image("tickets", config, TICKETS, NOW)}
    )
    async with serving(config, lambda: WALL_MS) as client:
        yield client


@pytest.fixture
async def pages(chromium: str, redis_server: RedisServer, unique_name: str) -> AsyncIterator[Page]:
    """Both."""
    async with served(redis_server, unique_name) as client, browser(chromium) as chrome:
        yield Page(chrome, client)


VALUES = "([selector, name]) => [...document.querySelectorAll(selector)].map((one) => one[name])"
ELEMENTS = "[...new Set([...document.querySelectorAll('*')].map((one) => one.localName))]"
ATTRIBUTES = "[...new Set([...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames()))]"


async def values(sight: Sight, selector: str, name: str) -> list[str]:
    """A property of elements."""
    found: list[str] = await sight.page.evaluate(VALUES, [selector, name])
    return found


async def texts(sight: Sight, selector: str) -> list[str]:
    """The texts of elements, as they are in the document."""
    return await values(sight, selector, "textContent")


async def is_only_text(sight: Sight) -> None:
    """No element or attribute but those that the pages are made of, and no script has run. That nothing was
    asked of others and no rule of the CSP broken, `seen` looks after."""
    elements, attributes = await sight.page.evaluate(ELEMENTS), await sight.page.evaluate(ATTRIBUTES)
    assert {"script", "img", "iframe", "b", "object", "style", "base"} & set(elements) <= {"script"}
    assert await sight.page.locator("script").count() == 1
    assert [name for name in attributes if name.startswith("on") or name in ("src", "srcset")] == ["src"]
    assert await sight.page.evaluate("window.forged") is None


async def test_pages_show_every_text_as_it_is(pages: Page) -> None:
    """A board, the list of boards, and what the address asks for."""
    await _board(pages)
    await _list(pages)
    await _address(pages)


async def _board(pages: Page) -> None:
    """Teams, tickets, agents and policies; labels, title, owner and target of the configuration."""
    async with pages.at("/boards/shown") as sight:
        await sight.page.locator(".sla tbody tr").nth(len(NAMES) - 1).wait_for(state="attached")
        assert sorted(await texts(sight, ".grid tbody th")) == sorted(NAMES)
        rows = sorted(await texts(sight, ".sla tbody td:nth-child(4)"))
        assert rows == sorted(f"{text} / {text}" for text in NAMES)
        subjects = await values(sight, ".subject", "title")
        assert sorted(subjects) == sorted(f"{text}, policy {POLICY}" for text in NAMES)
        assert (await texts(sight, "h2.tile-label"))[:30] == LINES[:30]
        assert (await texts(sight, "#title"), await sight.page.evaluate("document.title")) == (
            [POLICY], f"{POLICY} - floorcast",
        )  # fmt: skip
        title = await sight.page.locator("section.number").first.get_attribute("title")
        assert f"Target: {POLICY}. Owner: {POLICY}." in title
        await is_only_text(sight)


async def _list(pages: Page) -> None:
    """Titles and what boards are for; what the address asks for goes on to them, and nowhere else."""
    async with pages.at(f"/?{urlencode({'team': POLICY})}") as sight:
        await sight.page.locator(".boards a").nth(len(BOARDS) - 1).wait_for()
        assert set(LINES) <= set(await texts(sight, ".boards-title"))
        assert set(LINES) <= set(await texts(sight, ".boards-about"))
        hrefs = await values(sight, ".boards a", "href")
        assert {dict(parse_qsl(urlsplit(href).query))["team"] for href in hrefs} == {POLICY}
        assert {urlsplit(href).path.rpartition("/")[0] for href in hrefs} == {"/boards"}
        await is_only_text(sight)


async def _address(pages: Page) -> None:
    """A team that is none, and a window that is none, of which the server says what it was."""
    async with pages.at(f"/boards/tickets?{urlencode({'team': POLICY})}") as sight:
        await sight.until_said("#view", POLICY)
        await is_only_text(sight)
    async with pages.at(f"/boards/tickets?{urlencode({'window': '<b>x</b>'})}") as sight:
        await sight.until_said("#waiting", "window '<b>x</b>'")
        await is_only_text(sight)


async def test_no_text_of_a_request_gets_into_the_headers_of_an_answer(
    redis_server: RedisServer, unique_name: str
) -> None:
    """The address to which a page with a token leads has it in its query, encoded; an error is JSON, which no
    browser takes for a page."""
    tokens = {"tv": {"sha256": sha256(TOKEN.encode()).hexdigest()}}
    async with served(redis_server, unique_name, serve={"tokens": tokens}) as client:
        plain = (await client.get("/", params={"token": TOKEN})).headers.keys()
        for text in (*NAMES, "\r\nSet-Cookie: forged=1\r\n\r\n<html>"):
            led = await client.get("/", params={"token": TOKEN, text: text})
            assert (led.status_code, led.headers.keys()) == (303, plain)
            address = urlsplit(led.headers["location"])
            assert (address.scheme, address.netloc, address.path) == ("", "", "/")
            assert parse_qsl(address.query, keep_blank_values=True) == [(text, text)]
            asked = await client.get(
                f"/api/v1/entities/tickets/{quote(text, safe='')}",
                headers={"Authorization": f"Bearer {TOKEN}"},
            )
            assert asked.status_code in (200, 404)
            assert asked.headers["content-type"] in ("application/json", "application/problem+json")
            assert asked.headers["x-content-type-options"] == "nosniff"
