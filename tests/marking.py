"""Images of tickets in memory that tell, as a store does, which commit wrote what last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from stream.metrics.panes import Pane
from stream.query.memory import ImageReader
from stream.shard.changes import Changes, Written
from stream.shard.image import Image


class Marking(ImageReader):
    """Images whose commits mark the long panes that they write, as those in a store do."""

    def __init__(self, images: dict[tuple[str, int], Image]) -> None:
        super().__init__(images)
        self._marks: defaultdict[int, dict[Pane, bytes]] = defaultdict(dict)
        self._commits = 0

    def commit(self, partition: int, changes: Changes) -> None:
        """To be called with what each batch has changed."""
        self._commits += 1
        self._images["tickets", partition].fence.commit_id = str(self._commits)
        marks = self._marks[partition]
        written, gone = changes.long_panes()
        marks |= dict.fromkeys(written, b"%d" % self._commits)
        for pane in gone:
            marks.pop(pane, None)

    async def written(
        self, family: str, partitions: Sequence[int], known: Mapping[int, Written]
    ) -> dict[int, Written]:
        return {partition: Written(b"", dict(self._marks[partition])) for partition in partitions}
