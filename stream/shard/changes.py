"""What one commit changes, in the words of the domain; the store turns it into keys (store/layout.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from stream.metrics.panes import Group, Pane
from stream.metrics.sizes import LONG


class LogRecord(Protocol):
    """A record of the log, as far as it matters: where it is, when it was sent (ms), and what it holds."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class Record(NamedTuple):
    """A record made by hand (scenarios, tests)."""

    offset: int
    timestamp: int
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    key: bytes | None = None


class Since(NamedTuple):
    """Since when an entity stands in a level, with the values of its family's dimensions."""

    level: int
    subject: str
    values: tuple[str | None, ...]
    since_ms: int


class Written(NamedTuple):
    """Which commit wrote each pane of a quarter of an hour and of a day last; `last`: the latest of these."""

    last: bytes
    panes: dict[Pane, bytes]


@dataclass(slots=True)
class Fence:
    """What a shard's image is the image of. `commit_id` is drawn anew for every commit: who does not know it
    may not write.

    Clocks in ms: `log_clock` = greatest record timestamp, `clock` = the instant up to which timers have
    fired,
    `retention_clock` = from where the retention of panes is measured back, `fresh` = wall time when last
    caught up.
    `seen` and `refused` decay together and tell the share of dead letters.
    What a rebuild took over of the image before, as the log's beginning was gone (shard/carry.py): histories
    up to the record `carried_offset`, panes of before `carried_ms`. `uncounted` histories have still to be.
    """

    commit_id: str = ""
    offset: int = 0
    log_clock: int = 0
    clock: int = 0
    retention_clock: int = 0
    fresh: int = 0
    delivered: int = 0  # dead letters and facts of records before this offset are in their topics
    noticed: int = 0  # the number of the next notice about clocks
    told: int = 0  # notices before this number are in their topic
    seen: int = 0
    refused: int = 0
    log_id: str = ""
    shape: str = ""
    versions: int = 0  # of the configuration's history, those that its owner knew of
    latest: int = 0  # the greatest time of an event
    carried_ms: int = 0  # 0: nothing was taken over
    carried_offset: int = 0
    uncounted: int = 0
    over_cap: str = ""  # numbers of the groupings that have too many groups (shard/cap.py)
    format: int = 4

    def fields(self) -> dict[str, str | int]:
        """Name and value of every field, for the store."""
        return {name: getattr(self, name) for name in self.__slots__}

    def invalid(self) -> frozenset[int]:
        """The groupings, by number, that tell nothing as they have too many groups."""
        return frozenset(map(int, self.over_cap.split()))


@dataclass(slots=True)
class Changes:
    """Absolute values: writing them twice is harmless. `None` deletes."""

    states: dict[str, bytes | None] = field(default_factory=dict)
    cells: list[tuple[Pane, Group, bytes | None]] = field(default_factory=list)
    panes_added: list[Pane] = field(default_factory=list)
    panes_removed: list[Pane] = field(default_factory=list)
    levels: dict[Group, bytes | None] = field(default_factory=dict)
    since_added: list[Since] = field(default_factory=list)
    since_removed: list[Since] = field(default_factory=list)
    timers: dict[str, int | None] = field(default_factory=dict)
    drops_added: list[tuple[int, str]] = field(default_factory=list)
    drops_removed: list[tuple[int, str]] = field(default_factory=list)
    drop_days_done: list[int] = field(default_factory=list)
    outbox_added: dict[int, bytes] = field(default_factory=dict)
    outbox_removed: list[int] = field(default_factory=list)
    notices_added: dict[int, bytes] = field(default_factory=dict)
    notices_removed: list[int] = field(default_factory=list)
    journal: dict[str, int] = field(default_factory=dict)
    fence: Fence = field(default_factory=Fence)

    def long_panes(self) -> tuple[set[Pane], list[Pane]]:
        """The panes of a quarter of an hour and of a day that are written, and those that go."""
        written = {pane for pane, _, _ in self.cells if pane[0] >= LONG}
        return written, [pane for pane in self.panes_removed if pane[0] >= LONG]


@dataclass(slots=True)
class Needs:
    """What must be loaded before a batch can go on: one round trip."""

    states: list[str] = field(default_factory=list)
    cells: dict[Pane, list[Group] | None] = field(default_factory=dict)  # `None`: the whole pane
    drop_days: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.states or self.cells or self.drop_days)


@dataclass(slots=True)
class Loaded:
    """The answer to `Needs`; what the store does not have is left out."""

    states: dict[str, bytes] = field(default_factory=dict)
    cells: dict[Pane, dict[Group, bytes]] = field(default_factory=dict)
    drops: dict[int, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Restored:
    """What a shard's owner keeps in memory of the store, read when it claims the shard."""

    fence: Fence
    panes: list[Pane] = field(default_factory=list)
    drop_days: list[int] = field(default_factory=list)
    groups: set[Group] = field(default_factory=set)
    levels: dict[Group, bytes] = field(default_factory=dict)
    timers: dict[str, int] = field(default_factory=dict)
    outbox: dict[int, bytes] = field(default_factory=dict)
    notices: dict[int, bytes] = field(default_factory=dict)
    journal: dict[str, int] = field(default_factory=dict)
