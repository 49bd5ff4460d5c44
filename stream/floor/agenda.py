"""What is going to happen: a heap of future steps, about as long as there are live entities."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from heapq import heappop, heappush

Step = Callable[[int], None]
"""What happens at its instant (milliseconds since the epoch), which it is given."""


class Agenda:
    """Steps in the order of their time; those of one instant in the order in which they were planned."""

    def __init__(self, now_ms: int, zone: tzinfo = UTC) -> None:
        """`zone`: where the floor is."""
        self._steps: list[tuple[int, int, Step]] = []
        self._planned = 0
        self._zone = zone
        self.now_ms = now_ms

    def local_ms(self) -> int:
        """What the clock on the floor's wall shows now, as if it were UTC."""
        offset = datetime.fromtimestamp(self.now_ms / 1000, self._zone).utcoffset()
        return self.now_ms + (offset.days * 86_400 + offset.seconds) * 1000 if offset else self.now_ms

    def at(self, at_ms: int, step: Step) -> None:
        """Plan a step; one in the past happens now, so that time never runs backwards."""
        self._planned += 1
        heappush(self._steps, (max(at_ms, self.now_ms), self._planned, step))

    def after(self, delay_s: float, step: Step) -> None:
        """Plan a step so many seconds from now."""
        self.at(self.now_ms + round(delay_s * 1000), step)

    def __len__(self) -> int:
        return len(self._steps)

    def advance(self) -> None:
        """Move time to the next step and do it. There must be one."""
        self.now_ms, _, step = heappop(self._steps)
        step(self.now_ms)
