"""A process of the simulation: its tasks, its clock, and its calls to others, at each of which it may end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from tests.simulation.world import World

Answer = TypeVar("Answer")

Fault = Literal["kill before", "kill after", "lose request", "lose reply", "repeat"]
"""What may become of a call. `before` and `after`: that it had its effect."""

CURRENT: ContextVar[Process] = ContextVar("process")
REPEATED_WITHIN_S = 3.0


class Lost(Exception):
    """No answer came: the call had its effect, or not."""


class Process:
    """Runs until its main task ends or it is killed. `skew_ms`: how far its clock is ahead."""

    def __init__(self, world: World, name: str, skew_ms: int = 0) -> None:
        self.world = world
        self.name = name
        self.skew_ms = skew_ms
        self.dead = False
        self.frozen_since_s: float | None = None
        self.calls = 0
        self.armed: dict[int, Fault] = {}
        """By number of the call, what becomes of it."""
        self.armed_at: dict[str, list[Fault]] = {}
        """The same of the next calls of a kind."""
        self.gone = asyncio.Event()
        """It was killed."""
        self._thawed = asyncio.Event()
        self._context = copy_context()
        self._context.run(CURRENT.set, self)
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def spawn(self, work: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
        """A task of this process; those that it makes are its own, too."""
        return asyncio.get_running_loop().create_task(work, context=self._context.copy())

    def owns(self, task: asyncio.Task[Any]) -> None:
        """Notes a task of this process."""
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    def kill(self) -> None:
        """Kill -9: whatever its tasks still do, they reach nobody."""
        if not self.dead:
            self.world.told(f"{self.name} is killed")
            if self.name.startswith("alerts"):
                self.world.happened["dispatcher killed"] += 1
            self.dead = True
            self.gone.set()
            self._thawed.set()
            for task in list(self._tasks):
                task.cancel()

    def stop(self) -> None:
        """SIGTERM: its main task is cancelled."""
        self.world.told(f"{self.name} is stopped")
        next(iter(self._tasks)).cancel()

    def freeze(self) -> None:
        """SIGSTOP."""
        if self.frozen_since_s is None:
            self._thawed.clear()
            self.frozen_since_s = asyncio.get_running_loop().time()

    def thaw(self) -> None:
        """SIGCONT."""
        self.frozen_since_s = None
        self._thawed.set()

    async def gate(self) -> None:
        """Waits while it is frozen; goes no further when it is dead."""
        while self.frozen_since_s is not None and not self.dead:
            await self._thawed.wait()
        if self.dead:
            raise asyncio.CancelledError

    async def call(
        self, act: Callable[[], Answer], *, lossy: bool = True, idle: bool = False, kind: str = ""
    ) -> Answer:
        """Something done elsewhere: it takes time to get there and back, and may fail as it is armed.

        `idle`: it is done all the time, and not counted. Raises Lost, only if `lossy`."""
        await self.gate()
        self.calls += not idle
        fault = None if idle else self._fault(kind)
        if fault is not None and (lossy or fault.startswith("kill")):
            self.world.happened[fault] += 1
            self.world.told(f"{self.name}: call {self.calls}: {fault}")
        else:
            fault = None
        await self.world.delay()
        if fault == "kill before":
            self.kill()
        if self.dead:
            raise asyncio.CancelledError
        if fault == "lose request":
            raise Lost("request")
        answer = act()
        if fault == "repeat":
            later_s = self.world.random.uniform(0, REPEATED_WITHIN_S)
            asyncio.get_running_loop().call_later(later_s, self.world.quietly, act)
        if fault == "kill after":
            self.kill()
        await self.world.delay()
        await self.gate()
        if fault == "lose reply":
            raise Lost("reply")
        return answer

    def _fault(self, kind: str) -> Fault | None:
        if self.calls in self.armed:
            return self.armed.pop(self.calls)
        waiting = self.armed_at.get(kind)
        return waiting.pop() if waiting else None


def task_factory(
    loop: asyncio.AbstractEventLoop,
    coro: Coroutine[Any, Any, Any],
    context: Context | None = None,
    **options: Any,
) -> asyncio.Task[Any]:
    """Makes a task and tells the process whose it is."""
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, context=context, **options)
    process = (context or copy_context()).get(CURRENT)
    if process is not None:
        process.owns(task)
        if process.dead:
            task.cancel()
    return task
