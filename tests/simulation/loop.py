"""Time that passes only when nothing else can: an event loop whose clock jumps to what is due next."""

from __future__ import annotations

import asyncio
from selectors import SelectorKey, SelectSelector


class Stuck(Exception):
    """Every task waits for another one."""


class _Jumping(SelectSelector):
    """Waits for nobody: there is no I/O but what is done at once."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None:
            raise Stuck("every task waits for another one")
        self.passed_s += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs the same tasks in the same order whenever it is given the same."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed_s
