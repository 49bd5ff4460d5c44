"""The wallboards in a real browser, with numbers of the real pipeline."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from stream.config import parse
from stream.embedded.pair import Pair
from stream.embedded.probe import HOST, free_ports
from stream.query.wall import boards_of
from tests.answers import floor, put
from tests.conftest import NewRedis
from tests.rig.browser import PHONE, TV, TV_4K, Sight, browser, seen
from tests.rig.pipeline import Pipeline, Process, a_moment, pipeline, recent_mix

POLICIES = "[{name: standard, targets: {first_reply: 1h, resolution: 8h}, warn: [75%]}]"
HOSTILE = "<img src=x onerror=alert(1)>"
READY_MADE = [board.name for board in boards_of(parse({}))]
LIVE = "#live.state-ok"


@dataclass(frozen=True)
class Served:
    """A deployment with numbers, and a server of its boards."""

    deployment: Pipeline
    origin: str
    worker: Process | None = None


@pytest.fixture(scope="module")
def served(embedded_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A worker that has counted a morning, and the server."""
    name = f"t{uuid4().hex[:12]}"
    directory = tmp_path_factory.mktemp("boards")
    with pipeline(
        embedded_pair.bootstrap, embedded_pair.redis_url, name, directory, POLICIES=POLICIES
    ) as deployment:
        worker = asyncio.run(_fill(deployment))
        (port,) = free_ports(1)
        serve(deployment, port)
        yield Served(deployment, f"http://{HOST}:{port}", worker)


async def _fill(deployment: Pipeline) -> Process:
    await deployment.create_topics(1)
    await deployment.publish([*recent_mix(2000), created("hostile", HOSTILE)])
    worker = deployment.worker()
    await deployment.wait()
    return worker


def serve(deployment: Pipeline, port: int) -> Process:
    """Starts `floorcast serve`."""
    return deployment.start("serve", FLOORCAST_SERVE_PORT=str(port))


def created(subject: str, team: str, minutes_ago: int = 0) -> tuple[str, dict[str, Any]]:
    """A ticket that a customer has opened, just now unless told otherwise."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return "tickets", {
        "specversion": "1.0", "id": f"{subject}-created", "source": "desk", "type": "ticket.created",
        "subject": subject, "time": at.isoformat(),
        "data": {"ticket": {"team": team, "channel": "email"},
                 "message": {"author": "customer"}},
    }  # fmt: skip


@pytest.fixture
async def chrome(chromium: str) -> AsyncIterator[Any]:
    """A running Chromium."""
    async with browser(chromium) as running:
        yield running


async def reachable(served: Served) -> None:
    """Returns when the server answers."""
    _, port = served.origin.rsplit(":", 1)
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, int(port))
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


def number_of(text: str) -> int:
    """`1,234` -> 1234."""
    return int(text.replace(",", ""))


async def test_a_change_in_the_pipeline_is_on_the_board(chrome: Any, served: Served) -> None:
    """A ticket that is opened is in the backlog, in this very page, without a reload."""
    await reachable(served)
    async with seen(chrome, served.origin, "/boards/tickets") as sight:
        await sight.until_said("#live", "live")
        await sight.page.evaluate("window.stays = true")
        value = "section:has(h2:text-is('Backlog')) .tile-value"
        before = number_of(await sight.text(value))
        await served.deployment.publish([created(f"live-{uuid4().hex}", "red")])
        await sight.page.locator(value, has_text=re.compile(f"^{before + 1:,}$")).wait_for()
        assert await sight.page.evaluate("window.stays")


async def test_a_gauge_ticks_in_the_page(chrome: Any, served: Served) -> None:
    """The age of the oldest unanswered ticket grows between two documents."""
    await reachable(served)
    async with seen(chrome, served.origin, "/boards/tickets") as sight:
        await sight.until_said("#live", "live")
        value = "section:has(h2:text-is('Oldest unanswered')) .tile-value"
        first = await sight.text(value)
        await sight.until(f"!document.querySelector('main').innerText.includes({first!r})")


async def test_texts_of_events_are_shown_as_they_are(chrome: Any, served: Served) -> None:
    """The name of a team that is markup is a text: no element comes of it."""
    await reachable(served)
    async with seen(chrome, served.origin, "/boards/tickets") as sight:
        await sight.page.locator("th", has_text=HOSTILE).wait_for()
        assert await sight.page.locator("img").count() == 0


async def test_one_team_over_another_window(chrome: Any, served: Served) -> None:
    """As the address asks; the bar says so."""
    await reachable(served)
    async with seen(chrome, served.origin, "/boards/tickets?team=red&window=24h&theme=dark") as sight:
        await sight.until_said("#view", "team red, 24 hours")
        assert await sight.page.evaluate("document.documentElement.dataset.theme") == "dark"
        await sight.page.locator("section.number:has(h2:text-is('Created')) .tile-window").wait_for()
        assert "24 hours" in await sight.text("section.number:has(h2:text-is('Created')) .tile-window")


async def test_what_there_is_not_is_said(chrome: Any, served: Served) -> None:
    """A window that is none: EventSource alone would not tell why."""
    await reachable(served)
    async with seen(chrome, served.origin, "/boards/floor?window=soon") as sight:
        await sight.until_said("#waiting", "window 'soon'")


async def test_the_server_goes_and_comes_back(chrome: Any, served: Served) -> None:
    """While it is away every number is marked with its time; then the same page is live again by itself."""
    (port,) = free_ports(1)
    process = serve(served.deployment, port)
    own = Served(served.deployment, f"http://{HOST}:{port}")
    await reachable(own)
    async with seen(chrome, own.origin, "/boards/tickets") as sight:
        await sight.until_said("#live", "live")
        await sight.page.evaluate("window.stays = true")
        process.kill9()
        await sight.until_said("#trouble", "Connection lost since")
        await sight.until("document.querySelectorAll('.tile:not(.is-stale)').length === 0")
        assert "as of " in await sight.text(".tile-stale")
        await sight.shot("connection-lost")
        serve(served.deployment, port)
        await sight.page.locator(LIVE).wait_for()
        await sight.until("document.querySelectorAll('.tile.is-stale').length === 0")
        assert await sight.page.locator("#trouble").is_hidden()
        assert await sight.page.evaluate("window.stays")


async def test_a_worker_that_stands_still_is_seen(chrome: Any, served: Served) -> None:
    """The numbers are then of some minute ago, and say of which."""
    worker = served.worker
    await reachable(served)
    async with seen(chrome, served.origin, "/boards/floor") as sight:
        await sight.until_said("#live", "live")
        assert worker is not None
        worker.freeze()
        try:
            await sight.until_said("#live", "stale since")
            assert re.match(r"stale since \d\d:\d\d", await sight.text(".tile-stale"))
            await sight.shot("stale")
        finally:
            worker.thaw()
        await sight.page.locator(LIVE).wait_for()


async def test_redis_goes_and_comes_back(chrome: Any, new_redis: NewRedis, tmp_path: Any) -> None:
    """The page says that there are no numbers; what it shows is marked as old."""
    server = new_redis()
    name = f"t{uuid4().hex[:12]}"
    with pipeline("127.0.0.1:1", server.url(), name, tmp_path) as deployment:
        now = datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
        tickets = [(now, "ticket.created", "T1", {"ticket": {"team": "red"}})]
        reader = floor(deployment.config, now, tickets=tickets)
        await put(deployment.config.redis, reader._images)
        (port,) = free_ports(1)
        serve(deployment, port)
        own = Served(deployment, f"http://{HOST}:{port}")
        await reachable(own)
        async with seen(chrome, own.origin, "/boards/tickets") as sight:
            await sight.page.locator(".tile-value", has_text="1").first.wait_for()
            server.kill9()
            await sight.until_said("#trouble", "No numbers since")
            await sight.until("document.querySelectorAll('.tile:not(.is-stale)').length === 0")
            server.start()  # empty
            await sight.page.locator("#trouble").wait_for(state="hidden")
            await sight.until_said("section:has(h2:text-is('Backlog')) .tile-value", "no data")


@pytest.mark.parametrize("name", READY_MADE)
async def test_everybody_can_read_it(name: str, chrome: Any, served: Served) -> None:
    """axe-core finds nothing to mend: in light on a screen, in dark on a phone."""
    await reachable(served)
    for size, kind, theme in ((TV, "tv", "light"), (PHONE, "phone", "dark")):
        async with seen(
            chrome, served.origin, f"/boards/{name}?theme={theme}", size, reduced_motion="reduce"
        ) as sight:
            await settled(sight)
            assert await sight.violations() == []
            await sight.shot(f"{name}-{theme}-{kind}")


@pytest.mark.parametrize("size", [TV, TV_4K], ids=["1080p", "4k"])
async def test_a_television_shows_all_of_a_board(size: tuple[int, int], chrome: Any, served: Served) -> None:
    """Nothing is outside the screen, no text of a tile outside its tile, and values are large."""
    await reachable(served)
    for name in READY_MADE:
        async with seen(chrome, served.origin, f"/boards/{name}?tv=1&theme=dark", size) as sight:
            await settled(sight)
            await sight.shot(f"{name}-tv-{size[1]}")
            assert await sight.page.evaluate(OUTSIDE) == []
            smallest = await sight.page.evaluate(SMALLEST_VALUE)
            assert smallest is None or smallest >= size[1] / 25


OUTSIDE = """() => {
  const found = [];
  for (const tile of document.querySelectorAll(".tile")) {
    const frame = tile.getBoundingClientRect();
    if (frame.bottom > innerHeight + 1 || frame.right > innerWidth + 1) found.push(`tile ${tile.innerText}`);
    for (const part of tile.querySelectorAll(".tile-value, .tile-facts, .tile-change, tr:not([hidden])")) {
      const box = part.getBoundingClientRect();
      if (box.height && (box.bottom > frame.bottom + 1 || box.right > frame.right + 1)) {
        found.push(`${part.className} ${part.innerText}`);
      }
    }
  }
  return found;
}"""
SMALLEST_VALUE = """() => {
  const values = [...document.querySelectorAll(".tile-value")];
  const sizes = values.map((value) => parseFloat(getComputedStyle(value).fontSize));
  return sizes.length ? Math.min(...sizes) : null;
}"""


async def settled(sight: Sight) -> None:
    """Returns when the board is there and all that comes with it."""
    await sight.page.locator(".tile").first.wait_for()
    await sight.until("document.fonts.status === 'loaded'")
    await a_moment(0.5, 0.6)


async def test_the_list_of_boards(chrome: Any, served: Served) -> None:
    """Every board that may be seen, which on this machine is all, with the keyboard too; and axe-core has
    nothing to say."""
    await reachable(served)
    async with seen(chrome, served.origin, "/?theme=dark") as sight:
        await sight.page.locator(".boards a").first.wait_for()
        links = await sight.page.locator(".boards a").all()
        addresses = [await link.get_attribute("href") for link in links]
        assert addresses == [f"/boards/{name}?theme=dark" for name in READY_MADE]
        about = await sight.page.locator(".boards-about").all_inner_texts()
        assert "Queues, waiting callers and agents, now" in about
        assert "Numbers by agent, private" in about
        assert await sight.violations() == []
        await sight.page.locator(".boards a").nth(1).focus()
        await sight.page.keyboard.press("Enter")
        await sight.until_said("h1", "Floor")
        assert sight.page.url.endswith("/boards/floor?theme=dark")


async def test_boards_take_turns_without_a_reload(chrome: Any, served: Served) -> None:
    """With `rotate`, and with the arrow keys; the button holds it."""
    await reachable(served)
    async with seen(chrome, served.origin, "/boards/executive?rotate=5s") as sight:
        await sight.until_said("h1", "Executive")
        await sight.page.evaluate("window.stays = true")
        await sight.until_said("h1", "Floor")
        await sight.page.locator("#hold").click()
        await sight.page.locator("body").press("ArrowLeft")
        await sight.until_said("h1", "Executive")
        assert "/boards/executive" in sight.page.url
        assert await sight.page.evaluate("window.stays")


async def test_taking_note_from_the_board(chrome: Any, served: Served) -> None:
    """What is at risk has a button where this machine may write; all boards show who has taken note."""
    await reachable(served)
    late = created(f"late-{uuid4().hex}", "red", minutes_ago=50)
    await served.deployment.publish([late])
    row = f".sla tbody tr:has(td[title^='{late[1]['subject']},'])"
    async with (
        seen(chrome, served.origin, "/boards/sla") as first,
        seen(chrome, served.origin, "/boards/sla") as second,
    ):
        await first.page.locator(row).locator("button").click()
        await first.until_said(row, "by wallboard")
        await second.until_said(row, "by wallboard")
        assert await second.page.locator(row).locator("button").count() == 0


async def test_with_tokens_taking_note_needs_one(chrome: Any, served: Served) -> None:
    """Without a token there is no button; with one it is kept by this tab, shown nowhere, and sent."""
    late = created(f"late-{uuid4().hex}", "red", minutes_ago=50)
    await served.deployment.publish([late])
    (port,) = free_ports(1)
    hashed = sha256(b"s3cret").hexdigest()
    tokens = f"{{boss: {{sha256: '{hashed}', kind: admin}}, tv: {{sha256: '{'0' * 64}'}}}}"
    served.deployment.start("serve", FLOORCAST_SERVE_PORT=str(port), FLOORCAST_SERVE_TOKENS=tokens)
    guarded = Served(served.deployment, f"http://{HOST}:{port}")
    await reachable(guarded)
    row = f".sla tbody tr:has(td[title^='{late[1]['subject']},'])"
    async with seen(chrome, guarded.origin, "/boards/sla") as sight:
        await sight.until_said("#waiting", "reading needs a token")
        await sight.page.locator("#token").click()
        await sight.page.locator("#token-name").fill("Ana")
        await sight.page.locator("#token-value").fill("s3cret")
        assert await sight.violations() == []
        await sight.page.keyboard.press("Enter")
        await sight.page.locator(row).locator("button").click()
        await sight.until_said(row, "by Ana")
        assert "s3cret" not in await sight.page.content()
