"""What a rebuild carries over of a live generation, on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from msgspec import msgpack

from stream.config import Config, parse
from stream.lifecycle.entity import FORMAT
from stream.shard.changes import Changes
from stream.shard.image import Image, run_batch
from stream.store import Fenced, RedisStore, StoredTopic, Unavailable, new_commit_id
from stream.verify.compare import compare
from stream.worker import carry
from stream.worker.carry import carry_over
from stream.worker.claim import WrongImage, check_fence, log_id
from stream.worker.log import LogIdentity
from tests.core import new_shard
from tests.strategies import BASE_MS, DAY_MS, HOUR_MS, Sent
from tests.test_core_contacts import event

CONFIG = parse({"keep_finished": {"tickets": "1d", "calls": "3d"}, "horizon": "2d"})
SHARDS = [("tickets", 0), ("calls", 0)]
LOG = LogIdentity("cluster", "topic", 1)
DAYS = 9


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit for each history; who is dead is found out soon."""
    monkeypatch.setattr(carry, "AT_ONCE", 1)
    monkeypatch.setattr(carry, "LOOK_S", 0.5)


def events(name: str) -> Iterator[Sent]:
    """One a day of each kind: finished and forgotten, open since long ago, refused."""
    for day in range(DAYS):
        at_ms = BASE_MS + day * DAY_MS + HOUR_MS
        if name == "tickets":
            yield event("ticket.created", f"T{day}", at_ms, {"ticket": {"team": "red", "customer": "C"}})
            if day % 2:
                yield event("ticket.resolved", f"T{day}", at_ms + HOUR_MS, {})
        else:
            yield event("call.queued", f"C{day}", at_ms, {"call": {"queue": "sales", "customer": "C"}})
    yield replace(event("call.queued", "X", BASE_MS, {}), sent_ms=BASE_MS + DAYS * DAY_MS)  # late, or unknown


async def counted(store: RedisStore, name: str, config: Config = CONFIG) -> Image:
    """A live shard: its records, each in a commit, then the time of its end."""
    shard, image = new_shard(name, config), Image()
    shard.fence.log_id = log_id(LOG)
    await store.write_topic(name, StoredTopic(f"support.{name}", 1))
    for offset, one in enumerate([*events(name), None]):
        expected = shard.fence.commit_id
        records = [] if one is None else [one.record(offset)]
        changes = run_batch(shard, image, records, BASE_MS + DAYS * DAY_MS if one is None else None)
        changes.fence.commit_id = new_commit_id()
        await store.commit(name, 0, expected, changes)
        shard.committed(changes.fence)
        image.fence = replace(changes.fence)
    return image


async def check(store: RedisStore) -> None:
    """The second generation holds all that the first does, and says what it has not counted itself."""
    for shard in SHARDS:
        live, carried = await store.at(1).image(*shard), await store.at(2).image(*shard)
        assert carried.fence.carried_offset == live.fence.offset > 0
        assert BASE_MS < carried.fence.carried_ms < live.fence.log_clock
        as_live = {name: getattr(live.fence, name) for name in ("commit_id", "carried_ms", "carried_offset")}
        assert replace(carried.fence, **as_live) == live.fence
        assert live.states
        assert live.outbox
        found = compare(shard[0], live, carried)
        assert found.same(), found.differences
        assert all(found.equal[kind] for kind in ("cells", "states", "drops", "outbox"))
        assert (carried.notices, carried.journal) == (live.notices, live.journal)
        (written,) = (await store.at(2).written(shard[0], [0], {})).values()
        assert written.panes.keys() == {pane for pane in live.cells if pane[0] >= 2}


async def test_one_that_is_killed_goes_on_and_two_share(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it ends; what is counted already is not counted again."""
    for name, _ in SHARDS:
        await counted(store, name)
    live, view = await store.live(), store.at(2)
    commits = killed_after = 0
    real = RedisStore.commit

    async def commit(self: RedisStore, *given: Any) -> None:
        nonlocal commits
        commits += 1
        if commits == killed_after:
            raise Unavailable("killed")
        await real(self, *given)

    monkeypatch.setattr(RedisStore, "commit", commit)
    for step in (1, 2, 4):
        commits, killed_after = 0, step
        with pytest.raises(Unavailable):
            await carry_over(CONFIG, live, view, SHARDS)
        with pytest.raises(WrongImage, match="not counted yet: `floorcast rebuild`"):
            check_fence(await view.fence(*SHARDS[0]), "tickets", LOG, "")
    killed_after = -1
    await asyncio.gather(*(carry_over(CONFIG, live, view, SHARDS) for _ in range(2)))
    await check(store)
    before = [await view.fence(*shard) for shard in SHARDS]
    await carry_over(CONFIG, live, view, SHARDS)
    assert [await view.fence(*shard) for shard in SHARDS] == before


async def test_what_is_taken_over_is_of_one_moment(store: RedisStore) -> None:
    """Not between two commits of the live shard, and never into a shard that is begun."""
    image = await counted(store, "tickets")
    live, view = await store.live(), store.at(2)
    old = replace(image.fence, commit_id="older")
    assert not await view.take_over("tickets", 0, live, old, [], BASE_MS, levels=False)
    assert (await view.fence("tickets", 0)).commit_id == ""
    assert await view.take_over("tickets", 0, live, image.fence, [], BASE_MS, levels=False)
    with pytest.raises(Fenced):
        await view.take_over("tickets", 0, live, image.fence, [], BASE_MS, levels=False)


async def test_histories_that_this_version_does_not_read_are_refused(store: RedisStore) -> None:
    """Of another format, as an older version or a newer one has kept them."""
    image = await counted(store, "tickets")
    packed = msgpack.encode([FORMAT - 1, "desk", None, [], []])
    changes = Changes(states={"T1": packed}, fence=replace(image.fence, commit_id=new_commit_id()))
    await store.commit("tickets", 0, image.fence.commit_id, changes)
    with pytest.raises(WrongImage, match="does not read the histories"):
        await carry_over(CONFIG, await store.live(), store.at(2), SHARDS[:1])
    assert (await store.at(2).fence("tickets", 0)).uncounted
    await store.drop(2)
    assert (await store.at(2).fence("tickets", 0)).commit_id == ""


async def test_a_generation_that_was_begun_from_the_log_alone_is_not_carried_into(store: RedisStore) -> None:
    """Half of the shards would lack what the other half has."""
    for generation in (1, 2):
        await counted(store.at(generation), "tickets")
    with pytest.raises(WrongImage, match=r"begun from the log alone: finish it with .*--from-log"):
        await carry_over(CONFIG, await store.live(), store.at(2), SHARDS[:1])
