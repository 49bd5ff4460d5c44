"""Whatever comes in: it is taken, or refused with a reason and a place. Nothing crashes, hangs, keeps memory.

From Kafka, in files and lines of events, from adapters, as configuration and as scenarios; what is sent over
HTTP: tests/test_fuzz_http.py. FLOORCAST_FUZZ_PAYLOADS and FLOORCAST_FUZZ_SEED say how many and which."""

from pathlib import Path

from tests.fuzz import configuration, imports, scenarios
from tests.fuzz.kafka import CROWD, FAMILIES, REASONS, published_events, run_family, valid_events
from tests.fuzz.runs import Run


def test_bytes_of_kafka() -> None:
    """Each reason refuses at least one record in 1,000, and a quarter is taken; the image is its log's."""
    run = Run("kafka")
    events = valid_events(1, 300)
    for seed, count in run:
        share = count // (len(FAMILIES) + 1)
        for family in FAMILIES:
            run.counts += run_family(family, seed, events[family], share)
        run.counts += run_family("tickets", f"{seed}:crowd", events["tickets"], share, lead=CROWD)
    refused = {f"refused_{reason}": 0.001 for reason in REASONS}
    run.check("bytes of Kafka", {**refused, "accepted": 0.25, "ignored": 0.02})


def test_files_that_adapters_read(tmp_path: Path) -> None:
    """Of each adapter some files are taken, and of some it is said which event it failed at."""
    run = Run("adapters")
    for seed, count in run:
        run.counts += imports.run_adapters(seed, count, tmp_path)
    outcomes = [f"{name} {what}" for name in imports.HEADS for what in ("accepted", "adapter failed")]
    run.check("files of adapters", dict.fromkeys(outcomes, 0.03))


def test_what_adapters_yield(tmp_path: Path) -> None:
    """All of a path is taken, or nothing is and the event at fault is named."""
    run = Run("yielded")
    events = published_events(100)
    for seed, count in run:
        run.counts += imports.run_yielded(seed, events, count, tmp_path)
    refused = {"refused_invalid": 0.1, "refused_not_json": 0.1, "refused_too_large": 0.005}
    run.check("what adapters yield", {"accepted": 0.25, "adapter failed": 0.05, **refused})


async def test_lines_of_events() -> None:
    """Up to the first wrong line all are published, and that is named with its number."""
    run = Run("lines")
    events = published_events(100)
    for seed, count in run:
        run.counts += await imports.run_lines(seed, events, count)
    refused = {"refused_invalid": 0.05, "refused_missing": 0.005, "refused_too_large": 0.005}
    run.check("lines of events", {"accepted": 0.25, "not JSON": 0.05, **refused})


def test_configurations(tmp_path: Path) -> None:
    """A quarter is taken, of each kind of error there are some, and no secret is in any of them."""
    run = Run("configuration")
    valid = configuration.valid_documents()
    for seed, count in run:
        run.counts += configuration.run_configuration(seed, valid, count, tmp_path)
    run.check("configurations", {**dict.fromkeys(configuration.KINDS, 0.004), "accepted": 0.25}, warm=2)


def test_scenarios(tmp_path: Path) -> None:
    """A fifth still holds, some are played and fail, and of each kind of error there are some."""
    run = Run("scenarios")
    valid = scenarios.valid_scenarios()
    for seed, count in run:
        run.counts += scenarios.run_scenarios(seed, valid, count, tmp_path)
    run.check("scenarios", {**dict.fromkeys(scenarios.KINDS, 0.004), "holds": 0.2, "fails": 0.02}, warm=2)
