"""How fast event time passes while events are published."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

Sleep = Callable[[float], Awaitable[None]]


def parse_speed(text: str) -> float | None:
    """`max` -> None; `1x`, `60x`, `0.5x` -> how many seconds of event time pass in one. Raises ValueError."""
    if text == "max":
        return None
    number = text.removesuffix("x")
    try:
        speed = float(number) if number != text else 0.0
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise ValueError(f"expected max, 1x, 60x or the like, got {text!r}")
    return speed


class Pace:
    """Waits until an event's turn: from the first event on, event time runs `speed` times as fast as time."""

    def __init__(
        self, speed: float | None, clock: Callable[[], float] = monotonic, sleep: Sleep = asyncio.sleep
    ) -> None:
        """`speed` None waits never. `clock` gives seconds."""
        self._speed = speed
        self._clock = clock
        self._sleep = sleep
        self._began: tuple[int, float] | None = None

    def wait_s(self, event_ms: int) -> float:
        """Seconds until the event's turn; 0 or less when it has come."""
        if self._speed is None:
            return 0.0
        if self._began is None:
            self._began = (event_ms, self._clock())
        first_ms, began_s = self._began
        return began_s + (event_ms - first_ms) / 1000 / self._speed - self._clock()

    async def wait_for(self, event_ms: int) -> None:
        """Returns at the event's turn. Times must not go backwards."""
        wait_s = self.wait_s(event_ms)
        if wait_s > 0:
            await self._sleep(wait_s)
