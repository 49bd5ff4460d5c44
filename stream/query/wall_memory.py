"""What the boards remember of what changes slowly, so that it is not read at every change of a value."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, TypeVar

KEPT_MAX: Final = 20_000
"""Numbers remembered at once; beyond, the one asked for longest ago is read again."""
_Value = TypeVar("_Value")


class Memory:
    """Values by key, each with the wall time (ms) up to which it holds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[int, object]] = OrderedDict()

    async def get(
        self, key: Hashable, wall_ms: int, hold_ms: int, read: Callable[[], Awaitable[_Value]]
    ) -> _Value:
        """The value of a key, read again when it no longer holds. What `read` raises is not remembered."""
        until_ms, value = self._kept.get(key, (0, None))
        if not wall_ms < until_ms <= wall_ms + hold_ms:  # a clock set back does not keep it for ever
            value = await read()
            self._kept[key] = (wall_ms + hold_ms, value)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return value  # type: ignore[return-value]
