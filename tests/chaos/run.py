"""One run: everything is started, hurt, left in peace, and compared with the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

from tests.chaos.crew import Broken
from tests.chaos.faults import KINDS
from tests.chaos.load import Load
from tests.chaos.report import Results
from tests.chaos.scene import Scene
from tests.chaos.standby import idle_standby

CALM_WITHIN_S = 180.0
"""So soon after a fault numbers must be up to date again."""
LOAD_ALONE_S = 5.0
"""Of load before the first fault and after the last."""
AT_ONCE_MAX = 3
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """`seed` draws which faults come when and how long they last, and the floor's events. What they meet is
    another thing each time."""

    seconds: float
    seed: int
    rate: float
    kinds: tuple[str, ...]
    standby: bool
    """Whether the stall of an idle standby is caused, too, beside everything else."""
    once: bool = False
    """Whether it is over when every kind has come once."""


async def hurt(scene: Scene, plan: Plan, say: Say) -> Results:
    """Plays the plan on a scene whose workers have been started. Raises Broken when it shows a fault."""
    load = Load(scene.deployment, plan.seed, plan.rate)
    chaos = _Chaos(scene, plan, say)
    async with AsyncExitStack() as background:
        start = _Background(background).start
        keeping = [start(scene.crew.keep()), start(scene.watch.run()), start(scene.snapshots())]
        loading = start(load.run())
        standby = start(idle_standby(scene)) if plan.standby else None
        watched = asyncio.create_task(_first_failure([*keeping, loading]))
        acting = asyncio.create_task(chaos.run(standby))
        await asyncio.wait({acting, watched}, return_when=asyncio.FIRST_COMPLETED)
        if not acting.done():
            acting.cancel()
            await watched
        await acting
        await _ended(loading)
        await load.finish()
        say(f"{sum(load.told.values())} events told; waiting until all are counted")
        await scene.deployment.wait()
        verdict = await scene.deployment.verify()
        say(verdict.output.strip())
        watched.cancel()
        return await Results.of(scene, load, verdict, chaos.notes)


class _Chaos:
    def __init__(self, scene: Scene, plan: Plan, say: Say) -> None:
        self.notes: dict[str, str] = {}
        self._scene, self._plan, self._say = scene, plan, say
        self._random = scene.random
        self._under_way: set[asyncio.Task[None]] = set()
        self._until_s = 0.0

    async def run(self, standby: asyncio.Task[str] | None) -> None:
        """Every kind alone once, as far as there is time; then several at once, every few seconds."""
        await self._calm()
        self._until_s = self._scene.watch.at_s + LOAD_ALONE_S + self._plan.seconds
        self._say(f"{len(self._scene.crew.workers)} workers are up to date; faults begin")
        await asyncio.sleep(LOAD_ALONE_S)
        deck = list(self._plan.kinds)
        self._random.shuffle(deck)
        while deck and self._time_left():
            await self._one(deck.pop(), alone=True)
            await asyncio.sleep(self._random.uniform(0.5, 3.0))
        if self._time_left() and not self._plan.once:
            await self._many()
        if standby is not None:
            self.notes["idle_standby"] = await standby
        self._say(f"{self._scene.watch.at_s:6.1f}  faults end")
        await self._calm()
        await asyncio.sleep(LOAD_ALONE_S)

    async def _one(self, kind: str, *, alone: bool) -> None:
        watch, fault = self._scene.watch, KINDS[kind]
        async with AsyncExitStack() as holding:
            for what in sorted(fault.hurts):
                await holding.enter_async_context(self._scene.locks[what])
            trouble = watch.begin(kind, alone)
            try:
                trouble.note = await fault.act(self._scene)
                if alone:
                    await self._calm()
            finally:
                watch.end(trouble)
        self._say(f"{trouble.began_s:6.1f}  {kind:16} {trouble.note}; stall {trouble.stall_ms / 1000:.1f} s")

    async def _many(self) -> None:
        self._say(f"{self._scene.watch.at_s:6.1f}  several at once from here on")
        together = self._scene.watch.begin("several at once", alone=True)
        # A stall that the watchdog has to find takes a minute in which nothing else may be hurt.
        kinds = [kind for kind in self._plan.kinds if KINDS[kind].hurts != KINDS["lost_recovery"].hurts]
        while self._time_left():
            if len(self._under_way) < AT_ONCE_MAX:
                kind = self._random.choice(kinds)
                self._under_way.add(asyncio.create_task(self._one(kind, alone=False)))
            await asyncio.sleep(self._random.uniform(1.0, 5.0))
            self._raise_failures()
        await asyncio.gather(*self._under_way)
        self._raise_failures()
        await self._calm()
        self._scene.watch.end(together)

    def _raise_failures(self) -> None:
        for task in [task for task in self._under_way if task.done()]:
            self._under_way.discard(task)
            task.result()

    async def _calm(self) -> None:
        """Returns when all workers have their shards, and all numbers are up to date."""
        crew, watch = self._scene.crew, self._scene.watch
        try:
            async with asyncio.timeout(CALM_WITHIN_S):
                while not crew.complete():
                    await asyncio.sleep(0.2)
                await watch.settled()
        except TimeoutError:
            raise Broken(f"live numbers have not moved for {watch.stall_ms / 1000:.0f} s") from None

    def _time_left(self) -> bool:
        return self._scene.watch.at_s < self._until_s


class _Background:
    """Tasks that end with a context."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Starts one."""
        task = asyncio.create_task(work)
        self._stack.push_async_callback(_ended, task)
        return task


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):  # what it failed with is raised elsewhere
        await task


async def _first_failure(tasks: list[asyncio.Task[Any]]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
