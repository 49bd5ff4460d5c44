"""Records -> typed events with their times, or dead letters: what is decided of an event before its entity is
known."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from stream.events.decode import Decoder
from stream.events.envelope import to_ms
from stream.events.refusal import Refused, UnknownType
from stream.lifecycle.call import TIMES
from stream.shard.changes import LogRecord

IGNORED_TYPES_MAX = 50
"""Unknown types counted by name; more are counted as `others`."""

Incoming = tuple[LogRecord, Any, int, int]
"""(record, event or `Refused`, when it happened in ms, the shard's log clock at the record)."""


class Intake:
    """Reads the records of one family. Lateness is judged per event by the log clock, a pure function of the
    log's prefix."""

    def __init__(self, decoder: Decoder, horizon_ms: int, future_ms: int, max_event_bytes: int) -> None:
        self._decoder = decoder
        self._horizon_ms = horizon_ms
        self._future_ms = future_ms
        self._max_event_bytes = max_event_bytes
        self.ignored: Counter[str] = Counter()
        """Events whose type the contract does not know, by type (journal)."""

    def read(self, records: Sequence[LogRecord], log_clock: int) -> tuple[list[Incoming], int]:
        """Each record's event or refusal in order, ignored ones left out, and the log clock after them."""
        decode = self._decoder.decode
        largest = self._max_event_bytes
        out: list[Incoming] = []
        for record in records:
            sent_ms = record.timestamp
            if sent_ms > log_clock:
                log_clock = sent_ms
            value = record.value
            try:
                if value is not None and len(value) > largest:
                    raise Refused("too_large", "", f"{len(value)} bytes; at most {largest} are read")
                event = decode(value, record.headers)
                at_ms = to_ms(event.time)
                if at_ms < log_clock - self._horizon_ms:
                    raise Refused("late", "time", "older than the horizon when it arrived")
                if at_ms > sent_ms + self._future_ms:
                    raise Refused("future", "time", "later than its record was sent")
                if event.type == "call.record":
                    _check_times(event, sent_ms + self._horizon_ms)
            except UnknownType as unknown:
                known = unknown.name in self.ignored or len(self.ignored) < IGNORED_TYPES_MAX
                self.ignored[unknown.name if known else "others"] += 1
            except Refused as refused:
                out.append((record, refused, 0, log_clock))
            else:
                out.append((record, event, at_ms, log_clock))
        return out, log_clock


def _check_times(event: Any, latest_ms: int) -> None:
    """The times that a record tells make panes, too: they may be as old as they like, but not of another
    age."""
    call = event.data.call if event.data else None
    for name in TIMES if call else ():
        time = getattr(call, name)
        if time and to_ms(time) > latest_ms:
            raise Refused(
                "future", f"data.call.{name}", "later than its record was sent by more than the horizon"
            )
        if time and to_ms(time) < 0:
            raise Refused("invalid", f"data.call.{name}", "before 1970")


def checksum(record: LogRecord) -> int:
    """Tells contents of one identity apart: of the body, and of the attributes in binary mode."""
    value = zlib.crc32(record.value or b"")
    if record.headers:
        for name, raw in sorted(record.headers):
            if name.startswith("ce_"):
                value = zlib.crc32(name.encode() + b"\0" + (raw or b""), value)
    return value
