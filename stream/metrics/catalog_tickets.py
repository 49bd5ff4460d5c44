"""Metrics of tickets (measures: topic `support.tickets`)."""

from __future__ import annotations

from stream.metrics import measures as m
from stream.metrics.catalog import Metric
from stream.metrics.formula import Count, Duration, Level, Share

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
        formula=Level(m.BACKLOG),
        help="Tickets with status new, open, pending or on_hold.",
        owner="Support operations", target="under two days of ticket_volume",
        next_action="Split by team, priority and age; move people to where it grows.",
        pairs=("ticket_volume", "tickets_resolved"),
    ),
    Metric(
        id="backlog_unanswered", kind="level", unit="tickets", group="operational", family="tickets",
        formula=Level(m.BACKLOG_UNANSWERED),
        help="Tickets of the backlog in which a customer message waits for a public reply by a person.",
        owner="Team leads", target="under one hour of ticket_volume",
        next_action="Answer these before anything else.",
        pairs=("first_response_time", "backlog"),
    ),
]  # fmt: skip
