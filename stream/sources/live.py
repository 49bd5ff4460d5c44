"""Playing a stream of future events live: each one when its time has come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any

from stream.events.instants import to_ms
from stream.sources.pace import Pace, Sleep

NAP_S = 0.002
"""The shortest sleep: at a high rate several events are due after it, and go together."""

Told = tuple[str, dict[str, Any]]
Send = Callable[[str, dict[str, Any]], Awaitable[None]]
"""Takes a topic family and an event."""


async def play(
    told: Iterable[Told],
    send: Send,
    pace: Pace,
    wall: Callable[[], float] = time.time,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Send each event (in order of time) at the pace's turn, but never before its own time.

    So events of the past come as fast as the pace allows, until event time has reached `wall` (seconds since
    the epoch); from there they come as they happen.
    """
    for family, event in told:
        at_ms = event_ms(event)
        while (wait_s := max(pace.wait_s(at_ms), at_ms / 1000 - wall())) > 0:
            await sleep(max(wait_s, NAP_S))
        await send(family, event)


def event_ms(event: dict[str, Any]) -> int:
    """An event's `time` in milliseconds since the epoch."""
    return to_ms(datetime.fromisoformat(event["time"]))
