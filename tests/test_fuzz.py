"""Whatever comes in at any entrance: it is taken, or refused with a reason and a place. Nothing crashes,
hangs or keeps memory. FLOORCAST_FUZZ_PAYLOADS and FLOORCAST_FUZZ_SEED say how many and which."""

import os
from collections import Counter

from tests.fuzz.bounds import Memory
from tests.fuzz.kafka import CROWD, FAMILIES, REASONS, run_family, valid_events

PAYLOADS = int(os.environ.get("FLOORCAST_FUZZ_PAYLOADS", "20000"))
SEED = os.environ.get("FLOORCAST_FUZZ_SEED", "1")
ROUNDS = 5


def told(entrance: str, counts: Counter[str]) -> None:
    """Counts by outcome, for people."""
    print(f"\n{entrance}: {counts.total():,} payloads, seed {SEED}")
    for name, count in counts.most_common():
        print(f"  {count:>7,} {name}")


def test_bytes_of_kafka() -> None:
    """Each reason refuses at least one record in 500, and a quarter is taken; the image is its log's."""
    counts: Counter[str] = Counter()
    memory = Memory()
    share = PAYLOADS * 6 // 10 // ROUNDS // (len(FAMILIES) + 1)
    events = valid_events(1, 300)
    for number in range(ROUNDS):
        for family in FAMILIES:
            counts += run_family(family, f"{SEED}:{number}", events[family], share)
        counts += run_family("tickets", f"{SEED}:{number}:crowd", events["tickets"], share, lead=CROWD)
        memory.look()
    told("bytes of Kafka", counts)
    print(f"  {memory.told()}")
    for reason in REASONS:
        assert counts[f"refused_{reason}"] * 500 >= counts.total(), (reason, counts)
    assert counts["accepted"] * 4 >= counts.total()
    assert counts["ignored"] * 50 >= counts.total()
    memory.check()
