"""The clock `queue_wait` of one call, from sla.md rule 16: the first stretch of `calls_waiting`."""

from tests.oracle import calls
from tests.oracle.agreements import Agreements, Terms
from tests.oracle.calls import STOPS_WAITING, Mark
from tests.oracle.clock import Clocks, Moment
from tests.oracle.model import Config, Event, Fact, Span


def facts_and_spans(history: list[Event], config: Config, now_ms: int) -> tuple[list[Fact], list[Span]]:
    """All that the clock counts."""
    facts: list[Fact] = []
    spans: list[Span] = []
    if not any(rule.get("max_wait") for rule in config.settings.get("queues") or ()):
        return facts, spans  # no clock has a target, so that none is ever seen
    for life in calls.lives(history, config):
        found = play(life, config, now_ms)
        facts += found.facts(removed=False)
        spans += found.spans
    return facts, spans


def play(life: list[Event], config: Config, now_ms: int) -> Clocks:
    """The clock of one life of a call at `now_ms`."""
    agreements = Agreements(config.settings)
    clocks = Clocks(now_ms)
    marks, _ = calls.marks_of(life)
    over = False
    for mark in marks:
        at_ms, segments = mark.place_ms, mark.segments
        clocks.step(at_ms)
        over = mark.kind == "ended" or (over and mark.kind != "answered")
        if mark.kind == "queued" and not clocks.instances and not over:
            clocks.start("queue_wait", at_ms, _terms(agreements, mark), at_ms, segments)
        for one in clocks.of("queue_wait"):
            clocks.retarget(one, _terms(agreements, mark), at_ms, segments)
            if mark.kind == "answered":
                clocks.fulfil(one, at_ms, segments)
            elif mark.kind in STOPS_WAITING:
                clocks.cancel(one, at_ms)
        clocks.moments.append(Moment(at_ms, segments))
    waits = clocks.of("queue_wait")
    if waits:
        heard_ms = (life[0]["time"], life[-1]["time"])
        lost_ms = calls.lost_ms(marks, heard_ms, waits[0].start_ms, config, now_ms)
        if lost_ms is not None:
            clocks.step(lost_ms)
            clocks.cancel(waits[0], lost_ms)
            clocks.moments.append(Moment(lost_ms, clocks.moments[-1].segments))
    clocks.finish()
    return clocks


def _terms(agreements: Agreements, mark: Mark) -> Terms | None:
    """Of inbound calls only, as all of catalog.md "Calls"."""
    return agreements.max_wait(mark.segments) if mark.segments["direction"] == "inbound" else None
