"""What processes say about themselves, kept up to date."""

import asyncio
from contextlib import suppress

import pytest

from stream.store import StoreError
from stream.store.reports import Report, VerifyReport, keep_reporting


@pytest.mark.parametrize("trouble", [None, StoreError("Redis is away")])
async def test_a_report_is_written_now_and_then(trouble: StoreError | None) -> None:
    """Once, then not again for a while, whether it was written or not: nobody waits for a report, and Redis
    has more to do than to take them."""
    written = 0

    async def write(report: Report) -> None:
        nonlocal written
        written += 1
        if trouble is not None:
            raise trouble

    reporting = asyncio.create_task(
        keep_reporting(write, lambda: VerifyReport(name="verify", at_ms=0, differences=0))
    )
    for _ in range(50):
        await asyncio.sleep(0)
    assert written == 1
    assert not reporting.done()
    reporting.cancel()
    with suppress(asyncio.CancelledError):
        await reporting
