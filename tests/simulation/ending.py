"""What must hold when everything has been read."""

from __future__ import annotations

from tests.simulation.checks import Checks


async def at_end(checks: Checks) -> None:
    """The numbers are the oracle's, every breach was told once, every alert was delivered."""
    shards = await checks.look()
    checks.keys(shards)
