"""Metrics joined by customer (measures: the internal topic `support.contacts`, and tickets)."""

from __future__ import annotations

from stream.metrics import measures as m
from stream.metrics.catalog import Metric
from stream.metrics.formula import Ratio

METRICS = [
    Metric(
        id="first_contact_resolution_7d", kind="ratio", unit="ratio", group="quality", family="tickets",
        also=("contacts",), fed_by=("calls",),
        formula=Ratio((m.TICKETS_FIRST_CONTACT, *m.elsewhere("contacts", -m.CONTACTS_RETURNED)), (m.TICKETS_RESOLVED,)),
        help="Resolved at the first contact, and no further contact of that customer in the same category within 7 days / resolved. Provisional for 7 days.",
        owner="Quality", target="at least 70 %",
        pairs=("first_contact_resolution", "csat"),
        next_action="Read the tickets whose customers came back, by category; mend the answer or the article.",
    ),
    Metric(
        id="repeat_contact_rate", kind="ratio", unit="ratio", group="quality", family="contacts",
        fed_by=("tickets", "calls"),
        formula=Ratio((m.CONTACTS_REPEATED,), (m.CONTACTS_STARTED,)),
        help="Contacts whose customer had another one at most 7 days before / contacts with a known customer: tickets created by customers and inbound calls.",
        owner="Head of support", target="under 20 %",
        pairs=("first_contact_resolution_7d", "csat"),
        next_action="Find the category that brings customers back, and what they were not told the first time.",
    ),
]  # fmt: skip
