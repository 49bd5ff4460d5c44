"""Metrics of calls and queued chats (measures: topic `support.calls`). All count inbound calls unless `direction` is asked."""

from __future__ import annotations

from stream.metrics import measures as m
from stream.metrics.catalog import Metric
from stream.metrics.formula import Count, Duration, Formula, Level, Oldest, Ratio, RatioWithLevel

_IN_QUEUE = (m.CALLS_ABANDONED_QUEUE, m.CALLS_ABANDONED_RING)
_ABANDONED = (m.CALLS_ABANDONED_IVR, *_IN_QUEUE)
_OUTCOMES = (m.CALLS_ANSWERED, *_ABANDONED, m.CALLS_OTHER)


def _service_level(method: str, over: tuple[int, ...], under: tuple[int, ...], words: str) -> Metric:
    return Metric(
        id=f"service_level{method}", kind="ratio", unit="ratio", group="speed", family="calls", formula=Ratio(over, under),
        help=f"Service level: {words}. The threshold is the queue's answer_within (20 s unless configured).",
        owner="Floor managers", target="at least 80 %",
        next_action="Move agents to the queue or open the callback offer; read beside abandonment_rate.",
        pairs=("abandonment_rate", "csat"),
    )  # fmt: skip


def _arrival(metric_id: str, over: int, words: str) -> Metric:
    return Metric(
        id=metric_id, kind="ratio", unit="ratio", group="operational", family="calls",
        formula=Ratio((over,), (m.CALLS_OFFERED,)),
        help=f"Of the calls offered in the window: {words} / offered. Counted at the arrival, as workforce planning reads it.",
        owner="Workforce planning", target="as planned for the interval",
        next_action="Compare with the plan of the interval and correct the forecast.",
        pairs=("calls_offered", "call_wait_by_arrival"),
    )  # fmt: skip


def _count(metric_id: str, codes: tuple[int, ...], words: str, **labels: dict[str, Formula]) -> Metric:
    return Metric(
        id=metric_id, kind="count", unit="calls", group="operational", family="calls", formula=Count(codes), help=words,
        owner="Floor managers", target="within the forecast",
        next_action="Compare with the forecast of the hour; staff accordingly.",
        pairs=("service_level", "abandonment_rate"), labels=labels,
    )  # fmt: skip


def _duration(
    metric_id: str,
    sum_code: int,
    sketch: int,
    words: str,
    target: str,
    next_action: str,
    pairs: tuple[str, ...],
) -> Metric:
    return Metric(
        id=metric_id, kind="duration", unit="seconds", group="speed", family="calls", formula=Duration(sum_code, sketch),
        help=words, owner="Floor managers", target=target, next_action=next_action, pairs=pairs,
    )  # fmt: skip


METRICS = [
    _count(
        "calls_offered", (m.CALLS_OFFERED,), "Calls that reached the system, counted when offered (queued if never offered).",
        direction={
            "inbound": Count((m.CALLS_OFFERED,)),
            "outbound": Count((m.CALLS_OFFERED_OUTBOUND,)),
            "internal": Count((m.CALLS_OFFERED_INTERNAL,)),
            "callback": Count((m.CALLS_OFFERED_CALLBACK,)),
        },
    ),
    _count("calls_answered", (m.CALLS_ANSWERED,), "Calls connected to an agent, counted when answered."),
    _count(
        "calls_abandoned", _ABANDONED, "Calls whose customer left before an answer, counted when left.",
        stage={
            "ivr": Count((m.CALLS_ABANDONED_IVR,)),
            "queue": Count((m.CALLS_ABANDONED_QUEUE,)),
            "ring": Count((m.CALLS_ABANDONED_RING,)),
        },
    ),
    _count("calls_other", (m.CALLS_OTHER,), "Calls that left the queue another way: callback, voicemail, overflow, missed."),
    Metric(
        id="answer_rate", kind="ratio", unit="ratio", group="operational", family="calls",
        formula=Ratio((m.CALLS_ANSWERED,), _OUTCOMES),
        help="Answered / all outcomes (answered, abandoned, other ways out), counted at the outcome.",
        owner="Floor managers", target="at least 92 %", next_action="See which queue loses calls, and at what wait.",
        pairs=("abandonment_rate", "call_wait_time"),
    ),
    Metric(
        id="abandonment_rate", kind="ratio", unit="ratio", group="operational", family="calls",
        formula=Ratio((*_ABANDONED, -m.CALLS_ABANDONED_SHORT), (*_OUTCOMES, -m.CALLS_ABANDONED_SHORT)),
        help="Abandoned / all outcomes, short abandons (5 s unless configured) left out of both.",
        owner="Floor managers", target="under 5 %", next_action="Announce the wait, offer callbacks, move agents.",
        pairs=("service_level", "call_wait_time"),
    ),
    Metric(
        id="abandonment_rate_raw", kind="ratio", unit="ratio", group="operational", family="calls",
        formula=Ratio(_ABANDONED, _OUTCOMES),
        help="Abandoned / all outcomes, short abandons included.",
        owner="Floor managers", target="under 8 %", next_action="Read beside abandonment_rate: the gap is short abandons.",
        pairs=("abandonment_rate", "time_to_abandon"),
    ),
    _service_level(
        "", (m.CALLS_ANSWERED_WITHIN,), (m.CALLS_ANSWERED, m.CALLS_ABANDONED_AFTER),
        "answered within the threshold / (answered + abandoned after it)",
    ),
    _service_level(
        "_all_success", (m.CALLS_ANSWERED_WITHIN, m.CALLS_ABANDONED_WITHIN), (m.CALLS_ANSWERED, *_IN_QUEUE),
        "answered or abandoned within the threshold / (answered + abandoned)",
    ),
    _service_level(
        "_answered_only", (m.CALLS_ANSWERED_WITHIN,), (m.CALLS_ANSWERED,),
        "answered within the threshold / answered; it hides abandons",
    ),
    _service_level(
        "_offered", (m.CALLS_ANSWERED_WITHIN,), (m.CALLS_ANSWERED, *_IN_QUEUE),
        "answered within the threshold / (answered + abandoned)",
    ),
    _service_level(
        "_short_success", (m.CALLS_ANSWERED_WITHIN, m.CALLS_ABANDONED_SHORT), (m.CALLS_ANSWERED, *_IN_QUEUE),
        "(answered within the threshold + short abandons) / (answered + abandoned)",
    ),
    _service_level(
        "_excl_short", (m.CALLS_ANSWERED_WITHIN,), (m.CALLS_ANSWERED, *_IN_QUEUE, -m.CALLS_ABANDONED_SHORT),
        "answered within the threshold / (answered + abandoned, without short abandons)",
    ),
    _duration(
        "call_wait_time", m.CALL_WAIT_SUM, m.CALL_WAIT,
        "Queued (else offered) to answered, counted when answered. Its mean is the average speed of answer.",
        "mean under 20 s", "Move agents to the queue that waits longest.", ("abandonment_rate", "csat"),
    ),
    _duration(
        "time_to_abandon", m.ABANDON_WAIT_SUM, m.ABANDON_WAIT,
        "Queued (else offered) to abandoned, counted when abandoned (not in the IVR).",
        "above the announced wait", "A short time means impatience: announce the wait, offer a callback.",
        ("abandonment_rate", "csat"),
    ),
    _duration(
        "call_talk_time", m.CALL_TALK_SUM, m.CALL_TALK, "Talk without hold, counted at the end of handling.",
        "as planned", "Read beside csat and tickets_reopened; never push it down alone.", ("csat", "tickets_reopened"),
    ),
    _duration(
        "call_handle_time", m.CALL_HANDLE_SUM, m.CALL_HANDLE,
        "Talk + hold + wrap-up, counted at the end of handling.",
        "as planned", "Long wrap-up: look at the tools; long hold: at who is asked.", ("csat", "tickets_reopened"),
    ),
    _duration(
        "call_hold_time", m.CALL_HOLD_SUM, m.CALL_HOLD, "Time on hold of each handled call, counted at the end of handling.",
        "as planned", "See what agents put callers on hold for: answers that they lack, or approvals.",
        ("call_handle_time", "csat"),
    ),
    _duration(
        "call_wrapup_time", m.CALL_WRAPUP_SUM, m.CALL_WRAPUP,
        "Work after the talk, counted at the end of handling; calls of which it is not known are left out.",
        "as planned", "Look at the tools and forms that are filled in after a call.",
        ("call_handle_time", "csat"),
    ),
    Metric(
        id="call_transfer_rate", kind="ratio", unit="ratio", group="operational", family="calls",
        formula=Ratio((m.CALLS_TRANSFERRED,), (m.CALLS_ANSWERED,)),
        help="Transferred at least once / answered, counted when answered.",
        owner="Floor managers", target="under 10 %", next_action="See which queue sends calls on, and mend its routing or training.",
        pairs=("call_handle_time", "csat"),
    ),
    _arrival("answered_by_arrival", m.ARRIVED_ANSWERED, "answered"),
    _arrival("abandoned_by_arrival", m.ARRIVED_ABANDONED, "abandoned"),
    _arrival("service_level_by_arrival", m.ARRIVED_ANSWERED_WITHIN, "answered within the threshold"),
    _duration(
        "call_wait_by_arrival", m.ARRIVED_WAIT_SUM, m.ARRIVED_WAIT, "call_wait_time, counted at the arrival.",
        "as planned for the interval", "Compare with the plan of the interval.", ("abandoned_by_arrival", "csat"),
    ),
    Metric(
        id="calls_waiting", kind="level", unit="calls", group="operational", family="calls", formula=Level((m.CALLS_WAITING,)),
        help="Calls in a queue that wait for an answer now.",
        owner="Floor managers", target="under one per available agent", next_action="Move agents to the queue.",
        pairs=("longest_wait", "service_level"),
    ),
    Metric(
        id="service_level_floor", kind="ratio", unit="ratio", group="speed", family="calls",
        formula=RatioWithLevel((m.CALLS_ANSWERED_WITHIN,), (m.CALLS_ANSWERED, m.CALLS_ABANDONED_AFTER), m.CALLS_WAITING_LONG),
        help="service_level with every call that waits longer than the threshold at the window's end counted as a failure.",
        owner="Floor managers", target="at least 80 %",
        next_action="Where it is far below service_level a queue is stuck: move agents there now.",
        pairs=("service_level", "csat"),
    ),
    Metric(
        id="longest_wait", kind="gauge", unit="seconds", group="speed", family="calls", formula=Oldest(m.CALLS_WAITING),
        help="Seconds since the earliest entry into a queue among the calls waiting now; empty when none waits.",
        owner="Floor managers", target="under 60 s", next_action="Take that call.",
        pairs=("calls_waiting", "abandonment_rate"),
    ),
]  # fmt: skip
