"""A commit as one call of commit.lua.

How to send it was measured (`python -m bench.store`), in ms of wall time / CPU of the client / CPU of Redis.
Columns: entities of 500 B, cells of 120 B in so many panes; Redis 7.0.15, CPython 3.11.7, two slow cores.

|                                      | 2,000, 2,000 in 20 | 100, 200 in 2   | 100, 2,000 in 500 |
|--------------------------------------|-------------------|-----------------|-------------------|
| arguments of the script (this)       | 6.1 / 3.2 / 3.3   | 0.5 / 0.3 / 0.2 | 4.2 / 2.3 / 2.0   |
| the same, packed by redis-py itself  | 8.2 / 4.7 / 3.7   | 0.7 / 0.5 / 0.2 | 6.7 / 4.6 / 2.2   |
| all bytes in one argument            | 8.4 / 3.6 / 5.0   | 0.5 / 0.2 / 0.3 | 4.4 / 2.4 / 2.3   |
| WATCH, MULTI, EXEC                   | 3.7 / 2.9 / 1.3   | 0.6 / 0.5 / 0.2 | 10.5 / 10.1 / 1.2 |

A transaction costs Redis 2 ms less in a full batch of few keys, but takes two round trips, and each key costs
the client two more answers. With the script Redis itself decides, in one place, whether to write.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final
from uuid import uuid4

from stream.metrics.panes import Group, Pane
from stream.shard.changes import Changes
from stream.store.drops import drop_entries
from stream.store.layout import LAST, ShardKeys, drop_name, pack_member, pane_name, since_name
from stream.store.script import Script

SCRIPT: Final = Script("commit.lua")
ARGUMENTS_MAX: Final = 4_000
"""Arguments of one operation: even, as most come in pairs, and well below what Lua can unpack (8,000)."""

Value = str | bytes | int
Operation = tuple[str, bytes, Sequence[Value]]
"""Command of commit.lua, key, arguments."""


def new_commit_id() -> str:
    """An id that no other commit has."""
    return uuid4().hex


def words(keys: ShardKeys, expected_commit_id: str, changes: Changes) -> list[Value]:
    """What follows the script in EVAL: number of keys, keys, arguments."""
    places: dict[bytes, int] = {}
    arguments: list[Value] = [expected_commit_id, changes.fence.commit_id]
    for command, key, given in operations(keys, changes):
        number = places.setdefault(key, len(places) + 1)
        for start in range(0, len(given) or 1, ARGUMENTS_MAX):
            part = given[start : start + ARGUMENTS_MAX]
            arguments += (command, number, len(part))
            arguments += part
    return [len(places), *places, *arguments]


def operations(keys: ShardKeys, changes: Changes) -> Iterator[Operation]:
    """The commands of a commit, the fence first. They write absolute values: twice is as good as once."""
    yield "HSET", keys.fence, _flat(changes.fence.fields().items())
    yield from _hash(keys.states, changes.states)
    yield from _cells(keys, changes)
    yield from _written(keys, changes)
    yield from _hash(keys.levels, changes.levels)
    yield from _since(keys, changes)
    yield from _timers(keys, changes)
    yield from _drops(keys, changes)
    yield from _index(keys, changes)
    yield from _some("HSET", keys.outbox, _flat(changes.outbox_added.items()))
    yield from _some("HDEL", keys.outbox, changes.outbox_removed)
    yield from _some("HSET", keys.notices, _flat(changes.notices_added.items()))
    yield from _some("HDEL", keys.notices, changes.notices_removed)
    yield from _some("HSET", keys.journal, _flat(changes.journal.items()))


def _cells(keys: ShardKeys, changes: Changes) -> Iterator[Operation]:
    places: dict[Group, int] = {}
    panes: defaultdict[Pane, list[tuple[int, bytes | None]]] = defaultdict(list)
    for pane, group, packed in changes.cells:
        panes[pane].append((places.setdefault(group, len(places) + 1), packed))
    yield from _some("GROUPS", keys.groups, list(places))
    for pane, cells in panes.items():
        key = keys.cells(pane)
        yield from _some("SETCELLS", key, _flat((place, cell) for place, cell in cells if cell is not None))
        yield from _some("DELCELLS", key, [place for place, cell in cells if cell is None])
    for pane in changes.panes_removed:
        yield "UNLINK", keys.cells(pane), ()


def _written(keys: ShardKeys, changes: Changes) -> Iterator[Operation]:
    commit = changes.fence.commit_id
    panes, gone = changes.long_panes()
    if panes or gone:
        yield "HSET", keys.written, _flat((name, commit) for name in (LAST, *map(pane_name, panes)))
    yield from _some("HDEL", keys.written, list(map(pane_name, gone)))


def _since(keys: ShardKeys, changes: Changes) -> Iterator[Operation]:
    removed: dict[int, dict[Value, None]] = {}
    added: dict[int, list[Value]] = {}
    for since in changes.since_removed:
        removed.setdefault(since.level, {})[pack_member(since)] = None
    for since in changes.since_added:
        member = pack_member(since)
        added.setdefault(since.level, []).extend((since.since_ms, member))
        # One that stays, but since another instant, is in both.
        removed.get(since.level, {}).pop(member, None)
    # The new ones first: in a slot that moves to another server of a cluster, a key that has been emptied
    # cannot be written again, and that would leave half a commit.
    for level, scored in added.items():
        yield "ZADD", keys.since(level), scored
    for level, members in removed.items():
        yield from _some("ZREM", keys.since(level), list(members))


def _timers(keys: ShardKeys, changes: Changes) -> Iterator[Operation]:
    timers = changes.timers.items()
    yield from _some("ZADD", keys.timers, _flat((due, subject) for subject, due in timers if due is not None))
    yield from _some("ZREM", keys.timers, [subject for subject, due in timers if due is None])


def _drops(keys: ShardKeys, changes: Changes) -> Iterator[Operation]:
    for day, entries in drop_entries(changes).items():
        yield "APPEND", keys.drop(day), (entries,)
    for day in changes.drop_days_done:
        yield "UNLINK", keys.drop(day), ()


def _index(keys: ShardKeys, changes: Changes) -> Iterator[Operation]:
    since = {since_name(since.level) for since in changes.since_added}
    days = {day for day, _ in chain(changes.drops_added, changes.drops_removed)}
    added = [*map(pane_name, changes.panes_added), *map(drop_name, days), *since]
    removed = [*map(pane_name, changes.panes_removed), *map(drop_name, changes.drop_days_done)]
    yield from _some("SADD", keys.index, added)
    yield from _some("SREM", keys.index, removed)


def _hash(key: bytes, fields: Mapping[Any, bytes | None]) -> Iterator[Operation]:
    """Sets the fields that have a value, deletes those that have none."""
    removed = [field for field, value in fields.items() if value is None]
    if removed:
        fields = {field: value for field, value in fields.items() if value is not None}
    yield from _some("HSET", key, _flat(fields.items()))
    yield from _some("HDEL", key, removed)


def _some(command: str, key: bytes, arguments: Sequence[Value]) -> Iterator[Operation]:
    """The operation, unless it has nothing to do."""
    if arguments:
        yield command, key, arguments


def _flat(pairs: Iterable[tuple[Value, Any]]) -> list[Value]:
    return list(chain.from_iterable(pairs))
