"""The image that the store must hold: from the log's start to the fence's offset, at the fence's clocks."""

from __future__ import annotations

from collections.abc import Sequence

from stream.config import Config
from stream.events.instants import FOREVER
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
