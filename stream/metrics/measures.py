"""Measures: what is counted in a cell, each with a stable code. The codes are the stored format: never reuse
or renumber one.

A cell is `{code: integer}`. Codes below 128 take one byte when packed, so counts, sums and levels live there.
A *level* has two codes: `code` is the sum of its changes in the pane, `code + 1` the sum of change x (pane
end - time), its
part of the time integral. An *observation* (duration, distribution) has a code for its sum and a range of
codes for the
buckets of its sketch; how many were observed is the sum of the buckets.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from stream.events import clocks
from stream.metrics.sketch import ANY, WIDTH

SKETCHES: Final = 128
"""The first code of the first sketch."""


def sketch_base(number: int) -> int:
    """The code of bucket 0 of the n-th sketch of a family."""
    return SKETCHES + number * WIDTH


ELSEWHERE: Final = 1_000_000
"""A metric that reads several families has the codes of the others shifted by multiples of this."""
FAMILIES: Final = ("tickets", "calls", "surveys", "agents", "selfservice", "contacts")


def shift(family: str) -> int:
    """By how much the codes of a family are shifted in a formula of another one."""
    return (1 + FAMILIES.index(family)) * ELSEWHERE


def elsewhere(family: str, *codes: int) -> tuple[int, ...]:
    """Codes of a family for a formula of another one; a negative code stays negative."""
    by = shift(family)
    return tuple([code + by if code > 0 else code - by for code in codes])


# Topic `tickets`
TICKETS_CREATED: Final = 1
TICKETS_RESOLVED: Final = 2
TICKETS_REOPENED: Final = 3
TICKETS_NEGATIVE: Final = 4
FIRST_RESPONSE_SUM: Final = 5
RESOLUTION_SUM: Final = 6
FULL_RESOLUTION_SUM: Final = 7
ANY_RESPONSE_SUM: Final = 8
NEXT_RESPONSE_SUM: Final = 9
REQUESTER_WAIT_SUM: Final = 10
AGENT_WORK_SUM: Final = 11
INTERACTIONS_SUM: Final = 12
REASSIGNMENTS_SUM: Final = 13
ASSIGNMENT_SUM: Final = 14
TICKET_HANDLE_SUM: Final = 15
TICKETS_FIRST_CONTACT: Final = 16
TICKETS_AUTOMATED: Final = 17
TICKETS_CREATED_RESOLVED: Final = 18  # this and the next two: of those created, where they were created
TICKETS_ESCALATED: Final = 19
TICKETS_TRANSFERRED: Final = 20
TICKETS_FIRST_RESOLVED: Final = 21
TICKETS_FIRST_REOPENED: Final = 22  # reopened at least once, at the first resolution
FIRST_RESPONSE_BUSINESS_SUM: Final = 56
TICKETS_DONE_BREACHED: Final = 57  # of those created: resolved now, with a clock that breached
TICKETS_BY_OTHERS: Final = 60  # created by an agent, a bot or the system: no contacts
BACKLOG: Final = 100
BACKLOG_UNANSWERED: Final = 102
BACKLOG_UNASSIGNED: Final = 104
BACKLOG_PENDING: Final = 106
BACKLOG_OLDER: Final = 108
BACKLOG_STALE: Final = 110
BACKLOG_PAST_SLA: Final = 112
FIRST_RESPONSE: Final = SKETCHES
RESOLUTION: Final = SKETCHES + WIDTH
FULL_RESOLUTION: Final = SKETCHES + 2 * WIDTH
ANY_RESPONSE: Final = SKETCHES + 3 * WIDTH
NEXT_RESPONSE: Final = SKETCHES + 4 * WIDTH
REQUESTER_WAIT: Final = SKETCHES + 5 * WIDTH
AGENT_WORK: Final = SKETCHES + 6 * WIDTH
INTERACTIONS: Final = SKETCHES + 7 * WIDTH
REASSIGNMENTS: Final = SKETCHES + 8 * WIDTH
ASSIGNMENT: Final = SKETCHES + 9 * WIDTH
TICKET_HANDLE: Final = SKETCHES + 10 * WIDTH
FIRST_RESPONSE_BUSINESS: Final = SKETCHES + 11 * WIDTH

# Topics `tickets` and `calls`: the first of one code for each clock, in the order of sla/policy.py; of a
# level, two.
SLA_MET: Final = 23
SLA_BREACHES: Final = 34
SLA_DECIDED: Final = 45
SLA_RUNNING: Final = 62
SLA_AT_RISK: Final = sketch_base(64)
"""Behind all sketches: for each clock so many levels as there may be, each with two codes."""
WARN_LEVELS_MAX: Final = 16


CLOCKS_OF: Final[dict[str, tuple[int, ...]]] = {
    "tickets": tuple(range(clocks.TICKET_CLOCKS)),
    "calls": (clocks.QUEUE_WAIT,),
}
"""The clocks of each family that has any."""


def at_risk_code(clock: int, level: int) -> int:
    """The level of those past a warning level, by the numbers of clock and level."""
    return SLA_AT_RISK + 2 * (clock * WARN_LEVELS_MAX + level)


# Topic `calls`
CALLS_OFFERED: Final = 1
CALLS_OFFERED_OUTBOUND: Final = 2
CALLS_OFFERED_INTERNAL: Final = 3
CALLS_OFFERED_CALLBACK: Final = 4
CALLS_ANSWERED: Final = 5
CALLS_ANSWERED_WITHIN: Final = 6
CALLS_ABANDONED_IVR: Final = 7
CALLS_ABANDONED_QUEUE: Final = 8
CALLS_ABANDONED_RING: Final = 9
CALLS_ABANDONED_SHORT: Final = 10
CALLS_ABANDONED_WITHIN: Final = 11
CALLS_ABANDONED_AFTER: Final = 12
CALLS_OTHER: Final = 13
ARRIVED_ANSWERED: Final = 14
ARRIVED_ANSWERED_WITHIN: Final = 15
ARRIVED_ABANDONED: Final = 16
CALLS_LOST: Final = 17
CALLS_NEGATIVE: Final = 18
CALL_WAIT_SUM: Final = 19
ABANDON_WAIT_SUM: Final = 20
CALL_TALK_SUM: Final = 21
CALL_HANDLE_SUM: Final = 22
ARRIVED_WAIT_SUM: Final = 23
CALL_HOLD_SUM: Final = 24
CALL_WRAPUP_SUM: Final = 25
CALLS_TRANSFERRED: Final = 26
CALLS_WAITING: Final = 100
CALLS_WAITING_LONG: Final = 102
CALL_WAIT: Final = SKETCHES
ABANDON_WAIT: Final = SKETCHES + WIDTH
CALL_TALK: Final = SKETCHES + 2 * WIDTH
CALL_HANDLE: Final = SKETCHES + 3 * WIDTH
ARRIVED_WAIT: Final = SKETCHES + 4 * WIDTH
CALL_HOLD: Final = SKETCHES + 5 * WIDTH
CALL_WRAPUP: Final = SKETCHES + 6 * WIDTH

# Topic `contacts` (internal)
CONTACTS_STARTED: Final = 1
CONTACTS_REPEATED: Final = 2
CONTACTS_RETURNED: Final = 3  # resolutions at first contact that were followed by another contact

# Topic `agents`: only levels
AGENTS: Final = 100
AGENTS_AVAILABLE: Final = 102
AGENTS_RINGING: Final = 104
AGENTS_BUSY: Final = 106
AGENTS_HOLD: Final = 108
AGENTS_WRAPUP: Final = 110
AGENTS_BREAK: Final = 112

# Topic `surveys`
SURVEYS_SENT: Final = 1
SURVEYS_ANSWERED: Final = 2
CSAT_ANSWERS: Final = 3
CSAT_SATISFIED: Final = 4
NPS_PROMOTERS: Final = 5
NPS_PASSIVES: Final = 6
NPS_DETRACTORS: Final = 7
CES_EASE_ANSWERS: Final = 8
CES_EASE_SUM: Final = 9
CES_EFFORT_ANSWERS: Final = 10
CES_EFFORT_SUM: Final = 11
CES_INDEX_ANSWERS: Final = 12
CES_INDEX_SUM: Final = 13
CES_INDEX_ROUNDED: Final = 14
CX_ANSWERS: Final = 15
CX_SUM: Final = 16
EMPLOYEE_ANSWERS: Final = 17
EMPLOYEE_SUM: Final = 18
SURVEYS_FCR_ANSWERS: Final = 19
SURVEYS_FCR_CONFIRMED: Final = 20
QA_REVIEWS: Final = 21
QA_SUM: Final = 22
EASE_UNIT: Final = 3_603_600
"""`CES_INDEX_SUM` counts parts of a scale: so many are all of it. The widths 1 to 16, 99 and 100 (scales of 2
to 17 points, of 0-100 and 1-100) divide it, so answers on them are whole numbers and one sum is exact
whatever their scales. On another scale an answer is rounded, by less than 0.00002 of 100, and counted in
`CES_INDEX_ROUNDED`."""

# Topic `selfservice`
SESSIONS_STARTED: Final = 1
SESSIONS_ENDED: Final = 2
SESSIONS_SUCCEEDED: Final = 3
ARTICLES_RATED: Final = 4
ARTICLES_HELPFUL: Final = 5

LEVELS: Final[dict[str, tuple[int, ...]]] = {
    "tickets": (
        BACKLOG, BACKLOG_UNANSWERED, BACKLOG_UNASSIGNED, BACKLOG_PENDING, BACKLOG_OLDER, BACKLOG_STALE,
        BACKLOG_PAST_SLA, SLA_RUNNING + 2 * clocks.RESOLUTION,
    ),
    "calls": (CALLS_WAITING, CALLS_WAITING_LONG),
    "surveys": (),
    "selfservice": (),
    "contacts": (),
    "agents": (
        AGENTS, AGENTS_AVAILABLE, AGENTS_RINGING, AGENTS_BUSY, AGENTS_HOLD, AGENTS_WRAPUP, AGENTS_BREAK,
    ),
}  # fmt: skip
"""The level codes of each family: rolling a pane up treats their integrals apart (metrics/panes.py). Those of
clocks and warning levels that a policy has are added (shard/family.py)."""

_PER_FAMILY: Final[dict[str, tuple[str, ...]]] = {
    "tickets": (
        "TICKETS_", "FIRST_RESPONSE", "RESOLUTION", "FULL_RESOLUTION", "BACKLOG", "ANY_RESPONSE",
        "NEXT_RESPONSE", "REQUESTER_WAIT", "AGENT_WORK", "INTERACTIONS", "REASSIGNMENTS", "ASSIGNMENT",
        "TICKET_HANDLE",
    ),
    "calls": ("CALLS_", "CALL_", "ARRIVED_", "ABANDON_"),
    "surveys": ("SURVEYS_", "CSAT_", "NPS_", "CES_", "CX_", "EMPLOYEE_", "QA_"),
    "selfservice": ("SESSIONS_", "ARTICLES_"),
    "contacts": ("CONTACTS_",),
    "agents": ("AGENTS",),
}  # fmt: skip

_PLAIN: Final[dict[str, tuple[int, ...]]] = {"tickets": (INTERACTIONS, REASSIGNMENTS)}


def is_plain(family: str, code: int) -> bool:
    """Whether the sketch of a code is of plain numbers; the others are of milliseconds."""
    return SKETCHES + (code - SKETCHES) // WIDTH * WIDTH in _PLAIN.get(family, ())


def measure_name(family: str, code: int) -> str:
    """A code as people read it: `tickets_created`, `backlog`, `backlog[integral]`, `call_wait[bucket
    137]`."""
    clock = _clock_name(family, code)
    if clock:
        return clock
    if code >= SKETCHES:
        base = SKETCHES + (code - SKETCHES) // WIDTH * WIDTH
        of = "any bucket" if code - base == ANY else f"bucket {code - base}"
        return f"{_names(family)[base]}[{of}]"
    names = _names(family)
    if code in names:
        return names[code]
    return f"{names[code - 1]}[integral]" if code - 1 in names else f"measure {code}"


def _clock_name(family: str, code: int) -> str:
    """The name of a measure of a clock: `sla_met[first_reply]`; empty for any other."""
    if code >= SLA_AT_RISK:
        number, integral = divmod(code - SLA_AT_RISK, 2)
        clock, level = divmod(number, WARN_LEVELS_MAX)
        return f"sla_at_risk[{clocks.CLOCKS[clock]}, level {level}]{'[integral]' if integral else ''}"
    for clock in CLOCKS_OF.get(family, ()):
        name = clocks.CLOCKS[clock]
        counts = {SLA_MET: "sla_met", SLA_BREACHES: "sla_breaches", SLA_DECIDED: "sla_decided"}
        if code - clock in counts:
            return f"{counts[code - clock]}[{name}]"
        if code in (SLA_RUNNING + 2 * clock, SLA_RUNNING + 2 * clock + 1):
            return f"sla_running[{name}]{'[integral]' if (code - SLA_RUNNING) % 2 else ''}"
    return ""


@lru_cache
def _names(family: str) -> dict[int, str]:
    return {
        code: name.lower()
        for name, code in globals().items()
        if isinstance(code, int) and name.startswith(_PER_FAMILY[family])
    }
