"""A shard is counted anew from what its image holds, where its log is too short for that.

An entity's history is kept until no accepted event can belong to it any more, as rows, or sealed with a
ledger of all that came of it. So everything that was contributed since `told_since` can be counted from
histories alone. Who has been forgotten has contributed to panes of before that only: those are taken over as
they are. Nothing is counted twice, and nothing is left out: the image comes out as it was, but for what other
rules make of the histories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from stream.config import Config
from stream.lifecycle.delta import Delta
from stream.lifecycle.entity import contributions
from stream.lifecycle.fold import FOREVER, NEVER
from stream.metrics.panes import Grouped, Pane, group_into, sum_coarser
from stream.metrics.sizes import Sizes
from stream.shard.changes import Changes
from stream.shard.family import Family
from stream.shard.image import Image, run
from stream.shard.shard import Batch, Shard

AT_ONCE: Final = 500
"""Histories counted in one commit."""


def told_since(rules: Family, config: Config, log_clock: int) -> int:
    """From when on (ms) all that was contributed can be counted from the histories that a shard has at this
    log clock: the end of a day, as a pane is either taken over or counted. Any later instant would do.

    An entity is forgotten when it has been silent for `keep_finished` and the horizon. What it has
    contributed lies before its last event, but for an ending that never came (`lost`), and the times of a
    call's record, which may be ahead of it by the horizon. Where nothing can be taken back, what is sealed is
    in no ledger: there it is the horizon alone.
    """
    lost = config.lost
    ahead_ms = max(lost.waiting_ms, lost.unfinished_ms, lost.agents_ms)
    if rules.name == "calls":
        ahead_ms += rules.horizon_ms
    kept_ms = rules.horizon_ms + (rules.fold.keep_finished_ms if rules.fold.removals else 0)
    return Sizes(config.timezone).day(max(0, log_clock - kept_ms + ahead_ms))[1]


def taken_over(panes: Sequence[Pane], config: Config, since_ms: int) -> list[Pane]:
    """Those of before `told_since`."""
    return [pane for pane in panes if pane[1] < since_ms]


class CarriedShard(Shard):
    """A shard of which the store has the histories, and the panes of before `fence.carried_ms`: counts the
    histories into the others, into levels, timers and the rest, as of the fence's clocks."""

    _counted: Grouped

    def count(self, histories: Sequence[tuple[str, bytes]]) -> Batch:
        """Counts some of the `fence.uncounted` histories: (subject, packed entity). What they tell others has
        been told."""
        fence = replace(self.fence, uncounted=self.fence.uncounted - len(histories))
        changes = Changes(fence=fence)
        out = Delta()
        for subject, packed in histories:
            self._count_history(subject, packed, out)
        grouped: Grouped = {}
        group_into(grouped, out)
        sum_coarser(grouped, self._fold.segments)
        self._cap.bound(grouped)
        self._counted = grouped
        since_ms = fence.carried_ms
        yield from self._settle(
            changes, {start: groups for start, groups in grouped.items() if start >= since_ms}
        )
        return changes

    def _count_history(self, subject: str, packed: bytes, out: Delta) -> None:
        fold = self._fold
        entity = self.entities.put(subject, packed)
        touched = self._touch(subject)
        # As the store has it: nothing but its timer.
        touched.timer = self._armed.get(subject, NEVER)
        touched.day, touched.stood = NEVER, ()
        out.merge(contributions(fold, entity), 1)
        if fold.timed and entity.state.exists:
            # A timer that had to wait is still to be fired.
            waits_ms = self._armed.get(subject, FOREVER)
            fold.overlay(out, entity.state, min(self.fence.clock, waits_ms - 1))

    def _note_levels(self, changes: Changes, grouped: Grouped) -> None:
        """What came of panes that are taken over counts in them, too. Without a ledger not all of that is
        known: then levels are taken over."""
        if self._fold.removals:
            super()._note_levels(changes, self._counted)


def counted_anew(rules: Family, topic: str, partition: int, config: Config, stored: Image) -> Image:
    """The image that the histories of a stored one lead to; panes of before `told_since` are those stored."""
    since_ms = told_since(rules, config, stored.fence.log_clock)
    kept = taken_over(list(stored.cells), config, since_ms)
    image = Image(
        fence=replace(stored.fence, carried_ms=since_ms, uncounted=len(stored.states)),
        states=dict(stored.states), cells={pane: dict(stored.cells[pane]) for pane in kept},
        levels={} if rules.fold.removals else dict(stored.levels),
        timers=dict(stored.timers), outbox=dict(stored.outbox), notices=dict(stored.notices),
        journal=dict(stored.journal),
    )  # fmt: skip
    shard = CarriedShard(rules, topic, partition, config)
    shard.restore(image.restored())
    histories = sorted(stored.states.items())
    for begin in range(0, len(histories), AT_ONCE):
        run(shard, image, shard.count(histories[begin : begin + AT_ONCE]))
    return image
