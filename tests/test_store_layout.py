"""Keys: readable, of one slot per shard, and told apart by their names alone."""

import inspect
import re

from hypothesis import given
from hypothesis import strategies as st

from stream.shard.changes import Changes, Fence, Since
from stream.store import layout
from stream.store.commit import ARGUMENTS_MAX, words
from stream.store.layout import (
    ShardKeys,
    drop_name,
    pack_member,
    pane_name,
    read_fence,
    read_index,
    read_member,
    since_name,
)
from tests.rig.commits import everything

KEYS = ShardKeys("live", "tickets", 3)
PREFIX = b"floorcast:4:live:{tickets:3}:"
PANES = st.tuples(st.integers(0, 3), st.integers(0, 2**32).map(lambda start_s: start_s * 1000))


def test_keys_can_be_read() -> None:
    """Format, namespace and shard come first; panes tell their size and when they start."""
    assert KEYS.fence == PREFIX + b"fence"
    assert KEYS.cells((0, 1_764_000_010_000)) == PREFIX + b"cells:10s:1764000010"
    assert KEYS.cells((3, 1_763_985_600_000)) == PREFIX + b"cells:1d:1763985600"
    assert KEYS.drop(20_417) == PREFIX + b"drop:20417"
    assert KEYS.since(100) == PREFIX + b"since:100"


@given(st.sets(PANES), st.sets(st.integers(0, 30_000)), st.sets(st.integers(0, 127)))
def test_the_index_tells_what_there_is(panes: set[tuple[int, int]], days: set[int], since: set[int]) -> None:
    """Names are read back as what they stand for."""
    names = [*map(pane_name, panes), *map(drop_name, days), *(since_name(level) for level in since)]
    index = read_index(names)
    assert (index.panes, index.drop_days, set(index.since)) == (sorted(panes), sorted(days), since)


@given(st.text(), st.lists(st.none() | st.text()), st.integers(0, 2**52))
def test_members_come_back(subject: str, values: list[str | None], since_ms: int) -> None:
    """Any text is safe in a subject and in a segment."""
    since = Since(100, subject, tuple(values), since_ms)
    assert read_member(100, pack_member(since), since_ms) == since


def test_a_fence_comes_back() -> None:
    """Every field, with its type; a field that an earlier version did not write has its default."""
    fence = Fence("id", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "log", "shape")
    stored = {name.encode(): str(value).encode() for name, value in fence.fields().items()}
    assert read_fence(stored) == fence
    assert read_fence({}) == Fence()


def test_every_kind_of_key_is_in_the_table() -> None:
    """The page that lists the keys lists what a commit writes, with its type."""
    types = {
        "HSET": "hash",
        "SADD": "set",
        "ZADD": "zset",
        "GROUPS": "hash",
        "SETCELLS": "hash",
        "APPEND": "string",
    }
    documented = dict(
        re.findall(r"^\| `([a-z]+)[:`].*?\| (hash|set|zset|string) ", inspect.getdoc(layout) or "", re.M)
    )
    count, *rest = words(KEYS, "", everything())
    assert isinstance(count, int)
    keys, arguments = rest[:count], rest[count + 2 :]
    written = {}
    while arguments:
        command, number, length = arguments[:3]
        assert isinstance(number, int)
        assert isinstance(length, int)
        key = keys[number - 1]
        assert isinstance(key, bytes)
        written[key.removeprefix(PREFIX).partition(b":")[0].decode()] = types[str(command)]
        del arguments[: 3 + length]
    of_all = dict.fromkeys(("topics", "versions", "reports", "generations"), "hash")
    assert written | of_all == documented


def test_no_operation_is_longer_than_lua_takes() -> None:
    """Long ones are split between pairs."""
    changes = Changes(states={str(n): b"" for n in range(5_000)}, fence=Fence(commit_id="new"))
    _, *rest = words(KEYS, "old", changes)
    lengths = [rest[place + 2] for place, word in enumerate(rest) if word == "HSET"]
    assert lengths == [2 * len(Fence().fields()), ARGUMENTS_MAX, ARGUMENTS_MAX, 2_000]
