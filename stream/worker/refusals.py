"""Says what was refused: of each shard a line now and then, however much it is."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from stream.shard.deadletter import DeadLetter

log = logging.getLogger("floorcast.worker")

EVERY_S: Final = 10.0


class _Noted:
    def __init__(self, offset: int) -> None:
        self.reasons: Counter[str] = Counter()
        self.first = self.last = offset


class Refusals:
    """Sums up dead letters between lines."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """`now_s` is monotonic."""
        self._now_s = now_s
        self._noted: dict[str, _Noted] = {}
        self._told_s = -EVERY_S

    def note(self, letter: DeadLetter) -> None:
        """One that is in its topic."""
        noted = self._noted.setdefault(f"{letter.topic}/{letter.partition}", _Noted(letter.offset))
        noted.reasons[letter.reason] += 1
        noted.first, noted.last = min(noted.first, letter.offset), max(noted.last, letter.offset)

    def tell(self, at_once: bool = False) -> None:
        """A line for each shard with new ones, when it is time, or at once."""
        if not self._noted or (not at_once and self._now_s() - self._told_s < EVERY_S):
            return
        self._told_s = self._now_s()
        for shard, noted in self._noted.items():
            listed = ", ".join(f"{count} {reason}" for reason, count in noted.reasons.most_common())
            log.warning(
                "%s: refused between offsets %d and %d: %s; `floorcast deadletters list` shows them",
                shard, noted.first, noted.last, listed,
                extra={
                    "shard": shard, "offset": noted.first, "end_offset": noted.last + 1,
                    "reasons": dict(noted.reasons),
                },
            )  # fmt: skip
        self._noted.clear()
