"""A commit: all of it or nothing, and only by who knows the fence."""

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from stream.config import RedisConfig, Secret
from stream.metrics.segments import group_name
from stream.shard.changes import Changes, Fence, Needs, Since, Written
from stream.shard.image import Image
from stream.store import Fenced, RedisStore, Rejected, new_commit_id
from stream.store.layout import ShardKeys
from tests.conftest import NewRedis
from tests.rig.commits import BILLING, DAY, FINE, WAITING, WHOLE, everything, fence, taken_back

SHARD = ("tickets", 3)
TEAM = group_name(2, ("second level",))


@pytest.fixture
def keys(redis_config: RedisConfig) -> ShardKeys:
    """The keys of the shard that these tests write."""
    return ShardKeys(redis_config.namespace, *SHARD)


@pytest.fixture
def raw(redis_config: RedisConfig) -> Redis:
    """The server without our layout."""
    return Redis.from_url(redis_config.url)


async def test_what_was_committed_comes_back(store: RedisStore) -> None:
    """After each commit, image and restored shard are what the same commit makes of an image in memory."""
    expected = Image()
    for changes in (everything(), taken_back()):
        await store.commit(*SHARD, expected.fence.commit_id, changes)
        expected.apply(changes)
        assert await store.image(*SHARD) == expected
        restored = await store.restore(*SHARD)
        assert restored == dataclasses.replace(expected.restored(), panes=restored.panes)
        assert set(restored.panes) == set(expected.cells)


async def test_long_panes_are_marked_by_who_wrote_them(store: RedisStore) -> None:
    """Readers learn which panes of a quarter of an hour and of a day were written since they last looked."""
    first, second = everything(), taken_back()
    nothing = await store.written(SHARD[0], [3], {})
    assert nothing == {3: Written(b"", {})}
    await store.commit(*SHARD, "", first)
    mark = first.fence.commit_id.encode()
    known = await store.written(SHARD[0], [3], nothing)
    assert known == {3: Written(mark, {DAY: mark})}
    between = dataclasses.replace(
        everything(), cells=[(FINE, WHOLE, b"finer")], panes_added=[], fence=fence(8)
    )
    await store.commit(*SHARD, first.fence.commit_id, between)
    assert (await store.written(SHARD[0], [3], known))[3] is known[3]
    await store.commit(*SHARD, between.fence.commit_id, second)
    assert await store.written(SHARD[0], [3], known) == {3: Written(second.fence.commit_id.encode(), {})}


async def test_a_shard_that_nobody_wrote_is_empty(store: RedisStore) -> None:
    """Restoring it gives a fence without an id, and claiming it works."""
    restored = await store.restore(*SHARD)
    assert restored == Image().restored()
    claimed = await store.claim(*SHARD, restored.fence)
    assert (await store.restore(*SHARD)).fence == claimed == Fence(commit_id=claimed.commit_id)


async def test_a_claim_ends_the_time_of_the_owner_before(store: RedisStore) -> None:
    """Whoever claims with the fence that it restored may write, who was there before may not."""
    first = everything()
    await store.commit(*SHARD, "", first)
    claimed = await store.claim(*SHARD, (await store.restore(*SHARD)).fence)
    assert claimed == dataclasses.replace(first.fence, commit_id=claimed.commit_id)
    with pytest.raises(Fenced) as refused:
        await store.commit(*SHARD, first.fence.commit_id, taken_back())
    assert refused.value.current == claimed.commit_id
    await store.commit(*SHARD, claimed.commit_id, taken_back())


async def test_of_two_claims_one_wins(store: RedisStore) -> None:
    """Two workers that restored the same fence cannot both take the shard."""
    restored = (await store.restore(*SHARD)).fence
    winner = await store.claim(*SHARD, restored)
    with pytest.raises(Fenced):
        await store.claim(*SHARD, restored)
    assert (await store.restore(*SHARD)).fence == winner


async def test_a_refused_commit_writes_nothing(store: RedisStore) -> None:
    """With another expected id than the fence's nothing changes, not even at the same offset."""
    await store.commit(*SHARD, "", everything())
    before = await store.image(*SHARD)
    for expected in ("", new_commit_id()):
        with pytest.raises(Fenced, match="tickets:3: the store is at commit"):
            await store.commit(*SHARD, expected, taken_back(offset=7))
    assert await store.image(*SHARD) == before


async def test_a_repeated_commit_is_harmless(store: RedisStore) -> None:
    """The same commit again is taken as applied and changes nothing."""
    changes = everything()
    await store.commit(*SHARD, "", changes)
    before = await store.image(*SHARD)
    await store.commit(*SHARD, "", changes)
    assert await store.image(*SHARD) == before


async def test_a_group_keeps_its_number(store: RedisStore, raw: Redis, keys: ShardKeys) -> None:
    """Cells stand under small numbers: the next free one for a group that is new, for good."""
    await store.commit(*SHARD, "", first := everything())
    await store.commit(*SHARD, first.fence.commit_id, second := taken_back())
    new = Changes(cells=[(FINE, TEAM, b"team"), (FINE, BILLING, b"again")], fence=fence())
    await store.commit(*SHARD, second.fence.commit_id, new)
    assert raw.hgetall(keys.groups) == {WHOLE: b"0", BILLING: b"1", TEAM: b"2"}
    assert raw.hgetall(keys.cells(FINE)) == {b"0": b"fine", b"1": b"again", b"2": b"team"}
    assert (await store.image(*SHARD)).cells == {FINE: {WHOLE: b"fine", BILLING: b"again", TEAM: b"team"}}


async def test_a_batch_loads_the_cells_it_asks_for(store: RedisStore) -> None:
    """Of each pane some groups or all; what is not there is left out."""
    await store.commit(*SHARD, "", everything())
    loaded = await store.load(*SHARD, Needs(cells={DAY: None, FINE: [BILLING, TEAM], (1, 0): None}))
    assert loaded.cells == {DAY: {WHOLE: b"day"}, FINE: {BILLING: b"fine billing"}, (1, 0): {}}


async def test_a_cell_of_no_group_is_seen(store: RedisStore, raw: Redis, keys: ShardKeys) -> None:
    """Where the name of a group was lost, whole panes have its cells under the number: verify tells them."""
    await store.commit(*SHARD, "", everything())
    raw.hdel(keys.groups, BILLING)
    damaged = {FINE: {WHOLE: b"fine", b"1": b"fine billing"}, DAY: {WHOLE: b"day"}}
    assert (await store.image(*SHARD)).cells == damaged
    assert await store.read_cells("tickets", {3: [FINE, DAY]}, None) == {3: damaged}


@pytest.mark.parametrize("commit_id", ["", "expected"])
async def test_a_commit_needs_an_id_of_its_own(store: RedisStore, commit_id: str) -> None:
    """Without a new id two writers could not be told apart: an error of the caller."""
    with pytest.raises(ValueError, match="new commit_id"):
        await store.commit(*SHARD, "expected", Changes(fence=Fence(commit_id=commit_id)))


@pytest.mark.parametrize(
    "planted",
    [
        lambda keys: keys.states,
        lambda keys: keys.groups,
        lambda keys: keys.cells(FINE),
        lambda keys: keys.cells(DAY),
        lambda keys: keys.levels,
        lambda keys: keys.since(WAITING),
        lambda keys: keys.timers,
        lambda keys: keys.drop(20_417),
        lambda keys: keys.index,
        lambda keys: keys.outbox,
        lambda keys: keys.notices,
        lambda keys: keys.journal,
        lambda keys: keys.fence,
    ],
)
async def test_a_foreign_key_in_the_way_leaves_no_half_commit(
    store: RedisStore, raw: Redis, keys: ShardKeys, planted: Callable[[ShardKeys], bytes]
) -> None:
    """A key of another type makes the whole commit fail before its first write; the error says what to do."""
    raw.rpush(planted(keys), "planted")
    with pytest.raises(Rejected, match=r"WRONGTYPE.*redis\.namespace"):
        await store.commit(*SHARD, "", everything())
    assert raw.keys(keys.named(b"*")) == [planted(keys)]


async def test_a_full_redis_leaves_no_half_commit(new_redis: NewRedis) -> None:
    """When memory is over its limit the commit is refused whole; with room again the same one passes."""
    server = new_redis()
    raw = Redis.from_url(server.url())
    store = RedisStore(RedisConfig(url=server.url()))
    await store.commit(*SHARD, "", first := everything())
    before = await store.image(*SHARD)
    raw.config_set("maxmemory", "1mb")
    with pytest.raises(Rejected, match=r"maxmemory.*Redis is full"):
        await store.commit(*SHARD, first.fence.commit_id, taken_back())
    assert await store.image(*SHARD) == before
    raw.config_set("maxmemory", "0")
    await store.commit(*SHARD, first.fence.commit_id, taken_back())
    await store.close()


async def test_a_missing_right_leaves_no_half_commit(new_redis: NewRedis) -> None:
    """A user who may not run one of the commands writes nothing at all."""
    server = new_redis(users={"floor": "on >secret ~floorcast:* +@all -zadd"})
    store = RedisStore(RedisConfig(url=server.url(), username="floor", password=Secret("secret")))
    with pytest.raises(Rejected, match=r"ZADD.*docs/redis\.md"):
        await store.commit(*SHARD, "", everything())
    assert await store.image(*SHARD) == Image()
    await store.close()


async def test_a_server_that_forgot_the_script_gets_it_again(store: RedisStore, raw: Redis) -> None:
    """SCRIPT FLUSH, a restart or a new primary cost one more call and nothing else."""
    first, second = everything(), taken_back()
    await store.commit(*SHARD, "", first)
    raw.script_flush()
    await store.commit(*SHARD, first.fence.commit_id, second)
    assert (await store.restore(*SHARD)).fence == second.fence


async def test_a_huge_commit(store: RedisStore) -> None:
    """Tens of thousands of changes, in one key and over many keys, are one commit."""
    panes = [(0, 10_000 * n) for n in range(2_000)]
    changes = Changes(
        states={f"desk:{n}": b"s%d" % n for n in range(12_000)},
        cells=[(pane, group, b"c") for pane in panes for group in (WHOLE, BILLING)],
        panes_added=panes,
        since_added=[Since(WAITING, f"desk:{n}", (None,), n) for n in range(5_000)],
        timers={f"desk:{n}": n for n in range(5_000)},
        drops_added=[(n % 30, f"desk:{n}") for n in range(12_000)],
        fence=fence(),
    )
    expected = Image()
    for step in (changes, _undone(changes)):
        await store.commit(*SHARD, expected.fence.commit_id, step)
        expected.apply(step)
        assert await store.image(*SHARD) == expected


async def test_any_bytes_name_a_group(store: RedisStore, redis_config: RedisConfig) -> None:
    """Groups are any bytes: line ends, colons, braces, zeros and invalid UTF-8 come back as they were."""
    names = [b"", b"\r\n", b":", b"a:b:c", b"{x}", b"\x00", b"\xff\xfe", b"*?[", b"x" * 10_000]
    changes = Changes(
        cells=[(FINE, name, b"c" + name) for name in names],
        panes_added=[FINE],
        levels={name: b"l" + name for name in names},
        fence=fence(),
    )
    expected = Image()
    expected.apply(changes)
    await store.commit(*SHARD, "", changes)
    assert await store.image(*SHARD) == expected
    assert await store.read_cells("tickets", {3: [FINE]}, names) == {3: expected.cells}


async def test_namespaces_do_not_meet(store: RedisStore, redis_config: RedisConfig, unique_name: str) -> None:
    """The same shard in another namespace of the same Redis is another shard."""
    other = RedisStore(RedisConfig(url=redis_config.url, namespace=f"{unique_name}-other"))
    await store.commit(*SHARD, "", everything())
    assert await other.image(*SHARD) == Image()
    await other.close()


_SUBJECTS = st.sampled_from(["a:1", "a:2", "b:1"])
_GROUPS = st.sampled_from([WHOLE, BILLING])
_BYTES = st.binary(min_size=1, max_size=5)
_PANES = st.sampled_from([FINE, DAY])


@st.composite
def _commits(draw: st.DrawFn) -> Changes:
    """Commits as an owner may make them: panes are added before they hold cells, and removed whole."""
    cells = draw(st.dictionaries(st.tuples(_PANES, _GROUPS), st.none() | _BYTES))
    removed = draw(st.sets(_PANES)) - {pane for pane, _ in cells}
    return Changes(
        states=draw(st.dictionaries(_SUBJECTS, st.none() | _BYTES)),
        cells=[(pane, group, cell) for (pane, group), cell in cells.items()],
        panes_added=list({pane for pane, _ in cells}),
        panes_removed=list(removed),
        levels=draw(st.dictionaries(_GROUPS, st.none() | _BYTES)),
        timers=draw(st.dictionaries(_SUBJECTS, st.none() | st.integers(0, 2**53))),
        drops_added=draw(st.lists(st.tuples(st.integers(0, 2), _SUBJECTS), max_size=3)),
        drops_removed=draw(st.lists(st.tuples(st.integers(0, 2), _SUBJECTS), max_size=3)),
        drop_days_done=draw(st.lists(st.integers(0, 2), max_size=2, unique=True)),
        outbox_added=draw(st.dictionaries(st.integers(0, 9), _BYTES)),
        notices_added=draw(st.dictionaries(st.integers(0, 9), _BYTES)),
        outbox_removed=draw(st.lists(st.integers(0, 9), max_size=3)),
        notices_removed=draw(st.lists(st.integers(0, 9), max_size=3)),
        journal={"records": draw(st.integers(0, 9))},
        fence=fence(draw(st.integers(0, 2**60))),
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commits=st.lists(_commits(), min_size=1, max_size=5))
async def test_the_store_is_the_image(store: RedisStore, commits: list[Changes]) -> None:
    """Any sequence of commits leaves in Redis what it leaves in an image in memory."""
    await store.delete_shard(*SHARD)
    expected = Image()
    for changes in commits:
        await store.commit(*SHARD, expected.fence.commit_id, changes)
        expected.apply(changes)
    expected.drops = {day: subjects for day, subjects in expected.drops.items() if subjects}
    assert await store.image(*SHARD) == expected


def _undone(changes: Changes) -> Changes:
    """Everything that the commit wrote, deleted."""
    return Changes(
        states=dict.fromkeys(changes.states),
        panes_removed=changes.panes_added,
        since_removed=changes.since_added,
        timers=dict.fromkeys(changes.timers),
        drop_days_done=sorted({day for day, _ in changes.drops_added}),
        fence=fence(),
    )
