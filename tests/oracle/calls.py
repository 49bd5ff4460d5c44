"""One call's history -> facts and level spans, from catalog.md "Calls" and "Rules for calls".

The events become *marks* (kind, instant, segments). The winning `call.record` then replaces or adds marks,
and everything is read off the sorted marks.
"""

from dataclasses import dataclass
from typing import Any

from tests.oracle.model import (
    HOUR,
    RANK,
    Config,
    Event,
    Fact,
    QueueRule,
    Segments,
    Span,
    merged,
    segments_of,
    to_ms,
)

# events.md 3: "left the queue without answer and without abandoning".
OTHER_WAYS_OUT = ("callback_requested", "voicemail_left", "overflowed", "missed")
# Nobody waits any longer after one of these.
STOPS_WAITING = ("answered", "abandoned", "ended", *OTHER_WAYS_OUT)
# The times of a record, in the order of a call's life.
RECORD_KINDS = ("offered", "queued", "answered", "abandoned", "ended", "wrapup_ended")
# catalog.md: "Channel defaults: voice -> `phone`, chat -> `chat`"; the page names none for video: itself.
CHANNEL_OF_MEDIA = {"voice": "phone", "chat": "chat", "video": "video"}

FOREVER_MS = 10**6 * HOUR


@dataclass(frozen=True)
class Mark:
    """Something that happened in a call. `place_ms` orders it (record times never run backwards there)."""

    kind: str
    at_ms: int
    place_ms: int
    segments: Segments
    stage: str | None


@dataclass(frozen=True)
class Outcome:
    """How the call ended for the customer: `answered`, `abandoned` or `other`; None: wait unknown."""

    kind: str
    mark: Mark
    wait_ms: int | None
    stage: str | None
    rule: QueueRule


def facts_and_spans(history: list[Event], config: Config, now_ms: int) -> tuple[list[Fact], list[Span]]:
    """All facts and spans of one subject; lost endings happen when they are due by `now_ms`."""
    facts: list[Fact] = []
    spans: list[Span] = []
    for life in lives(history, config):
        marks, state = marks_of(life)
        if not marks:
            continue
        facts += _offered_facts(marks)
        result = outcome(marks, config)
        if result is not None:
            facts += _outcome_facts(result) + _arrival_facts(marks, result) + _handling_facts(marks, state)
            if result.kind == "answered" and first(marks, "transferred") and _inbound(result.mark):
                facts.append(Fact("answered_transferred", result.mark.at_ms, result.mark.segments, 1))
        spans += _waiting_spans(marks, (life[0]["time"], life[-1]["time"]), config, now_ms)
    return facts, spans


def lives(history: list[Event], config: Config) -> list[list[Event]]:
    """events.md 3: what follows when a finished (or lost) call was silent "for longer than
    `keep_finished`" is a new entity."""
    found: list[list[Event]] = []
    for event in history:
        if found and not _forgotten(found[-1], event, config):
            found[-1].append(event)
        else:
            found.append([event])
    return found


def _forgotten(life: list[Event], event: Event, config: Config) -> bool:
    silent_ms = event["time"] - life[-1]["time"]
    if silent_ms <= config.keep_calls_ms:
        return False
    kinds = {mark.kind for mark in marks_of(life)[0]}
    ended = kinds & {"abandoned", "ended", "wrapup_ended", *OTHER_WAYS_OUT}
    return bool(ended) or silent_ms > config.lost_unfinished_ms


def marks_of(life: list[Event]) -> tuple[list[Mark], dict[str, Any]]:
    """The marks of a call in order, and its state after everything (the record "acts last, whole")."""
    state: dict[str, Any] = {}
    marks: list[Mark] = []
    for event in life:
        if event["type"] != "call.record":
            state = merged(state, event["data"].get("call") or {})
            kind = event["type"].removeprefix("call.")
            stage = (event["data"].get("abandon") or {}).get("stage")
            marks.append(Mark(kind, event["time"], event["time"], _labelled(state), stage))
    records = [event for event in life if event["type"] == "call.record"]
    if records:
        # "of several records the one with the highest (`sequence`, `time`, `id`) counts"
        record = max(records, key=lambda event: (event["sequence"], event["time"], event["id"]))
        state = merged(state, record["data"].get("call") or {})
        marks = _with_record(marks, record, _labelled(state))
    return marks, state


def _labelled(state: dict[str, Any]) -> Segments:
    """The segments with the default channel, and the label `direction`."""
    segments = segments_of(state)
    segments["channel"] = segments["channel"] or CHANNEL_OF_MEDIA[state.get("media") or "voice"]
    return {**segments, "direction": state.get("direction") or "inbound"}


def _with_record(marks: list[Mark], record: Event, segments: Segments) -> list[Mark]:
    """Times of the record "**replace** what events said"; "a field missing from a record keeps the event's
    time, null clears it"."""
    snapshot = record["data"].get("call") or {}
    abandon = record["data"].get("abandon") or {}
    earlier_ms = -FOREVER_MS
    for kind in RECORD_KINDS:
        of_kind = [mark for mark in marks if mark.kind == kind]
        if kind + "_at" in snapshot:
            text = snapshot[kind + "_at"]
            if text is None:
                marks = [mark for mark in marks if mark.kind != kind]
                continue
            at_ms = to_ms(text)
            # A record knows the order of a call's life even where its clocks disagree.
            stage = abandon.get("stage") or (of_kind[0].stage if of_kind else None)
            new = Mark(kind, at_ms, max(earlier_ms, at_ms), segments, stage)
            marks = _put([mark for mark in marks if not of_kind or mark is not of_kind[0]], new)
            earlier_ms = new.place_ms
        elif of_kind:
            earlier_ms = max(earlier_ms, of_kind[0].place_ms)
    return marks


def _put(marks: list[Mark], new: Mark) -> list[Mark]:
    """With a record's mark in its place; at one instant the rank of the type decides."""

    def order(mark: Mark) -> tuple[int, int]:
        return mark.place_ms, RANK["call." + mark.kind]

    place = next((i for i, mark in enumerate(marks) if order(mark) > order(new)), len(marks))
    return [*marks[:place], new, *marks[place:]]


def first(marks: list[Mark], *kinds: str) -> Mark | None:
    """The first mark of one of the kinds."""
    return next((mark for mark in marks if mark.kind in kinds), None)


def arrival(marks: list[Mark]) -> Mark | None:
    """catalog.md: "offered (queued if never offered)"."""
    return first(marks, "offered") or first(marks, "queued")


def outcome(marks: list[Mark], config: Config) -> Outcome | None:
    """ "Several outcomes in one call: answered wins, else the first"; None while there is none."""
    answered = first(marks, "answered")
    if answered is not None:
        return _outcome("answered", marks, answered, None, config)
    queued = over = False
    for mark in marks:
        queued = queued or mark.kind == "queued"
        if mark.kind == "abandoned":
            # events.md 3: "default `queue` when queued, else `ivr`".
            stage = mark.stage or ("queue" if queued else "ivr")
            return _outcome("abandoned", marks, mark, stage, config)
        if mark.kind == "ended" and queued and not over:
            # "`call.ended` while queued without outcome = abandoned then."
            return _outcome("abandoned", marks, mark, "queue", config)
        over = over or mark.kind == "ended"
        if mark.kind in OTHER_WAYS_OUT:
            return _outcome("other", marks, mark, None, config)
    return None


def _outcome(kind: str, marks: list[Mark], at: Mark, stage: str | None, config: Config) -> Outcome:
    before = marks[: marks.index(at)]
    # "queued (else offered) -> answered"; "moved to another queue, the wait goes on from the first entry".
    start = first(before, "queued") or first(before, "offered")
    wait_ms = None if start is None else max(0, at.at_ms - start.at_ms)
    # "Threshold and short abandon are those of the queue at the outcome".
    return Outcome(kind, at, wait_ms, stage, _rule(at.segments, config))


def _rule(segments: Segments, config: Config) -> QueueRule:
    for rule in config.queues:
        if all(segments.get(name) in values for name, values in rule.when.items()):
            return rule
    return QueueRule({})


def _inbound(mark: Mark) -> bool:
    """ "All ids count inbound calls." """
    return mark.segments["direction"] == "inbound"


def _offered_facts(marks: list[Mark]) -> list[Fact]:
    """Of every direction: "of other directions only `calls_offered`, when `direction` is asked"."""
    at = arrival(marks)
    return [] if at is None else [Fact("calls_offered", at.at_ms, at.segments, 1)]


def _within(result: Outcome) -> bool:
    """ "within" is <= T; a wait that is not known is within nothing."""
    return result.wait_ms is not None and result.wait_ms <= result.rule.answer_within_ms


def _outcome_facts(result: Outcome) -> list[Fact]:
    at = result.mark
    if not _inbound(at):
        return []
    segments: Segments = {**at.segments, "stage": result.stage} if result.kind == "abandoned" else at.segments
    values = {f"calls_{result.kind}": 1}
    if result.kind == "answered":
        if _within(result):
            values["answered_within"] = 1
        if result.wait_ms is not None:
            values["call_wait_time"] = result.wait_ms
    if result.kind == "abandoned" and result.stage != "ivr":
        # "An abandon in the IVR is in `calls_abandoned` and the abandonment rates (never short), but in no
        # service level and not in `time_to_abandon`."
        values["abandoned_in_service_level"] = 1
        if _within(result):
            values["abandoned_within"] = 1
        if result.wait_ms is not None:
            values["time_to_abandon"] = result.wait_ms
            if result.wait_ms <= result.rule.short_abandon_ms:
                values["abandoned_short"] = 1
    return [Fact(measure, at.at_ms, segments, value) for measure, value in values.items()]


def _arrival_facts(marks: list[Mark], result: Outcome) -> list[Fact]:
    """The `..._by_arrival` numerators, at the arrival and with its segments."""
    at = arrival(marks)
    if at is None or not _inbound(at) or result.kind == "other":
        return []
    values = {f"{result.kind}_by_arrival": 1}
    if result.kind == "answered":
        if _within(result):
            values["answered_within_by_arrival"] = 1
        if result.wait_ms is not None:
            values["call_wait_by_arrival"] = result.wait_ms
    return [Fact(measure, at.at_ms, at.segments, value) for measure, value in values.items()]


def _handling_facts(marks: list[Mark], state: dict[str, Any]) -> list[Fact]:
    """Talk, hold and wrap-up of an answered call "at `call.ended` with what is known, moved to
    `call.wrapup_ended` when that comes". "Seconds in the snapshot win over event times"."""
    answered = first(marks, "answered")
    if answered is None:
        return []
    after = marks[marks.index(answered) :]
    ended, wrapup_ended = first(after, "ended"), first(after, "wrapup_ended")
    at = wrapup_ended or ended
    if at is None or not _inbound(at):
        return []
    hold_ms = _seconds_ms(state, "hold_seconds")
    if hold_ms is None:
        hold_ms = _held_ms(after, ended)
    talk_ms = _seconds_ms(state, "talk_seconds")
    if talk_ms is None:
        if ended is None:
            return []
        talk_ms = max(0, ended.at_ms - answered.at_ms - hold_ms)
    wrapup_ms = _seconds_ms(state, "wrapup_seconds")
    if wrapup_ms is None and ended is not None and wrapup_ended is not None:
        wrapup_ms = max(0, wrapup_ended.at_ms - ended.at_ms)
    values = {
        "call_talk_time": talk_ms,
        "call_hold_time": hold_ms,
        "call_handle_time": talk_ms + hold_ms + (wrapup_ms or 0),
    }
    if wrapup_ms is not None:
        values["call_wrapup_time"] = wrapup_ms  # "wrap-up only when known"
    return [Fact(measure, at.at_ms, at.segments, value) for measure, value in values.items()]


def _seconds_ms(state: dict[str, Any], name: str) -> int | None:
    seconds = state.get(name)
    return None if seconds is None else round(seconds * 1000)


def _held_ms(after: list[Mark], end: Mark | None) -> int:
    """Sum of the spans from held to resumed; a hold that is never resumed lasts until the end, if that is
    known."""
    total_ms = 0
    since_ms: int | None = None
    for mark in after if end is None else after[: after.index(end) + 1]:
        if mark.kind == "held" and since_ms is None:
            since_ms = mark.at_ms
        elif since_ms is not None and (mark.kind == "resumed" or mark is end):
            total_ms += max(0, mark.at_ms - since_ms)
            since_ms = None
    return total_ms


def _waiting_spans(marks: list[Mark], heard_ms: tuple[int, int], config: Config, now_ms: int) -> list[Span]:
    """`calls_waiting`: "queued, no outcome yet"; again after an answer, "from then, ... until the next
    `call.answered`" (or the call's end)."""
    spans: list[Span] = []
    since_ms: int | None = None
    over = False
    ends = [mark.place_ms for mark in marks[1:]]
    for mark, end_ms in zip(marks, [*ends, None], strict=True):
        over = mark.kind == "ended" or (over and mark.kind != "answered")
        if mark.kind == "queued" and since_ms is None and not over:
            since_ms = mark.place_ms
        elif mark.kind in STOPS_WAITING:
            since_ms = None
        if since_ms is None or not _inbound(mark):
            continue
        to_ms = lost_ms(marks, heard_ms, since_ms, config, now_ms) if end_ms is None else end_ms
        if to_ms != mark.place_ms:
            spans.append(Span("calls_waiting", mark.place_ms, to_ms, mark.segments, since_ms))
            # "waiting longer than T", where within is <=; T is that of "the queue waited in".
            long_ms = max(mark.place_ms, since_ms + _rule(mark.segments, config).answer_within_ms + 1)
            if long_ms <= now_ms and (to_ms is None or long_ms < to_ms):
                spans.append(Span("calls_waiting_long", long_ms, to_ms, mark.segments, since_ms))
    return spans


def lost_ms(
    marks: list[Mark], heard_ms: tuple[int, int], since_ms: int, config: Config, now_ms: int
) -> int | None:
    """events.md 3: "a call still waiting after 4 h, or unfinished after 12 h, leaves the levels as lost ...
    (a change at its due instant, taken back if an event shows otherwise)". Never before the last known event.

    None: not due by `now_ms`.
    """
    first_ms, last_ms = heard_ms
    start_ms = min(first_ms, marks[0].place_ms)
    due_ms = min(since_ms + config.lost_waiting_ms, start_ms + config.lost_unfinished_ms)
    due_ms = max(due_ms, last_ms, marks[-1].place_ms)
    return due_ms if due_ms <= now_ms else None
