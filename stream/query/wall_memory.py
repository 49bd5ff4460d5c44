"""What the boards remember: what changes slowly or is dear to read is not read at every change."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, TypeVar

KEPT_MAX: Final = 20_000
"""Numbers remembered at once; beyond, the one asked for longest ago is read again."""
REST: Final = 4
"""A number rests so many times as long as it took to read: whatever is on a board, most of the time is left
for others."""
REST_MAX_MS: Final = 2_000
_Value = TypeVar("_Value")


class Memory:
    """Values by key, each with the wall time (ms) up to which it holds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[int, int, object]] = OrderedDict()

    async def get(
        self, key: Hashable, wall_ms: int, hold_ms: int | None, read: Callable[[], Awaitable[_Value]]
    ) -> _Value:
        """The value of a key, read again when it no longer holds; without `hold_ms` it holds for `REST` times
        as long as the reading took. What `read` raises is not remembered."""
        since_ms, until_ms, value = self._kept.get(key, (0, 0, None))
        if not since_ms <= wall_ms < until_ms:  # also not when the clock was set back
            began = time.perf_counter()
            value = await read()
            took_ms = 1000 * (time.perf_counter() - began)
            rest_ms = min(int(REST * took_ms), REST_MAX_MS) if hold_ms is None else hold_ms
            self._kept[key] = (wall_ms, wall_ms + rest_ms, value)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return value  # type: ignore[return-value]
