"""The pure core alone, against images in memory: no Kafka, no Redis. `python -m bench.core --profile`."""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import stream
from bench.events import BUSY_RATE, Event, mix_log
from bench.machine import interpreter
from stream.config import Config
from stream.shard.changes import Record
from stream.shard.family import family
from stream.shard.image import Image, run_batch
from stream.shard.shard import Shard
from stream.sources.lanes import partition_hash
from stream.sources.topics import PARTITIONS

BATCH_RECORDS = 2_000
"""What a worker that catches up gets at a time: a commit has at most 768 KiB of events."""
SHOWN = 30

Records = dict[tuple[str, int], list[Record]]


def records_of(events: Iterable[Event]) -> Records:
    """By shard, as Kafka would hand them out."""
    records: Records = {}
    for event in events:
        shard = records.setdefault((event.family, partition_hash(event.key) % PARTITIONS), [])
        shard.append(Record(len(shard), event.at_ms, event.value, (), event.key))
    return records


def run_core(records: Records) -> dict[tuple[str, int], Image]:
    """Decode, fold, aggregate and pack everything, a batch of each shard in turn."""
    config = Config()
    cache = config.worker.cache_entities // len(records)
    shards = {
        (name, partition): Shard(family(name, config), name, partition, config, cache)
        for name, partition in records
    }
    images = {shard: Image() for shard in shards}
    for start in range(0, max(map(len, records.values())), BATCH_RECORDS):
        for shard, log in records.items():
            part: Sequence[Record] = log[start : start + BATCH_RECORDS]
            if part:
                run_batch(shards[shard], images[shard], part, None)
    return images


def events_per_cpu_s(events: Sequence[Event]) -> float:
    """One run over these events."""
    records = records_of(events)
    with quiet_garbage_collector():
        start = time.process_time()
        run_core(records)
        return len(events) / (time.process_time() - start)


@contextmanager
def quiet_garbage_collector() -> Iterator[None]:
    """The garbage collector as the worker sets it (worker/process.py)."""
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 100, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def by_stage(stats: pstats.Stats) -> list[tuple[str, float]]:
    """Seconds by package of `stream` (own time of its functions and of the built-in ones that they call)."""
    stages: defaultdict[str, float] = defaultdict(float)
    entries = stats.stats  # type: ignore[attr-defined]  # not in typeshed: (file, line, name) -> figures
    for place, (_, _, own_s, _, callers) in entries.items():
        if _stage(place[0]) is not None or not callers:
            stages[_stage(place[0]) or "other"] += own_s
            continue
        for caller, (_, _, for_caller_s, _) in callers.items():
            stages[_stage(caller[0]) or "other"] += for_caller_s
    return sorted(stages.items(), key=lambda stage: -stage[1])


def _stage(file: str) -> str | None:
    root = Path(stream.__file__).parent
    path = Path(file)
    if not path.is_relative_to(root):
        return None
    return str(path.relative_to(root).with_suffix(""))


def _profiled(records: Records, count: int) -> None:
    profile = cProfile.Profile()
    with quiet_garbage_collector():
        profile.runcall(run_core, records)
    stats = pstats.Stats(profile)
    stats.sort_stats("tottime").print_stats(SHOWN)
    print("us an event by module, the profiler's own cost included:")
    for stage, own_s in by_stage(stats):
        print(f"  {stage:<24} {own_s / count * 1e6:6.2f}")


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rate", type=float, default=BUSY_RATE, help="events a second of event time")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    asked = parser.parse_args()
    log = mix_log(asked.events, asked.rate)
    print(f"{interpreter()}; {asked.events} events, {asked.rate:g} a second of event time")
    for _ in range(asked.runs):
        print(f"  {events_per_cpu_s(log.events):,.0f} events per CPU-second")
    if asked.profile:
        _profiled(records_of(log.events), asked.events)


if __name__ == "__main__":
    main()
