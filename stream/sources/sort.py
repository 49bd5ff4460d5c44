"""Sorting more events than fit into memory: sorted runs on disk, then one merge."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO

import msgspec

from stream.sources.prepare import Prepared

RUN_BYTES = 96 * 1024 * 1024
"""Events are sorted in runs of this size (keys, values and what Python needs for them)."""
_EVENT_OVERHEAD_BYTES = 260
_BLOCK_EVENTS = 512  # read back at a time, of each run

Place = tuple[int, int, int]
"""(recorded_ms, time_ms, order of arrival): the order in which history is published."""


class Sorter:
    """Takes events in any order and gives them back sorted, equal ones as they came. Its files are temporary.

    Sorted by `recorded_ms`, which becomes the record's timestamp and is the event's own time unless
    `recordedtime` differs: sorted by `time`, the log's time would jump ahead and make later records late.
    """

    def __init__(self, run_bytes: int = RUN_BYTES) -> None:
        self.events = 0
        self._run_bytes = run_bytes
        self._run: list[tuple[Place, Prepared]] = []
        self._bytes = 0
        self._spilled: list[IO[bytes]] = []

    def __enter__(self) -> Sorter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._spilled:
            file.close()

    def add(self, event: Prepared) -> None:
        """Take one event; writes a run to disk when memory is full."""
        self._run.append(((event.recorded_ms, event.time_ms, self.events), event))
        self.events += 1
        self._bytes += len(event.value) + len(event.key) + _EVENT_OVERHEAD_BYTES
        if self._bytes >= self._run_bytes:
            self._spill()

    def __iter__(self) -> Iterator[Prepared]:
        """All events in order; once."""
        self._run.sort()
        runs = [_read(file) for file in self._spilled]
        merged = heapq.merge(*runs, self._run) if runs else self._run
        for _, event in merged:
            yield event

    def _spill(self) -> None:
        self._run.sort()
        file = tempfile.TemporaryFile(prefix="floorcast-import-")  # noqa: SIM115 - closed with the sorter
        encode = msgspec.msgpack.encode
        for at in range(0, len(self._run), _BLOCK_EVENTS):
            block = encode(self._run[at : at + _BLOCK_EVENTS])
            file.write(len(block).to_bytes(4, "big") + block)
        self._spilled.append(file)
        self._run = []
        self._bytes = 0


def _read(file: IO[bytes]) -> Iterator[tuple[Place, Prepared]]:
    decode = msgspec.msgpack.Decoder(list[tuple[Place, Prepared]]).decode
    file.seek(0)
    while size := file.read(4):
        yield from decode(file.read(int.from_bytes(size, "big")))
