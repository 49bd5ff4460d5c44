"""`floorcast worker` processes, each on a core of its own, and how far they are, seen from outside."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Self

from bench.machine import cpu_s, waited_s
from bench.servers import SHARDS, Deployment
from stream.embedded.child import Child
from stream.shard.changes import Fence
from stream.shard.family import INPUTS
from stream.store import RedisStore

Fences = Mapping[tuple[str, int], Fence]

PATIENCE_S = 60.0
"""So long nothing may be committed before the run gives up."""


class Workers:
    """The running processes of one deployment."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = children

    def cpu_s(self) -> float:
        """CPU seconds of all of them, since they were started."""
        return sum(cpu_s(child.pid) for child in self.children)

    def waited_s(self) -> float:
        """Seconds in which they could run and had no core."""
        return sum(waited_s(child.pid) for child in self.children)

    def check(self) -> None:
        """Raises when one has ended, with the end of what it said."""
        for child in self.children:
            if not child.running():
                said = child.log.read_text(errors="replace")[-2000:] if child.log else ""
                raise RuntimeError(f"{child.name} ended with status {child.exit_code}:\n{said}")


@contextmanager
def workers(of: Deployment, cores: Sequence[int]) -> Iterator[Workers]:
    """One worker on each of the cores; they are asked to end, and have, when the context is left."""
    with ExitStack() as cleanup:
        yield Workers(
            [
                cleanup.enter_context(floorcast("worker", of, core, str(number)))
                for number, core in enumerate(cores)
            ]
        )


@contextmanager
def floorcast(command: str, of: Deployment, core: int, name: str) -> Iterator[Child]:
    """`floorcast COMMAND` on a core; it is asked to end, and has, when the context is left. `name` tells its
    log from others' of the deployment."""
    line = [sys.executable, "-m", "stream", command, "--config", str(of.path)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("FLOORCAST_")}
    child = Child(f"{command} {name}", line, of.path.with_suffix(f".{name}.log"), env)
    try:
        os.sched_setaffinity(child.pid, {core})  # it has one thread yet; those to come inherit it
        yield child
    finally:
        child.stop()


class Progress:
    """What stands in the fences, while the context lasts."""

    def __init__(self, of: Deployment, running: Workers) -> None:
        self.store = RedisStore(of.config.redis)
        self._workers = running

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.store.close()

    async def fences(self) -> Fences:
        """The fence of every shard that a worker has claimed."""
        found = {}
        for family in INPUTS:
            for partition, fence in (await self.store.fences(family)).items():
                if fence.commit_id:
                    found[family, partition] = fence
        return found

    async def claimed(self) -> None:
        """Returns when every shard has been claimed."""
        await self._until(lambda fences: len(fences) == len(SHARDS), 0.005)

    async def committed(self, events: int) -> None:
        """Returns when so many records are in Redis."""
        await self._until(lambda fences: _offsets(fences) >= events, 0.02)

    async def count(self) -> int:
        """How many records are in Redis."""
        return _offsets(await self.fences())

    async def _until(self, reached: Callable[[Fences], bool], pause_s: float) -> None:
        deadline, seen = time.monotonic() + PATIENCE_S, -1
        while not reached(fences := await self.fences()):
            self._workers.check()
            offsets = _offsets(fences)
            if offsets > seen:
                deadline, seen = time.monotonic() + PATIENCE_S, offsets
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing was committed for {PATIENCE_S:g} s after {seen} records")
            await asyncio.sleep(pause_s)


def _offsets(fences: Fences) -> int:
    return sum(fence.offset for fence in fences.values())
