"""When a destination that fails is tried again: longer and longer pauses, and one try at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FIRST_PAUSE_MS = 1_000
LONGEST_PAUSE_MS = 5 * 60_000
OPEN_AFTER = 5
"""So many failures one after the other open the circuit."""
ASKED_PAUSE_MAX_MS = 3_600_000
"""A destination that asks for a longer pause (Retry-After) is tried after this."""


@dataclass
class Circuit:
    """Of one destination. Given the time (ms) and luck (0 to 1), it reads no clock."""

    failures: int = 0
    again_ms: int = 0
    """Not before: 0 when nothing is to be waited for."""

    def may_try(self, now_ms: int) -> bool:
        """Whether its turn has come."""
        return now_ms >= self.again_ms

    def state(self, now_ms: int) -> Literal["closed", "open", "half_open"]:
        """`open`: it has failed often, and waits; `half_open`: the next try decides."""
        if self.failures < OPEN_AFTER:
            return "closed"
        return "half_open" if self.may_try(now_ms) else "open"

    def succeeded(self) -> None:
        """It answers again."""
        self.failures, self.again_ms = 0, 0

    def failed(self, now_ms: int, luck: float, asked_ms: int | None = None) -> int:
        """One more failure; the pause until the next try. `asked_ms`: the pause that the destination asks
        for.

        Half of the pause is by luck, so that many senders do not come back at the same instant.
        """
        doubled = FIRST_PAUSE_MS << min(self.failures, 20)
        pause_ms = round(min(doubled, LONGEST_PAUSE_MS) * (0.5 + luck / 2))
        if asked_ms is not None:
            pause_ms = max(pause_ms, min(asked_ms, ASKED_PAUSE_MAX_MS))
        self.failures += 1
        self.again_ms = now_ms + pause_ms
        return pause_ms
