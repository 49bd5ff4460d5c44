"""What a rebuild takes over of a shard of the live generation, as one call of carry.lua.

Redis copies it by itself, so it is of one moment however much it is, and no worker has to stop for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stream.metrics.panes import Pane
from stream.metrics.sizes import LONG
from stream.store.commit import Value
from stream.store.layout import LAST, ShardKeys, pane_name
from stream.store.script import Script

SCRIPT: Final = Script("carry.lua")
MOVED: Final = b"moved"


def words(
    here: ShardKeys, there: ShardKeys, commit_ids: Sequence[str], carried_ms: int, panes: Sequence[Pane],
    levels: bool,
) -> list[Value]:  # fmt: skip
    """What follows the script in EVAL. `commit_ids`: of the fence here, the new one, of the fence there.
    `levels`: whether live levels are taken over, too."""
    pairs = [
        (there.states, here.states), (there.groups, here.groups), (there.timers, here.timers),
        (there.outbox, here.outbox), (there.notices, here.notices), (there.journal, here.journal),
    ]  # fmt: skip
    if levels:
        pairs.append((there.levels, here.levels))
    pairs += [(there.cells(pane), here.cells(pane)) for pane in panes]
    keys = [here.fence, here.index, here.written, here.states, there.fence]
    keys += [key for pair in pairs for key in pair]
    written = [LAST, *(pane_name(pane) for pane in panes if pane[0] >= LONG)]
    return [len(keys), *keys, *commit_ids, carried_ms, len(panes), *map(pane_name, panes), *written]
