"""Real data on its way through Kafka, workers and Redis, and what a reader then gets."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from stream.cli.query import answer, as_plain
from stream.metrics.catalog import load_catalog
from stream.query.request import Request
from stream.query.windows import Calendar
from stream.shard.family import COUNTED
from stream.sources.prepare import prepare
from stream.sources.publish import Publisher
from stream.sources.topics import topic_names
from tests.rig.pipeline import Pipeline, Process, pipeline, until

ADAPTERS = Path(__file__).with_name("adapters.py")
PARTITIONS = 6
SEED = 1999


class Way(NamedTuple):
    """How events come in: by `floorcast import`, or `mixed` (shuffled within each day, every event twice)."""

    name: str
    workers: int
    mixed: bool

    @property
    def copies(self) -> int:
        """How often each event is in the log."""
        return 2 if self.mixed else 1


WAYS = (Way("in order", 1, mixed=False), Way("shuffled within a day, doubled, 3 workers", 3, mixed=True))


@contextmanager
def deployments(
    bootstrap: str, redis_url: str, directory: Path, *settings: dict[str, str]
) -> Iterator[list[Pipeline]]:
    """Deployments of history over one log, one for each of the settings (see `pipeline`)."""
    log = f"t{uuid4().hex[:12]}"
    topics = {f"KAFKA_TOPICS_{family.upper()}": f"{log}.{family}" for family in (*COUNTED, "deadletters")}
    made: list[Pipeline] = []

    def nested(rest: tuple[dict[str, str], ...]) -> Iterator[list[Pipeline]]:
        if not rest:
            yield made
            return
        name = f"{log}n{len(made)}"
        with pipeline(bootstrap, redis_url, name, directory, CLOCK="events", **topics, **rest[0]) as deployment:
            made.append(deployment)
            yield from nested(rest[1:])

    yield from nested(settings)
