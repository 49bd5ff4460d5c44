"""What processes say about themselves, every few seconds, in one hash of the deployment: so the exporter
shows workers and the dispatcher of alerts, which have no HTTP of their own. Who starts again and again leaves
a report each time: what is old is removed by whoever reports next.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
from msgspec import Struct, field

log = logging.getLogger("floorcast.store")

EVERY_S: Final = 5.0
GONE_MS: Final = 20_000
"""A process that has said nothing for so long is gone."""
KEPT_MS: Final = 3_600_000
"""What a process said last is removed after so long: until then a silent one may come back."""
VERIFIED_MS: Final = 24 * 3_600_000
"""So long the result of a verification is told."""
REPORTS_MAX: Final = 1_000
"""Of more the oldest are removed: about 1 KB each."""
COMMIT_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
BATCH_RECORDS: Final = (1.0, 10.0, 50.0, 100.0, 500.0, 1_000.0, 5_000.0)


class Histogram(Struct):
    """Observations by upper bound; the last count is of those above all. Nothing is ever taken back."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """One observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class WorkerReport(Struct, tag="worker", kw_only=True):
    """One worker since it was started. `lag`: records that it has not read yet, by `<family>/<partition>`."""

    name: str
    at_ms: int
    version: str
    commits: Histogram
    batches: Histogram
    refusals: int
    lag: dict[str, int]


class DispatcherReport(Struct, tag="alerts", kw_only=True):
    """One dispatcher of alerts since it was started. `deliveries`: destination, channel, result, attempts."""

    name: str
    at_ms: int
    version: str
    deliveries: list[tuple[str, str, str, int]]
    retries: dict[str, int]
    repeats: dict[str, int]
    too_old: int
    decided: int
    unreadable: int
    circuits: dict[str, str]


class VerifyReport(Struct, tag="verify", kw_only=True):
    """The last `floorcast verify`: keys of Redis that are not what the log says."""

    name: str
    at_ms: int
    differences: int


Report = WorkerReport | DispatcherReport | VerifyReport
_DECODER: Final[msgspec.json.Decoder[Report]] = msgspec.json.Decoder(Report)


class _Head(Struct):
    """What all versions of a report have."""

    type: str
    at_ms: int


_HEAD: Final[msgspec.json.Decoder[_Head]] = msgspec.json.Decoder(_Head)


def process_name() -> str:
    """`host:pid` of this process."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}"


def encode_report(report: Report) -> bytes:
    """As it stands in Redis."""
    return msgspec.json.encode(report)


def decode_report(packed: bytes) -> Report | None:
    """The report, or None for one of another version."""
    try:
        return _DECODER.decode(packed)
    except msgspec.MsgspecError:
        return None


def is_told(report: Report, now_ms: int) -> bool:
    """Whether its process is there still, or its result young enough. One whose clock is far ahead must not
    seem to live for ever."""
    age_ms = abs(now_ms - report.at_ms)
    return age_ms <= (VERIFIED_MS if isinstance(report, VerifyReport) else GONE_MS)


def forgotten(reports: Mapping[bytes, bytes], now_ms: int) -> list[bytes]:
    """The names of reports to be removed: too old, too many, or none at all."""
    ages: dict[bytes, int] = {}
    for name, packed in reports.items():
        try:
            head = _HEAD.decode(packed)
        except msgspec.MsgspecError:
            continue
        age_ms = abs(now_ms - head.at_ms)
        if age_ms <= (VERIFIED_MS if head.type == "verify" else KEPT_MS):
            ages[name] = age_ms
    kept = set(sorted(ages, key=lambda name: ages[name])[:REPORTS_MAX])
    return [name for name in reports if name not in kept]


async def keep_reporting(
    write: Callable[[Report], Awaitable[None]], make: Callable[[], Report], every_s: float = EVERY_S
) -> None:
    """Reports until it is cancelled. Whatever goes wrong with it disturbs nobody, and is said once."""
    failed = False
    while True:
        try:
            await write(make())
            failed = False
        except Exception as error:
            if not failed:
                log.warning("/metrics says nothing of this process: %s", str(error) or type(error).__name__)
            failed = True
        await asyncio.sleep(every_s)
