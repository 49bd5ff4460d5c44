"""Metrics of tickets (measures: topic `support.tickets`)."""

from __future__ import annotations

from stream.metrics import measures as m
from stream.metrics.catalog import Metric
from stream.metrics.formula import Ages, Count, Duration, Level, Oldest, Ratio, Share

AGES = {
    "<1h": Ages(m.BACKLOG, 0, 1),
    "<4h": Ages(m.BACKLOG, 1, 4),
    "<24h": Ages(m.BACKLOG, 4, 24),
    "<3d": Ages(m.BACKLOG, 24, 3 * 24),
    "<7d": Ages(m.BACKLOG, 3 * 24, 7 * 24),
    "older": Ages(m.BACKLOG, 7 * 24),
}
"""Ages of the backlog; each ticket is in one."""


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
        id=metric_id, kind="duration", unit="seconds", group="speed", family="tickets", formula=Duration(sum_code, sketch),
        help=words, owner="Team leads", target=target, next_action=next_action, pairs=pairs,
    )  # fmt: skip


def _ratio(
    metric_id: str,
    over: int,
    under: int,
    words: str,
    target: str,
    next_action: str,
    pairs: tuple[str, ...],
) -> Metric:
    return Metric(
        id=metric_id, kind="ratio", unit="ratio", group="quality", family="tickets", formula=Ratio((over,), (under,)),
        help=words, owner="Quality", target=target, next_action=next_action, pairs=pairs,
    )  # fmt: skip


def _backlog(
    metric_id: str, level: int, words: str, target: str, next_action: str, pairs: tuple[str, ...]
) -> Metric:
    return Metric(
        id=metric_id, kind="level", unit="tickets", group="operational", family="tickets", formula=Level((level,)),
        help=words, owner="Team leads", target=target, next_action=next_action, pairs=pairs,
    )  # fmt: skip


METRICS = [
    Metric(
        id="ticket_volume", kind="count", unit="tickets", group="operational", family="tickets",
        formula=Count((m.TICKETS_CREATED,)),
        help="Tickets created, counted when created. Merged, spam and deleted tickets are not counted.",
        owner="Support operations", target="within the forecast",
        next_action="Compare with releases, outages and campaigns of the day; staff to the forecast.",
        pairs=("tickets_resolved", "backlog"),
    ),
    Metric(
        id="channel_share", kind="ratio", unit="ratio", group="operational", family="tickets", also=("calls",),
        formula=Share((m.TICKETS_CREATED, -m.TICKETS_BY_OTHERS, *m.elsewhere("calls", m.CALLS_OFFERED)), "channel"),
        help="Contacts of the channel / contacts of all channels: tickets created by a customer and inbound calls offered, counted at their start.",
        owner="Head of support", target="moving to the channels that customers prefer",
        next_action="Staff each channel for its share; read beside csat by channel.",
        pairs=("csat", "first_response_time", "ticket_volume", "calls_offered"),
    ),
    Metric(
        id="first_response_time", kind="duration", unit="seconds", group="speed", family="tickets",
        formula=Duration(m.FIRST_RESPONSE_SUM, m.FIRST_RESPONSE),
        help="First customer message to the first public reply by a person, counted when replied. One per ticket.",
        owner="Team leads", target="mean under 1 h",
        next_action="Answer the oldest unanswered ticket first; read beside csat.",
        pairs=("csat", "tickets_reopened"),
    ),
    _duration(
        "first_response_time_business", m.FIRST_RESPONSE_BUSINESS_SUM, m.FIRST_RESPONSE_BUSINESS,
        "The span of first_response_time in the business time of the ticket's calendar: that of its policy, else the default one, else 24x7.",
        "mean under 2 h", "See at which hour the slow ones arrived; move a shift before adding one.",
        ("first_response_time", "sla_compliance"),
    ),
    _duration(
        "first_response_time_any", m.ANY_RESPONSE_SUM, m.ANY_RESPONSE,
        "First customer message to the first public message by an agent, a bot or the system, automated or not. Counted when replied; one per ticket.",
        "mean under 5 min", "If it is far below first_response_time, machines answer and people do not.",
        ("first_response_time", "automation_rate"),
    ),
    _duration(
        "next_response_time", m.NEXT_RESPONSE_SUM, m.NEXT_RESPONSE,
        "Oldest unanswered customer message to the public reply by a person: every one after the first response, counted when replied.",
        "mean under 4 h", "Answer those who wrote again before new tickets; read beside csat.",
        ("csat", "first_response_time"),
    ),
    Metric(
        id="resolution_time", kind="duration", unit="seconds", group="speed", family="tickets",
        formula=Duration(m.RESOLUTION_SUM, m.RESOLUTION),
        help="Creation to the first resolution, counted there; it stays when the ticket is reopened.",
        owner="Team leads", target="mean under 24 h",
        next_action="Look at the slowest category and at what waits for others; read beside tickets_reopened.",
        pairs=("tickets_reopened", "csat"),
    ),
    Metric(
        id="full_resolution_time", kind="duration", unit="seconds", group="speed", family="tickets",
        formula=Duration(m.FULL_RESOLUTION_SUM, m.FULL_RESOLUTION),
        help="Creation to the resolution in force, everything between included. A reopening takes it back.",
        owner="Team leads", target="mean under 30 h",
        next_action="Where it exceeds resolution_time, see why tickets come back.",
        pairs=("tickets_reopened", "resolution_time"),
    ),
    _duration(
        "requester_wait_time", m.REQUESTER_WAIT_SUM, m.REQUESTER_WAIT,
        "Time in new, open and on_hold up to the resolution in force, counted there: what the customer waited for us.",
        "mean under 12 h", "See in which status it is spent; shorten what is on_hold for others.",
        ("agent_work_time", "csat"),
    ),
    _duration(
        "agent_work_time", m.AGENT_WORK_SUM, m.AGENT_WORK,
        "Time in new and open up to the resolution in force, counted there: what was ours to do.",
        "mean under 8 h", "If it is most of requester_wait_time, work waits for agents: staff or sort it.",
        ("requester_wait_time", "csat"),
    ),
    _duration(
        "ticket_handle_time", m.TICKET_HANDLE_SUM, m.TICKET_HANDLE,
        "Sum of the work logged up to the resolution in force, counted there, of tickets that have any.",
        "as planned", "Compare categories; never push it down alone.",
        ("csat", "tickets_reopened"),
    ),
    _duration(
        "time_to_assign", m.ASSIGNMENT_SUM, m.ASSIGNMENT,
        "Creation to the first time that an agent is set, counted there; 0 when set at creation.",
        "mean under 15 min", "Route by rule what people hand out; read beside reassignments_per_ticket.",
        ("reassignments_per_ticket", "first_contact_resolution"),
    ),
    Metric(
        id="interactions_per_ticket", kind="distribution", unit="messages", group="quality", family="tickets",
        formula=Duration(m.INTERACTIONS_SUM, m.INTERACTIONS, scale=1),
        help="Public, not automated messages of customer and agents up to the resolution in force, counted there. A creation by the customer is one.",
        owner="Quality", target="mean under 4",
        next_action="Read the longest of the worst category; ask for what is needed at once.",
        pairs=("first_contact_resolution", "csat"),
    ),
    Metric(
        id="reassignments_per_ticket", kind="distribution", unit="reassignments", group="quality", family="tickets",
        formula=Duration(m.REASSIGNMENTS_SUM, m.REASSIGNMENTS, scale=1),
        help="Changes from one agent to another up to the resolution in force, counted there.",
        owner="Quality", target="mean under 1",
        next_action="See which category goes from hand to hand; mend its routing.",
        pairs=("transfer_rate", "resolution_time"),
    ),
    _ratio(
        "resolution_rate", m.TICKETS_CREATED_RESOLVED, m.TICKETS_CREATED,
        "Resolved or closed now / created, of the tickets created in the window.",
        "at least 90 %", "Look at what is still open of the week before last.",
        ("tickets_reopened", "resolution_time"),
    ),
    _ratio(
        "reopen_rate", m.TICKETS_FIRST_REOPENED, m.TICKETS_FIRST_RESOLVED,
        "Reopened at least once / resolved at least once, counted at the first resolution.",
        "under 5 %", "Read the reopened tickets of the worst category; mend the answer or the article.",
        ("first_contact_resolution", "resolution_time"),
    ),
    _ratio(
        "first_contact_resolution", m.TICKETS_FIRST_CONTACT, m.TICKETS_RESOLVED,
        "Resolved with at most one public message by a person, never transferred, escalated or reopened / resolved, counted at the resolution in force.",
        "at least 70 %", "Give the first line what the second needed most often.",
        ("reopen_rate", "csat"),
    ),
    _ratio(
        "escalation_rate", m.TICKETS_ESCALATED, m.TICKETS_CREATED,
        "Escalated at least once / created, of the tickets created in the window.",
        "under 10 %", "See which category is escalated; train or document it.",
        ("first_contact_resolution", "csat"),
    ),
    _ratio(
        "transfer_rate", m.TICKETS_TRANSFERRED, m.TICKETS_CREATED,
        "Team changed after it was first set / created, of the tickets created in the window.",
        "under 15 %", "Mend the routing of the category that changes hands most.",
        ("reassignments_per_ticket", "first_contact_resolution"),
    ),
    _ratio(
        "automation_rate", m.TICKETS_AUTOMATED, m.TICKETS_RESOLVED,
        "Resolved without any public message by a person / resolved, counted at the resolution in force.",
        "as planned", "Raise it only while csat and reopen_rate hold.",
        ("csat", "reopen_rate"),
    ),
    Metric(
        id="tickets_resolved", kind="count", unit="tickets", group="operational", family="tickets",
        formula=Count((m.TICKETS_RESOLVED,)),
        help="Tickets whose resolution is in force, counted at that resolution. A reopening takes it back.",
        owner="Team leads", target="at least the ticket_volume of the day",
        next_action="If below the volume for days, the backlog grows: add capacity or deflect.",
        pairs=("tickets_reopened", "csat"),
    ),
    Metric(
        id="tickets_reopened", kind="count", unit="reopenings", group="quality", family="tickets",
        formula=Count((m.TICKETS_REOPENED,)),
        help="Reopenings: a resolved or closed ticket became active again, counted each time.",
        owner="Quality", target="under 5 % of resolutions",
        next_action="Read the reopened tickets of the worst category; mend the answer or the article.",
        pairs=("tickets_resolved", "resolution_time"),
    ),
    Metric(
        id="backlog", kind="level", unit="tickets", group="operational", family="tickets",
        formula=Level((m.BACKLOG,)),
        help="Tickets with status new, open, pending or on_hold.",
        owner="Support operations", target="under two days of ticket_volume",
        next_action="Split by team, priority and age; move people to where it grows.",
        pairs=("ticket_volume", "tickets_resolved"),
    ),
    Metric(
        id="backlog_unanswered", kind="level", unit="tickets", group="operational", family="tickets",
        formula=Level((m.BACKLOG_UNANSWERED,)),
        help="Tickets of the backlog in which a customer message waits for a public reply by a person.",
        owner="Team leads", target="under one hour of ticket_volume",
        next_action="Answer these before anything else.",
        pairs=("first_response_time", "backlog"),
    ),
    _backlog(
        "backlog_unassigned", m.BACKLOG_UNASSIGNED, "Tickets of the backlog that no agent has.",
        "under 15 min of ticket_volume", "Assign them, the oldest first.", ("time_to_assign", "backlog"),
    ),
    _backlog(
        "backlog_pending", m.BACKLOG_PENDING, "Tickets of the backlog with status pending: they wait for the customer.",
        "under half of the backlog", "Remind the customers, then resolve.", ("backlog", "backlog_stale"),
    ),
    _backlog(
        "backlog_older_than_24h", m.BACKLOG_OLDER, "Tickets of the backlog that were created at least 24 h ago.",
        "under a tenth of the backlog", "Go through them daily, the oldest first.", ("backlog_age", "resolution_time"),
    ),
    _backlog(
        "backlog_stale", m.BACKLOG_STALE, "Tickets of the backlog to which nothing has happened for 3 business days.",
        "under 5", "Do the next step on each, or resolve it.", ("backlog_older_than_24h", "backlog_pending"),
    ),
    Metric(
        id="backlog_age", kind="distribution", unit="hours", group="operational", family="tickets",
        formula=Ages(m.BACKLOG), labels={"le": AGES},
        help="Whole hours since creation, rounded down, of the tickets in the backlog now; by le how many are how old.",
        owner="Support operations", target="mean under 48",
        next_action="Split by team and priority; take the oldest first.",
        pairs=("backlog", "backlog_older_than_24h"),
    ),
    Metric(
        id="oldest_unanswered_age", kind="gauge", unit="seconds", group="speed", family="tickets",
        formula=Oldest(m.BACKLOG_UNANSWERED),
        help="Seconds since the oldest customer message that waits for a public reply by a person; empty when none waits.",
        owner="Team leads", target="under 4 h", next_action="Answer that ticket.",
        pairs=("backlog_unanswered", "first_response_time"),
    ),
]  # fmt: skip
