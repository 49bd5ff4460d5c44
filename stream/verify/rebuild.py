"""The image that the store must hold: from the log's start to the fence's offset, at the fence's clocks. Or,
where that start is gone, from the histories that the store holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stream.config import Config
from stream.events.instants import FOREVER
from stream.shard.carry import counted_anew
from stream.shard.changes import Fence, LogRecord
from stream.shard.family import family
from stream.shard.image import Image, run_batch
from stream.shard.shard import Shard


class Rebuild:
    """Folds the records of one shard, in any portions, then gives the image at a fence."""

    def __init__(self, name: str, topic: str, partition: int, config: Config, fence: Fence) -> None:
        self.image = Image()
        self._fence = fence
        # Never stops for the share of dead letters: what the worker committed, it had judged already.
        self._shard = Shard(family(name, config), topic, partition, config, judge_share=False)
        # Panes that are past their retention at the fence need not be made on the way there.
        self._shard.restore(self.image.restored(), fence.retention_clock)

    def read(self, records: Sequence[LogRecord]) -> None:
        """Folds the next records; what lies at or behind the fence's offset is left out."""
        within = [record for record in records if record.offset < self._fence.offset]
        if within:
            self._run(within, None)

    def finish(self) -> Image:
        """The image, its timers fired and its panes closed up to the fence's clock."""
        self._run([], self._fence.clock)
        while self._shard.pending(self._shard.fence.clock):
            self._run([], None)
        return self.image

    def _run(self, records: Sequence[LogRecord], now_ms: int | None) -> None:
        # Notices are told once, when they are found: here nobody waits for them.
        run_batch(self._shard, self.image, records, now_ms, self._fence.delivered, told=FOREVER)


def from_histories(
    name: str, topic: str, partition: int, config: Config, stored: Image
) -> tuple[Image, Image, int]:
    """What of a stored image its own histories tell, what they come to, and since when (ms) they tell. Left
    out are histories themselves, and the outbox."""
    computed = counted_anew(family(name, config), topic, partition, config, stored)
    since_ms = computed.fence.carried_ms
    told, come_to = (
        replace(
            image, states={}, outbox={},
            cells={pane: cells for pane, cells in image.cells.items() if pane[1] >= since_ms},
        )
        for image in (stored, computed)
    )  # fmt: skip
    return told, come_to, since_ms
