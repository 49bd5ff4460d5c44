"""Debian's Chromium, driven by Playwright, for tests of the wallboards as people see them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests.rig.kafka import PROJECT_ROOT
from tests.rig.missing import MissingPart

SCREENSHOTS = PROJECT_ROOT / "build" / "screenshots"
"""Where the tests leave what they saw."""
PATIENCE_MS = 60_000
TV, TV_4K, PHONE = (1920, 1080), (3840, 2160), (390, 844)


def chromium_program() -> str:
    """The path of chromium. Raises MissingPart when it, or what drives it, is not there."""
    program = shutil.which("chromium")
    if program is None:
        raise MissingPart("chromium is missing: apt-get install chromium")
    try:
        import axe_core_python  # noqa: F401
        import playwright  # noqa: F401
    except ImportError as error:
        raise MissingPart(f"{error.name} is missing: pip install -e '.[dev]'") from None
    return program


@asynccontextmanager
async def browser(program: str) -> AsyncIterator[Any]:
    """A browser with no profile of its own."""
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        # In a container there is no sandbox of its own, nor much shared memory.
        running = await driver.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield running
        finally:
            await running.close()


class Sight:
    """A page, and everything that went wrong in it: errors, violations of the CSP, requests to strangers."""

    def __init__(self, page: Any, origin: str) -> None:
        self.page = page
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", lambda said: self._said(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: self._asked(asked.url, origin))

    def _said(self, text: str) -> None:
        if "Failed to load resource" not in text:  # a server that is away is no fault of the page
            self.faults.append(f"console: {text}")

    def _asked(self, url: str, origin: str) -> None:
        if not url.startswith(f"{origin}/"):
            self.faults.append(f"asked a stranger: {url}")

    async def until(self, script: str) -> None:
        """Returns when an expression is true in the page, whose CSP forbids that it looks by itself."""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while not await self.page.evaluate(script):
                await asyncio.sleep(0.05)

    async def until_said(self, selector: str, words: str) -> None:
        """Returns when an element has these words in its text."""
        await self.page.locator(selector, has_text=words).first.wait_for()

    async def text(self, selector: str) -> str:
        """The text of an element, as it is seen."""
        return str(await self.page.locator(selector).first.inner_text())

    async def shot(self, name: str) -> Path:
        """Keeps what is seen."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        await self.page.screenshot(path=path)
        return path

    async def violations(self) -> list[str]:
        """What axe-core finds: rules of WCAG 2.2 A and AA, and its best practices."""
        axe = files("axe_core_python").joinpath("axe.min.js").read_text()
        await self.page.evaluate(axe)
        found = await self.page.evaluate("axe.run()")
        return [
            f"{rule['id']}: {node['target']} {node['failureSummary']}"
            for rule in found["violations"] for node in rule["nodes"]
        ]  # fmt: skip


@asynccontextmanager
async def seen(
    chromium: Any, origin: str, path: str, size: tuple[int, int] = TV, **context: Any
) -> AsyncIterator[Sight]:
    """A page at this address in a window of its own. Fails at the end when anything went wrong in it."""
    room = await chromium.new_context(viewport={"width": size[0], "height": size[1]}, **context)
    try:
        sight = Sight(await room.new_page(), origin)
        await sight.page.goto(f"{origin}{path}")
        yield sight
        assert sight.faults == []
    finally:
        await room.close()
