"""How many payloads each entrance gets of a run, and what became of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
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


def share_of(entrance: str) -> int:
    """So many payloads has an entrance."""
    return round(PAYLOADS * SHARES[entrance])


def told(entrance: str, counts: Counter[str], memory: Memory) -> None:
    """Counts by outcome, for people."""
    print(f"\n{entrance}: {counts.total():,} payloads, seed {SEED}")
    for name, count in counts.most_common():
        print(f"  {count:>7,} {name}")
    print(f"  {memory.told()}")


def floor(counts: Counter[str], shares: Mapping[str, float]) -> None:
    """Each outcome has at least its share: nothing passes because all is refused at the first check. Rounded
    down: a short run may miss what is rare."""
    for name, share in shares.items():
        assert counts[name] >= int(share * counts.total()), (name, counts)
