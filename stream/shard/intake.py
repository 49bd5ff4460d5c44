"""Records -> typed events with their times, or dead letters: what is decided of an event before its entity is
known."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final
from zlib import adler32

from msgspec import UNSET
from msgspec.structs import astuple
from mypy_extensions import mypyc_attr

from stream.events.decode import Decoder
from stream.events.instants import to_ms
from stream.events.refusal import Refused, UnknownType
from stream.lifecycle.call import TIMES
from stream.shard.changes import LogRecord

Event = tuple[Any, ...]
"""The fields of a decoded event: taken all at once they cost a fraction of what they do by name."""
ID: Final = 1
SOURCE: Final = 2
TYPE: Final = 3
SUBJECT: Final = 4
TIME: Final = 5
RECORDED: Final = 6
SEQUENCE: Final = 7
DATA: Final = 8
"""Their places (events/envelope.py)."""
_NOTHING: Final[Event] = ("1.0", "", "", "", "", None, UNSET, UNSET, UNSET)

IGNORED_TYPES_MAX = 50
IGNORED_NAME_MAX = 100
"""So many unknown types are counted by name, of so many characters; more are counted as `others`."""


@mypyc_attr(acyclic=True)  # nothing for the collector of cycles
class Incoming:
    """A record that is not to be ignored: its event, or why it is refused."""

    __slots__ = (
        "at_ms", "data", "id", "log_clock", "rank", "record", "recorded", "refused", "sequence", "source",
        "subject",
    )  # fmt: skip

    def __init__(
        self, record: LogRecord, event: Event, rank: int, at_ms: int, log_clock: int, refused: Refused | None
    ) -> None:
        """`event`: its fields, in their order. `at_ms`: when it happened. `log_clock`: the shard's at the
        record."""
        self.record = record
        self.id: str = event[ID]
        self.source: str = event[SOURCE]
        self.subject: str = event[SUBJECT]
        self.recorded: Any = event[RECORDED]
        self.sequence: Any = event[SEQUENCE]
        self.data: Any = event[DATA]
        self.rank = rank
        self.at_ms = at_ms
        self.log_clock = log_clock
        self.refused = refused


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
        self.named: set[str] = set()
        """The types that the journal names already."""

    def read(self, record: LogRecord, log_clock: int) -> Incoming | None:
        """What a record holds, `None` when that is ignored. `log_clock` is the shard's at the record."""
        try:
            return self._incoming(record, log_clock)
        except UnknownType as unknown:
            self.ignored[self._counted_as(unknown.name)] += 1
            return None
        except Refused as refused:
            return Incoming(record, _NOTHING, 0, 0, log_clock, refused)

    def _counted_as(self, name: str) -> str:
        if name not in self.named:
            if len(self.named) >= IGNORED_TYPES_MAX or len(name) > IGNORED_NAME_MAX:
                return "others"
            self.named.add(name)
        return name

    def _incoming(self, record: LogRecord, log_clock: int) -> Incoming:
        value = record.value
        if value is not None and len(value) > self._max_event_bytes:
            raise Refused("too_large", "", f"{len(value)} bytes; at most {self._max_event_bytes} are read")
        event = self._decoder.decode(value, record.headers)
        fields: Event = astuple(event)
        at_ms = to_ms(fields[TIME])
        sent_ms: int = record.timestamp
        if at_ms < log_clock - self._horizon_ms:
            raise Refused("late", "time", "older than the horizon when it arrived")
        if at_ms > sent_ms + self._future_ms:
            raise Refused("future", "time", "later than its record was sent")
        kind: str = fields[TYPE]
        if kind == "call.record":
            _check_times(event, sent_ms + self._horizon_ms)
        return Incoming(record, fields, self._decoder.rank[kind], at_ms, log_clock, None)


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
    """Of several contents of one identity the greater one counts: of the body, and of the attributes in
    binary mode."""
    # Any fixed order of contents will do, and where two are equal in it the packed row decides
    # (lifecycle/entity.py): so the quickest sum that there is.
    value = adler32(record.value or b"")
    headers = record.headers
    if headers:
        for name, raw in sorted(headers):
            if name.startswith("ce_"):
                value = adler32(name.encode() + b"\0" + (raw or b""), value)
    return value
