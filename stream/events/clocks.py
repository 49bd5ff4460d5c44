"""The clocks of SLAs by name and number (sla.md, Clocks)."""

from __future__ import annotations

from typing import Final

CLOCKS: Final = (
    "first_reply", "next_reply", "periodic_update", "pausable_update", "requester_wait", "agent_work",
    "resolution", "full_resolution", "assignment", "group_ownership", "queue_wait",
)  # fmt: skip
"""All clocks; the number of a clock is its place here. It is part of the stored format."""
FIRST_REPLY: Final = 0
NEXT_REPLY: Final = 1
PERIODIC_UPDATE: Final = 2
PAUSABLE_UPDATE: Final = 3
REQUESTER_WAIT: Final = 4
AGENT_WORK: Final = 5
RESOLUTION: Final = 6
FULL_RESOLUTION: Final = 7
ASSIGNMENT: Final = 8
GROUP_OWNERSHIP: Final = 9
QUEUE_WAIT: Final = 10
TICKET_CLOCKS: Final = 10
"""The clocks before this number are those of tickets."""
