"""Metrics of self-service sessions (measures: topic `support.selfservice`)."""

from __future__ import annotations

from stream.metrics import measures as m
from stream.metrics.catalog import Metric
from stream.metrics.formula import Count, Ratio

_CONTACTS = (
    *m.elsewhere("tickets", m.TICKETS_CREATED, -m.TICKETS_BY_OTHERS),
    *m.elsewhere("calls", m.CALLS_OFFERED),
)

METRICS = [
    Metric(
        id="selfservice_sessions", kind="count", unit="sessions", group="operational", family="selfservice",
        formula=Count((m.SESSIONS_STARTED,)),
        help="Sessions in the help centre or with a bot, counted when started.",
        owner="Knowledge managers", target="growing with the customers", next_action="Read beside ticket_volume: where both rise, articles miss.",
        pairs=("selfservice_success_rate", "ticket_volume"),
    ),
    Metric(
        id="selfservice_success_rate", kind="ratio", unit="ratio", group="quality", family="selfservice",
        formula=Ratio((m.SESSIONS_SUCCEEDED,), (m.SESSIONS_ENDED,)),
        help="Of the sessions ended: with a viewed article or solved by the bot, and without going on to a person / all.",
        owner="Knowledge managers", target="at least 60 %", next_action="Read what the sessions that opened a contact had viewed; make those steps clearer.",
        pairs=("article_helpful_rate", "selfservice_share"),
    ),
    Metric(
        id="selfservice_share", kind="ratio", unit="ratio", group="operational", family="selfservice", also=("tickets", "calls"),
        formula=Ratio((m.SESSIONS_STARTED,), (m.SESSIONS_STARTED, *_CONTACTS)),
        help="Sessions / (sessions + contacts), counted at their start; contacts are tickets created by a customer and inbound calls offered.",
        owner="Head of support", target="growing with the success rate", next_action="Read beside selfservice_success_rate: sessions that fail come back as contacts.",
        pairs=("selfservice_success_rate", "ticket_volume"),
    ),
    Metric(
        id="article_helpful_rate", kind="ratio", unit="ratio", group="quality", family="selfservice",
        formula=Ratio((m.ARTICLES_HELPFUL,), (m.ARTICLES_RATED,)),
        help="Ratings of articles: helpful / all, counted when rated; by article where it is a grouping.",
        owner="Knowledge managers", target="at least 75 %", next_action="Rewrite the article with most unhelpful ratings.",
        pairs=("selfservice_success_rate",),
    ),
]  # fmt: skip
