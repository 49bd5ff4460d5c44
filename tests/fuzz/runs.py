"""How many payloads each entrance gets of a run, and what became of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from tests.fuzz.bounds import Memory

PAYLOADS: Final = int(os.environ.get("FLOORCAST_FUZZ_PAYLOADS", "10000"))
SEED: Final = os.environ.get("FLOORCAST_FUZZ_SEED", "1")
ROUNDS: Final = 5
SHARES: Final = {
    "kafka": 0.60, "adapters": 0.06, "yielded": 0.06, "lines": 0.12, "http": 0.12, "configuration": 0.02,
    "scenarios": 0.02,
}  # fmt: skip
"""By entrance: the dearer a payload, the fewer."""


class Run:
    """Of one entrance: a round after the other, and what became of its payloads."""

    def __init__(self, entrance: str) -> None:
        self.counts: Counter[str] = Counter()
        self._payloads = round(PAYLOADS * SHARES[entrance]) // ROUNDS
        self._memory = Memory()

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """The seed of each round, and how many payloads it has."""
        for number in range(ROUNDS):
            yield f"{SEED}:{number}", self._payloads
            self._memory.look()

    def check(self, name: str, shares: Mapping[str, float], warm: int = 1) -> None:
        """Tells people the counts by outcome. Each outcome has at least its share: nothing passes because all
        is refused at the first check (rounded down: a short run may miss what is rare). After `warm` rounds
        memory stays what it was."""
        counts = self.counts
        print(f"\n{name}: {counts.total():,} payloads, seed {SEED}")
        for outcome, count in counts.most_common():
            print(f"  {count:>7,} {outcome}")
        print(f"  {self._memory.told()}")
        for outcome, share in shares.items():
            assert counts[outcome] >= int(share * counts.total()), (outcome, counts)
        self._memory.check(warm)
