"""What readers get: exactly what the owners wrote, over as many shards and panes as they ask for."""

from collections.abc import Sequence

import pytest

from stream.config import RedisConfig
from stream.metrics.panes import Group, Pane
from stream.shard.changes import Changes, Fence
from stream.shard.image import Image
from stream.store import ImageMoved, RedisStore, StoredTopic
from stream.store.client import Client
from stream.store.connections import Command
from stream.store.store import Waiting
from tests.rig.commits import BILLING, DAY, FINE, T0_MS, WAITING, WHOLE, everything, fence


async def test_fences_of_all_partitions(store: RedisStore) -> None:
    """Every partition of the noted topic has a fence, also one that nobody has written yet."""
    assert await store.fences("tickets") == {}
    await store.write_topic("tickets", StoredTopic("support.tickets", 3))
    await store.commit("tickets", 1, "", changes := everything())
    expected = {0: Fence(), 1: changes.fence, 2: Fence()}
    assert await store.fences("tickets") == expected
    assert await store.fences("tickets") == expected
    assert await store.fences("calls") == {}


async def test_fences_follow_the_note(store: RedisStore) -> None:
    """A reader that runs on sees it when the topic is noted anew with other partitions."""
    for partitions in (1, 2, 5, 1):
        await store.write_topic("tickets", StoredTopic("support.tickets", partitions))
        assert list(await store.fences("tickets")) == list(range(partitions))


async def test_what_waits_in_a_shard(store: RedisStore) -> None:
    """Dead letters and notices that are not told, and timers that are due by then; of each shard its own."""
    changes = everything()
    changes.notices_added[2] = b"one more"
    await store.commit("tickets", 1, "", changes)
    found = await store.waiting([("tickets", 0), ("tickets", 1)], T0_MS + 60_000)
    assert found == {("tickets", 0): Waiting(0, 0), ("tickets", 1): Waiting(2 + 3, 1)}


async def test_topics(store: RedisStore) -> None:
    """Topic and number of partitions of each family, as noted last."""
    assert await store.topics() == {}
    calls = StoredTopic("eu.support_calls-2", 12)
    await store.write_topic("tickets", StoredTopic("support.tickets", 3))
    await store.write_topic("calls", calls)
    await store.write_topic("tickets", StoredTopic("support.tickets", 4))
    assert await store.topics() == {"tickets": StoredTopic("support.tickets", 4), "calls": calls}


async def test_cells(store: RedisStore) -> None:
    """Some groups of panes, or all of them; panes and groups that are not there are left out."""
    await store.commit("tickets", 3, "", everything())
    absent = (1, T0_MS)
    everywhere = {FINE: {WHOLE: b"fine", BILLING: b"fine billing"}, DAY: {WHOLE: b"day"}}
    assert await store.read_cells("tickets", {3: [FINE, DAY, absent], 0: [FINE]}, None) == {
        3: everywhere,
        0: {},
    }
    billing = {3: {FINE: {BILLING: b"fine billing"}}}
    assert await store.read_cells("tickets", {3: [FINE, DAY]}, [BILLING, b"absent"]) == billing
    assert await store.read_cells("tickets", {}, None) == {}
    assert await store.read_cells("calls", {3: [FINE]}, None) == {3: {}}


async def test_cells_of_thousands_of_panes_and_groups(store: RedisStore) -> None:
    """More panes than go in one round trip and more groups than in one command are read alike."""
    panes = [(0, 10_000 * n) for n in range(2_500)]
    groups = [b"%d" % n for n in range(2_500)]
    cells: list[tuple[Pane, Group, bytes | None]] = []
    cells += [(pane, WHOLE, b"%d" % pane[1]) for pane in panes] + [(DAY, group, group) for group in groups]
    await store.commit("tickets", 0, "", Changes(cells=cells, panes_added=[*panes, DAY], fence=fence()))
    found = await store.read_cells("tickets", {0: panes}, [WHOLE])
    assert found == {0: {pane: {WHOLE: b"%d" % pane[1]} for pane in panes}}
    assert await store.read_cells("tickets", {0: [DAY]}, groups) == {0: {DAY: {g: g for g in groups}}}


async def test_levels(store: RedisStore) -> None:
    """Live values by partition: of some groups, or of all."""
    await store.commit("calls", 1, "", everything())
    both = {WHOLE: b"level", BILLING: b"level billing"}
    assert await store.read_levels("calls", [0, 1], None) == {0: {}, 1: both}
    assert await store.read_levels("calls", [1], [BILLING, b"absent"]) == {1: {BILLING: b"level billing"}}


async def test_who_stands_in_a_level(store: RedisStore) -> None:
    """All, or the oldest of each partition; when the oldest leaves, the next one is it."""
    await store.commit("calls", 1, "", first := everything())
    asked = ("calls", [0, 1], WAITING)
    assert await store.read_members(*asked, False) == first.since_added
    assert await store.read_members(*asked, True) == first.since_added[:1]
    gone = Changes(since_removed=first.since_added[:1], fence=fence())
    await store.commit("calls", 1, first.fence.commit_id, gone)
    assert await store.read_members(*asked, True) == first.since_added[1:]
    assert await store.read_members("calls", [1], WAITING + 1, True) == []


async def test_an_image_is_of_one_commit(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit while the image is read makes it fail rather than mix two states."""
    await store.commit("tickets", 3, "", first := everything())
    read = Client.ask
    commits = iter([everything(offset=8)])

    async def ask(self: Client, commands: Sequence[Command]) -> list[object]:
        if any(command[0] == "ZSCAN" for command in commands) and (changes := next(commits, None)):
            await store.commit("tickets", 3, first.fence.commit_id, changes)
        return await read(self, commands)

    monkeypatch.setattr(Client, "ask", ask)
    with pytest.raises(ImageMoved, match="tickets:3"):
        await store.image("tickets", 3)
    assert (await store.image("tickets", 3)).fence.offset == 8


async def test_deleting_a_namespace_leaves_nothing(store: RedisStore, redis_config: RedisConfig) -> None:
    """All shards of all noted topics go, those of another namespace stay."""
    other = RedisStore(RedisConfig(url=redis_config.url, namespace=f"{redis_config.namespace}2"))
    for each in (store, other):
        for family in ("tickets", "calls"):
            await each.write_topic(family, StoredTopic(f"support.{family}", 2))
            await each.commit(family, 1, "", everything())
    await store.delete_namespace()
    assert await store.topics() == {}
    assert await store.image("calls", 1) == Image()
    assert (await other.image("calls", 1)).fence.offset == 7
    await other.delete_namespace()
    await other.close()
