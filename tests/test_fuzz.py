"""Whatever comes in: it is taken, or refused with a reason and a place. Nothing crashes, hangs, keeps memory.

From Kafka, in files and lines of events, from adapters, as configuration and as scenarios; what is sent over
HTTP: tests/test_fuzz_http.py. FLOORCAST_FUZZ_PAYLOADS and FLOORCAST_FUZZ_SEED say how many and which."""

from collections import Counter
from pathlib import Path

from tests.fuzz import configuration, imports, scenarios
from tests.fuzz.bounds import Memory
from tests.fuzz.kafka import CROWD, FAMILIES, REASONS, published_events, run_family, valid_events
from tests.fuzz.runs import ROUNDS, SEED, floor, share_of, told


def test_bytes_of_kafka() -> None:
    """Each reason refuses at least one record in 1,000, and a quarter is taken; the image is its log's."""
    counts: Counter[str] = Counter()
    memory = Memory()
    share = share_of("kafka") // ROUNDS // (len(FAMILIES) + 1)
    events = valid_events(1, 300)
    for number in range(ROUNDS):
        for family in FAMILIES:
            counts += run_family(family, f"{SEED}:{number}", events[family], share)
        counts += run_family("tickets", f"{SEED}:{number}:crowd", events["tickets"], share, lead=CROWD)
        memory.look()
    told("bytes of Kafka", counts, memory)
    floor(counts, {f"refused_{reason}": 0.001 for reason in REASONS} | {"accepted": 0.25, "ignored": 0.02})
    memory.check()


def test_files_that_adapters_read(tmp_path: Path) -> None:
    """Of each adapter some files are taken, and of some it is said which event it failed at."""
    counts: Counter[str] = Counter()
    memory = Memory()
    for number in range(ROUNDS):
        counts += imports.run_adapters(f"{SEED}:{number}", share_of("adapters") // ROUNDS, tmp_path)
        memory.look()
    told("files of adapters", counts, memory)
    floor(
        counts, {f"{name} {what}": 0.03 for name in imports.HEADS for what in ("accepted", "adapter failed")}
    )
    memory.check()


def test_what_adapters_yield(tmp_path: Path) -> None:
    """All of a path is taken, or nothing is and the event at fault is named."""
    counts: Counter[str] = Counter()
    memory = Memory()
    events = published_events(100)
    for number in range(ROUNDS):
        share = share_of("yielded") // ROUNDS
        counts += imports.run_yielded(f"{SEED}:{number}", events, share, tmp_path)
        memory.look()
    told("what adapters yield", counts, memory)
    refused = {"refused_invalid": 0.1, "refused_not_json": 0.1, "refused_too_large": 0.005}
    floor(counts, {"accepted": 0.25, "adapter failed": 0.05, **refused})
    memory.check()


async def test_lines_of_events() -> None:
    """Up to the first wrong line all are published, and that is named with its number."""
    counts: Counter[str] = Counter()
    memory = Memory()
    events = published_events(100)
    for number in range(ROUNDS):
        counts += await imports.run_lines(f"{SEED}:{number}", events, share_of("lines") // ROUNDS)
        memory.look()
    told("lines of events", counts, memory)
    refused = {"refused_invalid": 0.05, "refused_missing": 0.005, "refused_too_large": 0.005}
    floor(counts, {"accepted": 0.25, "not JSON": 0.05, **refused})
    memory.check()


def test_configurations(tmp_path: Path) -> None:
    """A quarter is taken, of each kind of error there are some, and no secret is in any of them."""
    counts: Counter[str] = Counter()
    memory = Memory()
    valid = configuration.valid_documents()
    for number in range(ROUNDS):
        share = share_of("configuration") // ROUNDS
        counts += configuration.run_configuration(f"{SEED}:{number}", valid, share, tmp_path)
        memory.look()
    told("configurations", counts, memory)
    floor(counts, dict.fromkeys(configuration.KINDS, 0.004) | {"accepted": 0.25})
    memory.check(warm=2)


def test_scenarios(tmp_path: Path) -> None:
    """A fifth still holds, some are played and fail, and of each kind of error there are some."""
    counts: Counter[str] = Counter()
    memory = Memory()
    valid = scenarios.valid_scenarios()
    for number in range(ROUNDS):
        share = share_of("scenarios") // ROUNDS
        counts += scenarios.run_scenarios(f"{SEED}:{number}", valid, share, tmp_path)
        memory.look()
    told("scenarios", counts, memory)
    floor(counts, dict.fromkeys(scenarios.KINDS, 0.004) | {"holds": 0.2, "fails": 0.02})
    memory.check(warm=2)
