"""A whole shard as plain values, for verification."""

from __future__ import annotations

from stream.shard.changes import Fence, Since
from stream.shard.image import Image
from stream.store.client import Client
from stream.store.drops import read_drops
from stream.store.errors import ImageMoved
from stream.store.layout import Index, ShardKeys, read_fence, read_index, read_member
from stream.store.reads import name_cells, scan


async def read_image(client: Client, keys: ShardKeys) -> Image:
    """Everything of a shard, read in steps of a bounded size; empty panes and drop days are left out.

    Raises ImageMoved when a commit came meanwhile.
    """
    before = await _fence(client, keys)
    index = read_index(await read_names(client, keys))
    states, groups, levels, outbox, notices, journal = await scan(
        client,
        "HSCAN",
        [keys.states, keys.groups, keys.levels, keys.outbox, keys.notices, keys.journal],
    )
    names = {number: group for group, number in groups}
    (timers,) = await scan(client, "ZSCAN", [keys.timers])
    panes = await scan(client, "HSCAN", [keys.cells(pane) for pane in index.panes])
    drops = await client.ask([("GET", keys.drop(day)) for day in index.drop_days])
    image = Image(
        fence=before,
        states={subject.decode(): packed for subject, packed in states},
        cells={
            pane: name_cells(names, cells) for pane, cells in zip(index.panes, panes, strict=True) if cells
        },
        groups=set(names.values()),
        levels=dict(levels),
        since=await _since(client, keys, index),
        timers={subject.decode(): int(due_ms) for subject, due_ms in timers},
        drops={
            day: set(subjects)
            for day, log in zip(index.drop_days, drops, strict=True)
            if (subjects := read_drops(log))
        },
        outbox={int(offset): packed for offset, packed in outbox},
        notices={int(number): packed for number, packed in notices},
        journal={name.decode(): int(count) for name, count in journal},
    )
    after = await _fence(client, keys)
    if after.commit_id != before.commit_id:
        raise ImageMoved(
            f"{keys.shard}: a commit came while its image was read: stop its worker, or read again"
        )
    return image


async def read_names(client: Client, keys: ShardKeys) -> list[bytes]:
    """The names in a shard's index."""
    (names,) = await scan(client, "SSCAN", [keys.index])
    return names


async def _fence(client: Client, keys: ShardKeys) -> Fence:
    (stored,) = await client.ask([("HGETALL", keys.fence)])
    return read_fence(stored)


async def _since(client: Client, keys: ShardKeys, index: Index) -> set[Since]:
    members = await scan(client, "ZSCAN", [keys.since(level) for level in index.since])
    return {
        read_member(level, member, int(since_ms))
        for level, standing in zip(index.since, members, strict=True)
        for member, since_ms in standing
    }
