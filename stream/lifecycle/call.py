"""One call: what its events mean (what it contributes is in call_counts.py).

An event that changes a fact takes what was counted of it back and counts it anew from the facts; so does a
`call.record` (lifecycle/record.py), which replaces facts.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET, UnsetType

from stream.events.calls import RANKS
from stream.events.instants import to_ms
from stream.lifecycle.call_counts import CallCounts
from stream.lifecycle.call_facts import ABANDON, NONE, OTHER, Call, Thresholds
from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import FOREVER, NEVER, Life
from stream.lifecycle.snapshot import Snapshot, Snapshots, merged
from stream.metrics.segments import Segments, with_value
from stream.sla.clocks import Clocks
from stream.sla.policy import NO_POLICIES, Policies

OFFERED: Final = RANKS["call.offered"]
QUEUED: Final = RANKS["call.queued"]
ANSWERED: Final = RANKS["call.answered"]
HELD: Final = RANKS["call.held"]
RESUMED: Final = RANKS["call.resumed"]
TRANSFERRED: Final = RANKS["call.transferred"]
ABANDONED: Final = RANKS["call.abandoned"]
CALLBACK: Final = RANKS["call.callback_requested"]
MISSED: Final = RANKS["call.missed"]
ENDED: Final = RANKS["call.ended"]
WRAPUP_ENDED: Final = RANKS["call.wrapup_ended"]
RECORD: Final = RANKS["call.record"]

FIELDS: Final = ("media", "talk_seconds", "hold_seconds", "wrapup_seconds", "customer")
"""What a call's history keeps of a snapshot besides the dimensions; `direction` is one of those (as of the
causing event)."""
TIMES: Final = ("offered_at", "queued_at", "answered_at", "abandoned_at", "ended_at", "wrapup_ended_at")
"""The times of a record, in the order of its `extra`."""

_CHANNELS: Final = {"voice": "phone", "chat": "chat", "video": "video"}
"""The channel of a call that does not say."""


class CallFold(CallCounts):
    """How the histories of calls are read."""

    def __init__(
        self,
        segments: Segments,
        keep_finished_ms: int,
        thresholds: Thresholds,
        lost_waiting_ms: int,
        lost_unfinished_ms: int,
        policies: Policies = NO_POLICIES,
    ) -> None:
        """`policies`: the targets of the clock `queue_wait`, by queue."""
        snapshots = Snapshots("call", FIELDS, segments.dimensions)
        super().__init__(
            segments, snapshots, keep_finished_ms, thresholds, lost_waiting_ms, lost_unfinished_ms, policies
        )
        self._channel = segments.dimensions.index("channel") if "channel" in segments.dimensions else -1

    def new(self) -> Call:
        call = Call(self.segments.nothing)
        call.segment = self.segments.of(self._with_channel(call, call.segment.values))
        return call

    def extra_of(self, rank: int, data: Any) -> Any:
        """The stage of an abandon, the times of a record (ms, `None`, or absent)."""
        if not data:
            return None
        if rank == ABANDONED:
            return data.abandon.stage or None if data.abandon else None
        if rank == RECORD and data.call:
            times = {place: getattr(data.call, name) for place, name in enumerate(TIMES)}
            return {place: time and to_ms(time) for place, time in times.items() if time is not UNSET}
        return None

    def needs_replay(self, life: Life, rank: int) -> bool:
        """Records, and what follows one."""
        assert isinstance(life, Call)
        return life.recorded or rank == RECORD

    def apply(
        self, out: Delta, life: Life, at: int, rank: int, snapshot: Snapshot | None, extra: Any
    ) -> None:
        """The next event of the call in order (a record is not for here: lifecycle/record.py)."""
        assert isinstance(life, Call)
        call = life
        if not call.exists:
            call.exists = True
            call.first_ms = at
        call.last_ms = at
        if snapshot is not None:
            self._take(out, call, snapshot)
        self.happen(out, call, at, rank, extra, at)
        self.foretell_loss(call)

    def happen(self, out: Delta, call: Call, at: int, rank: int, extra: Any, place: int) -> None:
        """What an event means in the segment as it stands. `place` is where it stands in the order: `at`,
        unless the clocks of a record disagree."""
        self.reach(out, call, place)
        clocks = call.clocks
        if clocks is not None:
            clocks.lost_ms = FOREVER  # that it is heard of shows that it was not lost before
            clocks.advance(out, self.policies, place, False)
            clocks.change(out, self.policies, place, None, call.segment, None, NEVER)
        if rank == OFFERED:
            self._offered(out, call, at)
        elif rank == QUEUED:
            self._queued(out, call, at, place)
        elif rank == ANSWERED:
            self._answered(out, call, at)
        elif rank == HELD:
            if call.held_since == NEVER and call.answered_ms != NEVER and call.ended_ms == NEVER:
                call.held_since = at
        elif rank == RESUMED:
            self.count_handling(out, call, -1)
            self._resumed(call, at)
            self.count_handling(out, call, 1)
        elif rank == TRANSFERRED:
            self._transferred(out, call)
        elif rank == ABANDONED:
            queued = call.queued_ms != NEVER
            self._left(out, call, at, ABANDON, extra or ("queue" if queued else "ivr"))
        elif CALLBACK <= rank <= MISSED:
            self._left(out, call, at, OTHER, "queue")
        elif rank == ENDED:
            self._ended(out, call, at)
        elif rank == WRAPUP_ENDED:
            self._wrapped_up(out, call, at)
        self.stand(out, call, place)
        if self.policies.clocks:
            self._wait_on(out, call, rank, place)

    def _wait_on(self, out: Delta, call: Call, rank: int, place: int) -> None:
        """The clock of the first wait: met by an answer, cancelled by whatever else ends the wait."""
        clocks = call.clocks
        if clocks is None:
            if call.waiting_ms == NEVER:
                return
            clocks = call.clocks = Clocks(call.segment)
            clocks.change(out, self.policies, place, None, call.segment, None, NEVER)
            clocks.queued(out, self.policies, place)
        if rank == ANSWERED:
            clocks.answered(out, self.policies, place)
        elif call.waiting_ms == NEVER:
            clocks.left(out, self.policies, place)
        clocks.settle(out, place, None)

    def _take(self, out: Delta, call: Call, snapshot: Snapshot) -> None:
        """Merges a snapshot. Given seconds and the customer are facts of the whole call: its handling is
        counted anew, its contact told anew."""
        _, talk, hold, wrapup, customer = snapshot[: len(FIELDS)]
        if customer is not UNSET and customer != call.customer:
            self.tell(out, call, -1)
            call.customer = customer or None
            self.tell(out, call, 1)
        ended = call.ended_ms != NEVER or call.wrapup_ended_ms != NEVER
        if not ended or not (
            _tells(talk, call.talk_s) or _tells(hold, call.hold_s) or _tells(wrapup, call.wrapup_s)
        ):
            self.take(call, snapshot)
            return
        self.count_handling(out, call, -1)
        self.take(call, snapshot)
        self.count_handling(out, call, 1)

    def take(self, call: Call, snapshot: Snapshot) -> None:
        """Merges a snapshot: absent is unchanged, null clears."""
        media, talk, hold, wrapup, customer = snapshot[: len(FIELDS)]
        if customer is not UNSET:
            call.customer = customer or None
        if media is not UNSET:
            call.media = media or "voice"
        if talk is not UNSET:
            call.talk_s = talk
        if hold is not UNSET:
            call.hold_s = hold
        if wrapup is not UNSET:
            call.wrapup_s = wrapup
        kept = call.segment.values
        if self._channel >= 0:
            channel = snapshot[len(FIELDS) + self._channel]
            if channel is not UNSET:
                call.channel_told = channel is not None
        values = self._with_channel(call, merged(kept, snapshot, len(FIELDS)))
        if values is not kept and values != kept:
            call.segment = self.segments.of(values)

    def _with_channel(self, call: Call, values: tuple[str | None, ...]) -> tuple[str | None, ...]:
        if self._channel < 0 or call.channel_told:
            return values
        channel = _CHANNELS[call.media]
        if values[self._channel] == channel:
            return values
        return with_value(values, self._channel, channel)

    def _offered(self, out: Delta, call: Call, at: int) -> None:
        if call.offered_ms != NEVER:
            return
        if call.queued_ms == NEVER and call.outcome == NONE:
            call.offered_ms, call.offered_in = at, call.segment
            self.count_arrival(out, call, 1)
            return
        # Where the queue came first, that is the arrival no more: also of an outcome that is known.
        self.count_arrival(out, call, -1)
        self.count_outcome(out, call, -1)
        call.offered_ms, call.offered_in = at, call.segment
        self.count_arrival(out, call, 1)
        self.count_outcome(out, call, 1)

    def _queued(self, out: Delta, call: Call, at: int, place: int) -> None:
        if call.queued_ms == NEVER:
            self.count_outcome(out, call, -1)
            call.queued_ms, call.queued_in = at, call.segment
            if call.offered_ms == NEVER:
                self.count_arrival(out, call, 1)
            self.count_outcome(out, call, 1)
        if call.waiting_ms == NEVER and not call.hung_up:
            call.waiting_ms = place  # after an outcome it waits again, from here on

    def _answered(self, out: Delta, call: Call, at: int) -> None:
        call.waiting_ms = NEVER
        call.hung_up = False
        if call.answered_ms != NEVER:
            return
        self.count_outcome(out, call, -1)
        call.answered_ms, call.answered_in, call.answered_from = at, call.segment, call.wait_from()
        call.ended_ms = call.wrapup_ended_ms = NEVER  # an end before the answer was not the end
        self.count_outcome(out, call, 1)

    def _resumed(self, call: Call, at: int) -> None:
        if call.held_since != NEVER:
            call.held_ms += max(0, at - call.held_since)
            call.held_since = NEVER

    def _transferred(self, out: Delta, call: Call) -> None:
        if not call.transferred:
            self.count_outcome(out, call, -1)
            call.transferred = True
            self.count_outcome(out, call, 1)

    def _left(self, out: Delta, call: Call, at: int, outcome: int, stage: str) -> None:
        call.waiting_ms = NEVER
        if call.left == NONE:
            call.left, call.left_ms, call.left_in, call.stage = outcome, at, call.segment, stage
            call.left_from = call.wait_from()
            if call.answered_ms == NEVER:
                self.count_outcome(out, call, 1)

    def _ended(self, out: Delta, call: Call, at: int) -> None:
        waited = call.waiting_ms != NEVER
        call.waiting_ms = NEVER
        call.hung_up = True
        if call.ended_ms != NEVER:
            return
        self._resumed(call, at)
        self.count_handling(out, call, -1)
        call.ended_ms, call.ended_in = at, call.segment
        if call.answered_ms == NEVER and waited:
            self._left(out, call, at, ABANDON, "queue")
        self.count_handling(out, call, 1)

    def _wrapped_up(self, out: Delta, call: Call, at: int) -> None:
        if call.wrapup_ended_ms != NEVER:
            return
        self.count_handling(out, call, -1)
        call.wrapup_ended_ms, call.wrapup_in = at, call.segment
        self.count_handling(out, call, 1)


def _tells(told: float | UnsetType | None, known: float | None) -> bool:
    """Whether a snapshot's value is another one than is known."""
    return told is not UNSET and told != known
