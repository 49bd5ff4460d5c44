"""What the resolution in force of a ticket counts: taken back whole when the ticket is reopened."""

from __future__ import annotations

from typing import Final

from stream.lifecycle.delta import Delta
from stream.metrics import measures as m
from stream.metrics.segments import Segment

Figures = tuple[int, ...]
"""What had come of the ticket by then: one number for each of `FIGURES`."""

FIGURES: Final = (
    "waited_ms", "worked_ms", "interactions", "reassignments", "logged_ms", "first_contact", "automated",
)  # fmt: skip
"""In status new, open, on_hold; in new, open; public messages of people; changes of agent; logged work, or
`NO_WORK`; 1 if one contact was enough; 1 if no person had replied."""
NO_WORK: Final = -1
FIRST_CONTACT: Final = FIGURES.index("first_contact")


def count_resolution(
    out: Delta, at: int, segment: Segment, created_ms: int, figures: Figures, sign: int
) -> None:
    """Counts (1) or takes back (-1) a resolution, at its instant and in its segment."""
    waited, worked, interactions, reassignments, logged, first_contact, automated = figures
    negative = m.TICKETS_NEGATIVE
    out.add(at, segment, m.TICKETS_RESOLVED, sign)
    out.observe(at, segment, m.FULL_RESOLUTION_SUM, m.FULL_RESOLUTION, at - created_ms, negative, sign)
    out.observe(at, segment, m.REQUESTER_WAIT_SUM, m.REQUESTER_WAIT, waited, negative, sign)
    out.observe(at, segment, m.AGENT_WORK_SUM, m.AGENT_WORK, worked, negative, sign)
    out.observe(at, segment, m.INTERACTIONS_SUM, m.INTERACTIONS, interactions, negative, sign)
    out.observe(at, segment, m.REASSIGNMENTS_SUM, m.REASSIGNMENTS, reassignments, negative, sign)
    if logged != NO_WORK:
        out.observe(at, segment, m.TICKET_HANDLE_SUM, m.TICKET_HANDLE, logged, negative, sign)
    if first_contact:
        out.add(at, segment, m.TICKETS_FIRST_CONTACT, sign)
    if automated:
        out.add(at, segment, m.TICKETS_AUTOMATED, sign)
