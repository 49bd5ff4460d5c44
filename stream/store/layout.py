"""Every key in Redis, on one page.

A deployment's keys begin with `floorcast:4:<namespace>:`; 4 is the format of what is stored, so that another
format never meets this one. All keys of a shard share the hash tag `{<family>:<partition>}`, so Redis Cluster
keeps them together and one call can write them all: `floorcast:4:live:{tickets:3}:fence`.

| key of a shard           | type | holds |
|--------------------------|------|-----------------------------------------------------------------------|
| `fence`                  | hash | the fields of `Fence`: of what log prefix this is the image, who writes |
| `states`                 | hash | subject -> packed entity |
| `groups`                 | hash | packed group -> its number: which fields of cells are that group's |
| `cells:<size>:<start_s>` | hash | number of a group -> packed cell: one pane, e.g. `cells:10s:1764000000` |
| `written`                | hash | pane of 15 min or a day -> the commit that wrote it last; `last`: any |
| `levels`                 | hash | packed group -> packed live values |
| `since:<level>`          | zset | packed subject and segment, scored by since when (ms) it stands there |
| `timers`                 | zset | subject, scored by when (ms) its next timer is due |
| `drop:<day>`             | string | log of subjects to forget at the start of that day since the epoch |
| `outbox`                 | hash | offset -> packed dead letter or facts, until they have been delivered |
| `notices`                | hash | number -> what happened to clocks, until it has been delivered |
| `journal`                | hash | what was counted about the work itself |
| `index`                  | set  | names of its `cells:`, `drop:` and `since:` keys, so nothing needs SCAN |

Groups are numbered within the shard, in the order in which commits first name them (commit.lua), so a small
number stands in each of many cells instead of a name; whoever reads cells is told names (read.lua). There are
never more of them than a shard may have (shard/cap.py), and 10,000 of each grouping.

Panes and drop days leave the index with their key. The name of a `since:` key stays when nobody is left in it
(Redis deletes an empty key by itself): there are few levels.

| key of the deployment    | type | holds |
|--------------------------|------|-----------------------------------------------------------------------|
| `topics`                 | hash | family -> `<partitions> <topic>`: which shards there are |
| `versions`               | hash | number -> version of calendars and policies, as it was published |
| `reports`                | hash | process -> what it says about itself (reports.py) |
| `generations`            | hash | number -> when it was begun and became live; `current`: which is live |

A rebuild fills another *generation* beside the live one. The first is the namespace itself; the second has
its shards and its `topics` at `floorcast:4:<namespace>:2:`, and so on. The other keys of the deployment are
of all of them. `current` alone says which one is read; without it, the first is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Final, NamedTuple

from msgspec import msgpack

from stream.metrics.panes import Pane
from stream.metrics.sizes import NAMES
from stream.shard.changes import Fence, Since, Written

FORMAT: Final = 4
FIRST: Final = 1
"""The generation that is live where nothing was rebuilt."""
LAST: Final = b"last"
"""The field of `written` that is no pane's."""
_SIZES: Final = {name.encode(): size for size, name in enumerate(NAMES)}


class ShardKeys:
    """The keys of one shard."""

    def __init__(self, namespace: str, family: str, partition: int) -> None:
        self.shard = f"{family}:{partition}"
        self._prefix = f"floorcast:{FORMAT}:{namespace}:{{{self.shard}}}:".encode()
        self.fence = self._prefix + b"fence"
        self.states = self._prefix + b"states"
        self.groups = self._prefix + b"groups"
        self.written = self._prefix + b"written"
        self.levels = self._prefix + b"levels"
        self.timers = self._prefix + b"timers"
        self.outbox = self._prefix + b"outbox"
        self.notices = self._prefix + b"notices"
        self.journal = self._prefix + b"journal"
        self.index = self._prefix + b"index"
        self.always = (
            self.fence, self.states, self.groups, self.written, self.levels, self.timers, self.outbox,
            self.notices, self.journal, self.index,
        )  # fmt: skip
        """The keys that are not in the index."""

    def named(self, name: bytes) -> bytes:
        """The key of a name from the index."""
        return self._prefix + name

    def cells(self, pane: Pane) -> bytes:
        """The key of a pane."""
        return self._prefix + pane_name(pane)

    def since(self, level: int) -> bytes:
        """The key of who stands in a level."""
        return self._prefix + since_name(level)

    def drop(self, day: int) -> bytes:
        """The key of what is forgotten on a day."""
        return self._prefix + drop_name(day)


class Index(NamedTuple):
    """What the names in an index stand for."""

    panes: list[Pane]
    drop_days: list[int]
    since: list[int]


def generation_name(namespace: str, number: int) -> str:
    """The namespace of a generation: what keys of its shards are made of. No configured one has a colon."""
    return namespace if number == FIRST else f"{namespace}:{number}"


def generations_key(namespace: str) -> bytes:
    """The key of which generations there are, and which is live."""
    return f"floorcast:{FORMAT}:{namespace}:generations".encode()


def topics_key(namespace: str) -> bytes:
    """The key of the shards that a generation has."""
    return f"floorcast:{FORMAT}:{namespace}:topics".encode()


def reports_key(namespace: str) -> bytes:
    """The key of what processes say about themselves."""
    return f"floorcast:{FORMAT}:{namespace}:reports".encode()


def versions_key(namespace: str) -> bytes:
    """The key of what was published of the configuration."""
    return f"floorcast:{FORMAT}:{namespace}:versions".encode()


def pane_name(pane: Pane) -> bytes:
    """A pane's name in the index. Panes start at whole seconds."""
    size, start_ms = pane
    return b"cells:%s:%d" % (NAMES[size].encode(), start_ms // 1000)


def drop_name(day: int) -> bytes:
    """A drop day's name in the index."""
    return b"drop:%d" % day


def since_name(level: int) -> bytes:
    """The name in the index of who stands in a level."""
    return b"since:%d" % level


def pack_member(since: Since) -> bytes:
    """Who stands in a level, as its member there."""
    return msgpack.encode((since.subject, *since.values))


def read_member(level: int, member: bytes, since_ms: int) -> Since:
    """The counterpart of `pack_member`."""
    subject, *values = msgpack.decode(member)
    return Since(level, subject, tuple(values), since_ms)


def read_written(stored: Mapping[bytes, bytes]) -> Written:
    """The commits that wrote long panes last."""
    panes = {pane_of(name): commit for name, commit in stored.items() if name != LAST}
    return Written(stored.get(LAST, b""), panes)


def pane_of(name: bytes) -> Pane:
    """The counterpart of `pane_name`."""
    _, size, start_s = name.split(b":")
    return _SIZES[size], int(start_s) * 1000


def read_index(names: Iterable[bytes]) -> Index:
    """Panes (in order of time), drop days and levels of the names in an index."""
    index = Index([], [], [])
    for name in names:
        kind, _, rest = name.partition(b":")
        if kind == b"cells":
            index.panes.append(pane_of(name))
        elif kind == b"drop":
            index.drop_days.append(int(rest))
        else:
            index.since.append(int(rest))
    index.panes.sort()
    index.drop_days.sort()
    return index


def read_fence(stored: Mapping[bytes, bytes]) -> Fence:
    """The fence from its hash; one of a shard that nobody has written yet when that is empty."""
    fence = Fence()
    for field in fields(Fence):
        value = stored.get(field.name.encode())
        if value is not None:
            whole = isinstance(getattr(fence, field.name), int)
            setattr(fence, field.name, int(value) if whole else value.decode())
    return fence
