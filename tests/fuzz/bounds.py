"""What a payload may cost: seconds until it counts as a hang, and no memory that stays."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

HANG_S = 20.0
"""Far above what the dearest payload takes on a slow machine."""
BLOCKS_SHARE = 0.02
RESIDENT_GROWTH_MAX = 24 * 1024 * 1024
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Hang(BaseException):
    """No `Exception`: nothing that is fuzzed may take it for a refusal."""


@contextmanager
def bounded(what: str) -> Iterator[None]:
    """Raises `Hang` when this takes longer than HANG_S. In the main thread only."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Hang(f"{what}: no end after {HANG_S:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Memory:
    """What is kept after each of several like rounds."""

    def __init__(self) -> None:
        self._blocks: list[int] = []
        self._resident: list[int] = []

    def look(self) -> None:
        """To be called after each round, when all of it has been let go."""
        gc.collect()
        self._blocks.append(sys.getallocatedblocks())
        self._resident.append(int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES)

    def check(self, warm: int = 1) -> None:
        """Fails unless it stayed what it was after `warm` rounds: objects and bytes."""
        assert len(self._blocks) > warm + 1, "too few rounds to tell"
        blocks, resident = self._blocks[warm:], self._resident[warm:]
        assert blocks[-1] <= blocks[0] * (1 + BLOCKS_SHARE), self.told()
        assert resident[-1] <= resident[0] + RESIDENT_GROWTH_MAX, self.told()

    def told(self) -> str:
        """The figures, for people."""
        first, last = self._resident[0] >> 20, self._resident[-1] >> 20
        return f"objects after each round {self._blocks}, resident {first} MiB -> {last} MiB"
