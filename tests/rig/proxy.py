"""A line to a server that can be cut in the middle of a command, slow, or dead without anybody's knowing."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stream.embedded.probe import HOST


class Proxy:
    """Passes everything on, until a command holds the word that was armed; that cut happens once."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._word = b""
        self._reaches_server = False
        self._stays_down = False
        self._up = asyncio.Event()
        self._cut = asyncio.Event()
        self._up.set()
        self._deaf = False
        self._passing: set[asyncio.Task[None]] = set()
        self.port = 0
        self.cuts = 0
        self.delay_s = 0.0
        """So much later than it was given every answer comes."""
        self.lost_share = 0.0
        """With so many of 1 answers the line is cut, and the answer lost."""

    def cut_before(self, word: bytes, stay_down: bool = False) -> None:
        """The next command with the word never reaches the server.

        `stay_down`: nor does anything after it, until `mend`.
        """
        self._word, self._reaches_server, self._stays_down = word, False, stay_down
        self._cut.clear()

    def cut_after(self, word: bytes) -> None:
        """The next command with the word is carried out, but its answer is lost."""
        self._word, self._reaches_server, self._stays_down = word, True, False
        self._cut.clear()

    async def wait_for_cut(self) -> None:
        """Returns when the line has been cut."""
        await self._cut.wait()

    def mend(self) -> None:
        """New connections get through again."""
        self._up.set()

    def go_deaf(self) -> None:
        """Connections on which something is sent from now on are dead, and stay so, without being closed: as
        behind a router that has forgotten them. Until `hear`, new ones are no better."""
        self._deaf = True

    def hear(self) -> None:
        """New connections get through again."""
        self._deaf = False

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Handles one connection."""
        await self._up.wait()
        try:
            server, to_server = await asyncio.open_connection(HOST, self._server_port)
        except OSError:
            to_client.close()
            return
        lost = asyncio.Event()
        both = [
            asyncio.create_task(self._commands(client, to_server, lost)),
            asyncio.create_task(self._answers(server, to_client, lost)),
        ]
        self._passing.update(both)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)  # a line that breaks is no news
        self._passing.difference_update(both)
        to_client.close()
        to_server.close()

    async def close(self) -> None:
        """Cuts every connection."""
        for task in self._passing:
            task.cancel()
        while self._passing:
            await asyncio.sleep(0.01)

    async def _commands(
        self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        dead = False
        while data := await client.read(65_536):
            dead = dead or self._deaf
            if dead:
                continue
            if self._word and self._word in data:
                self._word = b""
                self.cuts += 1
                self._cut.set()
                if self._stays_down:
                    self._up.clear()
                if not self._reaches_server:
                    return
                lost.set()
            to_server.write(data)
            await to_server.drain()

    async def _answers(
        self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        while (data := await server.read(65_536)) and not lost.is_set():
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if self.lost_share and random.random() < self.lost_share:
                self.cuts += 1
                return
            to_client.write(data)
            await to_client.drain()


@asynccontextmanager
async def proxy_to(server_port: int) -> AsyncIterator[Proxy]:
    """A proxy on a free port of its own."""
    proxy = Proxy(server_port)
    listener = await asyncio.start_server(proxy.serve, HOST, 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    async with listener:
        try:
            yield proxy
        finally:
            await proxy.close()
