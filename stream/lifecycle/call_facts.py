"""What is known of one call, and the thresholds by which its waits are judged."""

from __future__ import annotations

from typing import Final

from stream.lifecycle.fold import NEVER, Life, Standing
from stream.metrics import measures as m
from stream.metrics.segments import Segment, Segments

# Outcomes: the first counts, but an answer wins.
NONE: Final = 0
ANSWER: Final = 1
ABANDON: Final = 2
OTHER: Final = 3


class Thresholds:
    """Answer-within and short-abandon thresholds in ms, by segment (queues of the configuration; the first
    match wins)."""

    def __init__(
        self, rules: list[tuple[dict[str, frozenset[str]], int, int]], dimensions: tuple[str, ...]
    ) -> None:
        self._rules = [
            ([(dimensions.index(field), wanted) for field, wanted in when.items()], within, short)
            for when, within, short in rules
        ]
        self._known: dict[Segment, tuple[int, int]] = {}

    def of(self, segment: Segment) -> tuple[int, int]:
        """(answer within, short abandon)."""
        found = self._known.get(segment)
        if found is None:
            found = self._known[segment] = self._match(segment.values)
            if len(self._known) > Segments.BOUND:
                self._known.clear()
        return found

    def _match(self, values: tuple[str | None, ...]) -> tuple[int, int]:
        for when, within, short in self._rules:
            if all(values[place] in wanted for place, wanted in when):
                return within, short
        return 20_000, 5_000


class Call(Life):
    """The facts of one call."""

    __slots__ = (
        "answered_from", "answered_in", "answered_ms", "channel_told", "customer", "ended_in", "ended_ms",
        "first_ms", "held_ms", "held_since", "hold_s", "hung_up", "left", "left_from", "left_in",
        "left_ms", "long_from", "long_in", "lost", "media", "offered_in", "offered_ms", "queued_in",
        "queued_ms", "recorded", "stage", "talk_s", "transferred", "waiting_in", "waiting_ms",
        "wrapup_ended_ms", "wrapup_in", "wrapup_s",
    )  # fmt: skip

    def __init__(self, nothing: Segment) -> None:
        super().__init__(nothing)
        self.first_ms = NEVER
        self.media = "voice"
        self.channel_told = False  # otherwise it follows from the media
        self.customer: str | None = None
        self.talk_s: float | None = None
        self.hold_s: float | None = None
        self.wrapup_s: float | None = None
        self.offered_ms = NEVER
        self.offered_in = nothing
        self.queued_ms = NEVER  # the first entry into a queue
        self.queued_in = nothing
        self.answered_ms = NEVER  # the first answer
        self.answered_in = nothing
        self.answered_from = NEVER  # where the wait for it began: queued, else offered, as known then
        self.left = NONE  # the first way out without an answer: ABANDON or OTHER
        self.left_ms = NEVER
        self.left_in = nothing
        self.left_from = NEVER
        self.stage = "queue"  # where it was abandoned
        self.held_since = NEVER
        self.held_ms = 0
        self.hung_up = False  # ended, and not answered since: it waits no more
        self.ended_ms = NEVER
        self.ended_in = nothing
        self.wrapup_ended_ms = NEVER
        self.wrapup_in = nothing
        self.waiting_ms = NEVER  # since when it waits now
        self.waiting_in: Segment | None = None  # where it stands in the level
        self.long_from = NEVER  # when that wait is, or was, longer than the threshold of its queue
        self.long_in: Segment | None = None  # where it stands in the level of those
        self.lost = False  # that its ending is lost is counted
        self.transferred = False
        self.recorded = False  # a record has replaced facts

    @property
    def outcome(self) -> int:
        """Of several outcomes an answer wins, else the first."""
        return ANSWER if self.answered_ms != NEVER else self.left

    def wait_from(self) -> int:
        """Where the wait of an outcome that comes now began: queued, else offered, else `NEVER`."""
        return self.queued_ms if self.queued_ms != NEVER else self.offered_ms

    def arrival(self) -> tuple[int, Segment]:
        """When and in which segment the call arrived: offered, else first queued; `NEVER` when neither is
        known."""
        if self.offered_ms != NEVER:
            return self.offered_ms, self.offered_in
        return self.queued_ms, self.queued_in

    def over(self) -> bool:
        """Whether its ending is known."""
        if self.answered_ms != NEVER:
            return self.ended_ms != NEVER
        return self.left != NONE or self.ended_ms != NEVER

    def finished(self) -> bool:
        """Always: without an ending it is lost by the time that it has been silent for long."""
        return True

    def standings(self) -> tuple[Standing, ...]:
        """Where it stands in `calls_waiting`, and when its clock is due."""
        if self.waiting_in is None or self.lost:
            return ()
        waiting: Standing = (m.CALLS_WAITING, self.waiting_in, self.waiting_ms)
        clocks = self.clocks_now()
        return (waiting,) if clocks is None else (waiting, *clocks.standings())
