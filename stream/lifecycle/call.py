"""One call: what its events mean, and what it contributes (catalog.md, Calls).

A call counts in three groups: its *arrival*, its *outcome* (with what the arrival's pane learns of it) and
its *handling*.
An event that changes a fact takes the group back and counts it anew from the facts; so does a `call.record`
(lifecycle/record.py), which replaces facts. Waiting is a level.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET, UnsetType

from stream.events.calls import RANKS
from stream.events.instants import to_ms
from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import NEVER, Fold, Life, Standing
from stream.lifecycle.snapshot import Snapshot, Snapshots, merged
from stream.metrics import measures as m
from stream.metrics.segments import Segment, Segments

OFFERED: Final = RANKS["call.offered"]
QUEUED: Final = RANKS["call.queued"]
ANSWERED: Final = RANKS["call.answered"]
HELD: Final = RANKS["call.held"]
RESUMED: Final = RANKS["call.resumed"]
ABANDONED: Final = RANKS["call.abandoned"]
CALLBACK: Final = RANKS["call.callback_requested"]
MISSED: Final = RANKS["call.missed"]
ENDED: Final = RANKS["call.ended"]
WRAPUP_ENDED: Final = RANKS["call.wrapup_ended"]
RECORD: Final = RANKS["call.record"]

FIELDS: Final = ("media", "talk_seconds", "hold_seconds", "wrapup_seconds")
"""What a call's history keeps of a snapshot besides the dimensions; `direction` is one of those (as of the
causing event)."""
TIMES: Final = ("offered_at", "queued_at", "answered_at", "abandoned_at", "ended_at", "wrapup_ended_at")
"""The times of a record, in the order of its `extra`."""

# Outcomes: the first counts, but an answer wins.
NONE: Final = 0
ANSWER: Final = 1
ABANDON: Final = 2
OTHER: Final = 3

_STAGES: Final = {
    "ivr": m.CALLS_ABANDONED_IVR,
    "queue": m.CALLS_ABANDONED_QUEUE,
    "ring": m.CALLS_ABANDONED_RING,
}
_CHANNELS: Final = {"voice": "phone", "chat": "chat", "video": "video"}
"""The channel of a call that does not say."""
_OFFERED: Final = {
    None: m.CALLS_OFFERED,
    "inbound": m.CALLS_OFFERED,
    "outbound": m.CALLS_OFFERED_OUTBOUND,
    "internal": m.CALLS_OFFERED_INTERNAL,
    "callback": m.CALLS_OFFERED_CALLBACK,
}


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
        "answered_from", "answered_in", "answered_ms", "channel_told", "ended_in", "ended_ms",
        "first_ms", "held_ms", "held_since", "hold_s", "left", "left_from", "left_in", "left_ms", "media",
        "offered_in", "offered_ms", "queued_in", "queued_ms", "recorded", "stage", "talk_s", "waiting_in",
        "waiting_ms", "wrapup_ended_ms", "wrapup_in", "wrapup_s",
    )  # fmt: skip

    def __init__(self, nothing: Segment) -> None:
        super().__init__(nothing)
        self.first_ms = NEVER
        self.media = "voice"
        self.channel_told = False  # otherwise it follows from the media
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
        self.ended_ms = NEVER
        self.ended_in = nothing
        self.wrapup_ended_ms = NEVER
        self.wrapup_in = nothing
        self.waiting_ms = NEVER  # since when it waits now
        self.waiting_in: Segment | None = None  # where it stands in the level
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
        """Where it stands in `calls_waiting`."""
        if self.waiting_in is None or self.ahead:
            return ()
        return ((m.CALLS_WAITING, self.waiting_in, self.waiting_ms),)


class CallFold(Fold):
    """How the histories of calls are read."""

    def __init__(
        self,
        segments: Segments,
        keep_finished_ms: int,
        thresholds: Thresholds,
        lost_waiting_ms: int,
        lost_unfinished_ms: int,
    ) -> None:
        snapshots = Snapshots("call", FIELDS, segments.dimensions)
        super().__init__("calls", segments, snapshots, keep_finished_ms, timed=True)
        self.thresholds = thresholds
        self._direction = segments.dimensions.index("direction")
        self._channel = segments.dimensions.index("channel") if "channel" in segments.dimensions else -1
        self.lost_waiting_ms = lost_waiting_ms
        self.lost_unfinished_ms = lost_unfinished_ms

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

    def due_ms(self, life: Life) -> int:
        """When the call counts as lost if nothing more is heard of it, or `NEVER`."""
        assert isinstance(life, Call)
        call = life
        if call.ahead or (call.over() and call.waiting_ms == NEVER):
            return NEVER
        due = call.first_ms + self.lost_unfinished_ms
        if call.waiting_ms != NEVER:
            due = min(due, call.waiting_ms + self.lost_waiting_ms)
        return max(due, call.last_ms)  # whatever was heard of it last shows that it was not lost before

    def inbound(self, segment: Segment) -> bool:
        """Whether a call counts: of other directions only the offers do."""
        return segment.values[self._direction] in (None, "inbound")

    def change(self, out: Delta, life: Life, number: int, due: int, sign: int) -> None:
        """A call whose ending is lost leaves the level at the due instant."""
        assert isinstance(life, Call)
        self._count_lost(out, life, due, sign)

    def forget(self, out: Delta, life: Life) -> None:
        """A call whose ending never came is lost for good."""
        assert isinstance(life, Call)
        due = self.due_ms(life)
        if due != NEVER:
            self._count_lost(out, life, due, 1)

    def _count_lost(self, out: Delta, call: Call, due: int, sign: int) -> None:
        where = call.waiting_in or call.segment
        if not self.inbound(where):
            return
        out.add(due, where, m.CALLS_LOST, sign)
        if call.waiting_in is not None:
            out.level(due, call.waiting_in, m.CALLS_WAITING, -sign)

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

    def happen(self, out: Delta, call: Call, at: int, rank: int, extra: Any, place: int) -> None:
        """What an event means in the segment as it stands. `place` is where it stands in the order: `at`,
        unless the clocks of a record disagree."""
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
        elif rank == ABANDONED:
            queued = call.queued_ms != NEVER
            self._left(out, call, at, ABANDON, extra or ("queue" if queued else "ivr"))
        elif CALLBACK <= rank <= MISSED:
            self._left(out, call, at, OTHER, "queue")
        elif rank == ENDED:
            self._ended(out, call, at)
        elif rank == WRAPUP_ENDED:
            self._wrapped_up(out, call, at)
        self._stand(out, call, place)

    def _take(self, out: Delta, call: Call, snapshot: Snapshot) -> None:
        """Merges a snapshot. Given seconds are facts of the whole call: its handling is counted anew."""
        _, talk, hold, wrapup = snapshot[: len(FIELDS)]
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
        media, talk, hold, wrapup = snapshot[: len(FIELDS)]
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
        return (*values[: self._channel], channel, *values[self._channel + 1 :])

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
        if call.waiting_ms == NEVER and call.ended_ms == NEVER:
            call.waiting_ms = place  # after an outcome it waits again, from here on

    def _answered(self, out: Delta, call: Call, at: int) -> None:
        call.waiting_ms = NEVER
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

    def _stand(self, out: Delta, call: Call, place: int) -> None:
        waiting = call.segment if call.waiting_ms != NEVER and self.inbound(call.segment) else None
        if waiting is not call.waiting_in:
            if call.waiting_in is not None:
                out.level(place, call.waiting_in, m.CALLS_WAITING, -1)
            if waiting is not None:
                out.level(place, waiting, m.CALLS_WAITING, 1)
            call.waiting_in = waiting

    def count_arrival(self, out: Delta, call: Call, sign: int) -> None:
        """Counts (1) or takes back (-1) the arrival."""
        at, segment = call.arrival()
        if at != NEVER:
            out.add(at, segment, _OFFERED[segment.values[self._direction]], sign)

    def count_outcome(self, out: Delta, call: Call, sign: int) -> None:
        """Counts (1) or takes back (-1) the outcome, in its own pane and in the arrival's."""
        outcome = call.outcome
        if outcome == NONE:
            return
        answered = outcome == ANSWER
        at, segment = (call.answered_ms, call.answered_in) if answered else (call.left_ms, call.left_in)
        start = call.answered_from if answered else call.left_from
        wait = at - start if start != NEVER else None
        within, short = self.thresholds.of(segment)
        if outcome != OTHER:
            self._count_by_arrival(out, call, sign, wait, within)
        if not self.inbound(segment):
            return
        if answered:
            self._count_answer(out, call, sign, wait, within)
        elif outcome == ABANDON:
            self._count_abandon(out, call, sign, wait, within, short)
        else:
            out.add(at, segment, m.CALLS_OTHER, sign)

    def _count_by_arrival(self, out: Delta, call: Call, sign: int, wait: int | None, within: int) -> None:
        """What the arrival's pane learns of the outcome, if the call arrived as an inbound one."""
        at, segment = call.arrival()
        if at == NEVER or not self.inbound(segment):
            return
        if call.outcome == ABANDON:
            out.add(at, segment, m.ARRIVED_ABANDONED, sign)
            return
        out.add(at, segment, m.ARRIVED_ANSWERED, sign)
        if wait is not None:
            out.observe(at, segment, m.ARRIVED_WAIT_SUM, m.ARRIVED_WAIT, wait, m.CALLS_NEGATIVE, sign)
            if wait <= within:
                out.add(at, segment, m.ARRIVED_ANSWERED_WITHIN, sign)

    def _count_answer(self, out: Delta, call: Call, sign: int, wait: int | None, within: int) -> None:
        at, segment = call.answered_ms, call.answered_in
        out.add(at, segment, m.CALLS_ANSWERED, sign)
        if wait is not None:
            out.observe(at, segment, m.CALL_WAIT_SUM, m.CALL_WAIT, wait, m.CALLS_NEGATIVE, sign)
            if wait <= within:
                out.add(at, segment, m.CALLS_ANSWERED_WITHIN, sign)

    def _count_abandon(
        self, out: Delta, call: Call, sign: int, wait: int | None, within: int, short: int
    ) -> None:
        at, segment = call.left_ms, call.left_in
        out.add(at, segment, _STAGES[call.stage], sign)
        if call.stage == "ivr":
            return
        if wait is None:
            out.add(at, segment, m.CALLS_ABANDONED_AFTER, sign)  # without a start nothing excuses it
            return
        out.observe(at, segment, m.ABANDON_WAIT_SUM, m.ABANDON_WAIT, wait, m.CALLS_NEGATIVE, sign)
        out.add(at, segment, m.CALLS_ABANDONED_WITHIN if wait <= within else m.CALLS_ABANDONED_AFTER, sign)
        if wait <= short:
            out.add(at, segment, m.CALLS_ABANDONED_SHORT, sign)

    def count_handling(self, out: Delta, call: Call, sign: int) -> None:
        """Counts (1) or takes back (-1) talk and handle time, where handling ended: at the end, later at the
        end of wrap-up."""
        if call.answered_ms == NEVER or (
            call.ended_ms == NEVER and (call.wrapup_ended_ms == NEVER or call.talk_s is None)
        ):
            return
        at, segment = call.ended_ms, call.ended_in
        hold = call.held_ms if call.hold_s is None else round(call.hold_s * 1000)
        talk = at - call.answered_ms - hold if call.talk_s is None else round(call.talk_s * 1000)
        wrapup = 0 if call.wrapup_s is None else round(call.wrapup_s * 1000)
        if call.wrapup_ended_ms != NEVER:
            at, segment = call.wrapup_ended_ms, call.wrapup_in
            if call.wrapup_s is None and call.ended_ms != NEVER:
                wrapup = at - call.ended_ms
        if not self.inbound(segment):
            return
        out.observe(at, segment, m.CALL_TALK_SUM, m.CALL_TALK, talk, m.CALLS_NEGATIVE, sign)
        handle = max(talk, 0) + hold + max(wrapup, 0)
        out.observe(at, segment, m.CALL_HANDLE_SUM, m.CALL_HANDLE, handle, m.CALLS_NEGATIVE, sign)


def _tells(told: float | UnsetType | None, known: float | None) -> bool:
    """Whether a snapshot's value is another one than is known."""
    return told is not UNSET and told != known
