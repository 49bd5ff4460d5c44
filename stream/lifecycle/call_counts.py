"""What a call contributes (catalog.md, Calls), read off its facts.

It counts in three groups: its *arrival*, its *outcome* (with what the arrival's pane learns of it) and its
*handling*. Waiting, and waiting longer than the threshold, are levels: a call waits too long from an instant
on at which nothing needs to happen, and is lost at another.
"""

from __future__ import annotations

from typing import Final

from stream.events.contacts import CONTACT_STARTED
from stream.lifecycle.call_facts import ABANDON, ANSWER, NONE, OTHER, Call, Thresholds
from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import FOREVER, NEVER, Fold, Life
from stream.lifecycle.snapshot import Snapshots
from stream.metrics import measures as m
from stream.metrics.segments import Segment, Segments
from stream.sla.policy import Policies

_STAGES: Final = {
    "ivr": m.CALLS_ABANDONED_IVR,
    "queue": m.CALLS_ABANDONED_QUEUE,
    "ring": m.CALLS_ABANDONED_RING,
}
_OFFERED: Final = {
    None: m.CALLS_OFFERED,
    "inbound": m.CALLS_OFFERED,
    "outbound": m.CALLS_OFFERED_OUTBOUND,
    "internal": m.CALLS_OFFERED_INTERNAL,
    "callback": m.CALLS_OFFERED_CALLBACK,
}


class CallCounts(Fold):
    """The part of a call's rules that counts."""

    def __init__(
        self,
        segments: Segments,
        snapshots: Snapshots,
        keep_finished_ms: int,
        thresholds: Thresholds,
        lost_waiting_ms: int,
        lost_unfinished_ms: int,
        policies: Policies,
    ) -> None:
        super().__init__("calls", segments, snapshots, keep_finished_ms, timed=True)
        self.policies = policies
        self.thresholds = thresholds
        self._direction = segments.dimensions.index("direction")
        self._lost_waiting_ms = lost_waiting_ms
        self._lost_unfinished_ms = lost_unfinished_ms

    def inbound(self, segment: Segment) -> bool:
        """Whether a call counts: of other directions only the offers do."""
        return segment.values[self._direction] in (None, "inbound")

    def ages_ms(self, life: Life) -> int:
        """When the call next waits too long, or counts as lost, if nothing more is heard of it."""
        assert isinstance(life, Call)
        call = life
        lost = self._lost_ms(call)
        if self._will_wait_long(call, lost):
            return call.long_from if call.aged == 0 else lost if call.aged == 1 else NEVER
        return lost if call.aged == 0 else NEVER

    def change(self, out: Delta, life: Life, number: int, due: int, sign: int) -> None:
        """A call that waits too long enters that level; one whose ending is lost leaves all of them."""
        assert isinstance(life, Call)
        call = life
        long = self._will_wait_long(call, self._lost_ms(call))
        if long and number == 0:
            assert call.waiting_in is not None
            out.level(due, call.waiting_in, m.CALLS_WAITING_LONG, sign)
            return
        call.lost = sign > 0
        where = call.waiting_in or call.segment
        if not self.inbound(where):
            return
        out.add(due, where, m.CALLS_LOST, sign)
        if call.waiting_in is not None:
            out.level(due, call.waiting_in, m.CALLS_WAITING, -sign)
            if long or call.long_in is not None:
                out.level(due, call.waiting_in, m.CALLS_WAITING_LONG, -sign)

    def forget(self, out: Delta, life: Life) -> None:
        """A call whose ending never came is lost for good."""
        self.overlay(out, life, FOREVER)

    def _lost_ms(self, call: Call) -> int:
        """When the call is lost if nothing more is heard of it, or `NEVER` if it is over."""
        if call.over() and call.waiting_ms == NEVER:
            return NEVER
        due = call.first_ms + self._lost_unfinished_ms
        if call.waiting_ms != NEVER:
            due = min(due, call.waiting_ms + self._lost_waiting_ms)
        return max(due, call.last_ms)  # whatever was heard of it last shows that it was not lost before

    def foretell_loss(self, call: Call) -> None:
        """Tells the clock when it ends with the call if nothing more is heard."""
        if call.clocks is not None:
            lost = self._lost_ms(call)
            call.clocks.lost_ms = lost if lost != NEVER else FOREVER

    def _will_wait_long(self, call: Call, lost: int) -> bool:
        """Whether its wait goes past the threshold before it is lost."""
        return call.waiting_in is not None and call.long_in is None and call.long_from < lost

    def reach(self, out: Delta, call: Call, place: int) -> None:
        """Brings the level of long waits up to an event: the threshold passes without one."""
        if call.waiting_in is not None and call.long_in is None and call.long_from <= place:
            out.level(call.long_from, call.waiting_in, m.CALLS_WAITING_LONG, 1)
            call.long_in = call.waiting_in

    def stand(self, out: Delta, call: Call, place: int) -> None:
        """Moves the call to the levels in which it stands after an event."""
        waiting = call.segment if call.waiting_ms != NEVER and self.inbound(call.segment) else None
        if waiting is not None:
            # Longer than T is not T: from the millisecond after it on. T is that of the queue waited in.
            call.long_from = call.waiting_ms + self.thresholds.of(waiting)[0] + 1
        if waiting is not call.waiting_in:
            _move(out, place, m.CALLS_WAITING, call.waiting_in, waiting)
            call.waiting_in = waiting
        long = waiting if waiting is not None and call.long_from <= place else None
        if long is not call.long_in:
            _move(out, place, m.CALLS_WAITING_LONG, call.long_in, long)
            call.long_in = long

    def count_arrival(self, out: Delta, call: Call, sign: int) -> None:
        """Counts (1) or takes back (-1) the arrival."""
        at, segment = call.arrival()
        if at != NEVER:
            out.add(at, segment, _OFFERED[segment.values[self._direction]], sign)
            self.tell(out, call, sign)

    def tell(self, out: Delta, call: Call, sign: int) -> None:
        """Tells (1) or takes back (-1) that the customer made contact."""
        at, segment = call.arrival()
        if call.customer is not None and at != NEVER and self.inbound(segment):
            out.tell(CONTACT_STARTED, call.customer, at, segment, sign)

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
        if call.transferred:
            out.add(at, segment, m.CALLS_TRANSFERRED, sign)
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
        """Counts (1) or takes back (-1) talk, hold, wrap-up and their sum, where handling ended: at the end,
        later at the end of wrap-up."""
        if call.answered_ms == NEVER or (
            call.ended_ms == NEVER and (call.wrapup_ended_ms == NEVER or call.talk_s is None)
        ):
            return
        at, segment = call.ended_ms, call.ended_in
        hold = call.held_ms if call.hold_s is None else round(call.hold_s * 1000)
        talk = at - call.answered_ms - hold if call.talk_s is None else round(call.talk_s * 1000)
        wrapup = None if call.wrapup_s is None else round(call.wrapup_s * 1000)
        if call.wrapup_ended_ms != NEVER:
            at, segment = call.wrapup_ended_ms, call.wrapup_in
            if call.wrapup_s is None and call.ended_ms != NEVER:
                wrapup = at - call.ended_ms
        if not self.inbound(segment):
            return
        out.observe(at, segment, m.CALL_TALK_SUM, m.CALL_TALK, talk, m.CALLS_NEGATIVE, sign)
        out.observe(at, segment, m.CALL_HOLD_SUM, m.CALL_HOLD, hold, m.CALLS_NEGATIVE, sign)
        handle = max(talk, 0) + hold
        if wrapup is not None:
            out.observe(at, segment, m.CALL_WRAPUP_SUM, m.CALL_WRAPUP, wrapup, m.CALLS_NEGATIVE, sign)
            handle += max(wrapup, 0)
        out.observe(at, segment, m.CALL_HANDLE_SUM, m.CALL_HANDLE, handle, m.CALLS_NEGATIVE, sign)


def _move(out: Delta, at: int, level: int, old: Segment | None, new: Segment | None) -> None:
    """Out of a level in one segment, into it in another."""
    if old is not None:
        out.level(at, old, level, -1)
    if new is not None:
        out.level(at, new, level, 1)
