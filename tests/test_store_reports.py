"""What processes say about themselves: kept in the store, few, and never in the way of who says it."""

import asyncio
import logging

import msgspec
import pytest
from redis.asyncio import Redis

from stream.config import RedisConfig
from stream.store import RedisStore, Rejected, Report
from stream.store.layout import reports_key
from stream.store.reports import KEPT_MS, REPORTS_MAX, VerifyReport, WorkerReport, forgotten, keep_reporting
from stream.worker.report import Work

NOW_MS = 1_772_445_600_000


def worker(name: str, ago_ms: int = 0) -> WorkerReport:
    """A worker that said something so long ago."""
    return msgspec.structs.replace(Work().report([]), name=name, at_ms=NOW_MS - ago_ms)


def packed(kind: str, ago_ms: int) -> bytes:
    """A report of any version of ours."""
    return msgspec.json.encode({"type": kind, "at_ms": NOW_MS - ago_ms, "other": ["things"]})


async def test_the_last_report_of_each_process_stands(store: RedisStore) -> None:
    """Those of processes that are silent stay for an hour; who reports next removes them then."""
    await store.write_report(VerifyReport(name="verify", at_ms=NOW_MS - 20 * KEPT_MS, differences=1))
    await store.write_report(worker("long gone", KEPT_MS + 1))
    await store.write_report(worker("silent", KEPT_MS))
    await store.write_report(worker("w1", 5_000))
    await store.write_report(worker("w1"))
    assert {(one.name, one.at_ms - NOW_MS) for one in await store.reports()} == {
        ("silent", -KEPT_MS), ("verify", -20 * KEPT_MS), ("w1", 0),
    }  # fmt: skip


async def test_reports_of_other_versions_are_left_alone(store: RedisStore, redis_config: RedisConfig) -> None:
    """They tell us nothing, but those who know them; what is no report at all is removed."""
    key = reports_key(redis_config.namespace)
    async with Redis.from_url(redis_config.url) as raw:
        await raw.hset(key, mapping={"newer": packed("worker", 0), "damage": b"\xff", "none": b"{}"})
        await store.write_report(worker("w1"))
        assert set(await raw.hkeys(key)) == {b"newer", b"w1"}
    assert [one.name for one in await store.reports()] == ["w1"]


def test_there_are_never_many() -> None:
    """Of a process that is started again and again the latest are kept."""
    reports = {b"%d" % age: packed("worker", age) for age in range(REPORTS_MAX + 7)}
    assert sorted(map(int, forgotten(reports, NOW_MS))) == list(range(REPORTS_MAX, REPORTS_MAX + 7))


def test_clocks_that_are_ahead_do_not_keep_reports_for_ever() -> None:
    """A report of the far future is as good as one of long ago."""
    assert forgotten({b"ahead": packed("worker", -KEPT_MS - 1)}, NOW_MS) == [b"ahead"]


async def test_whatever_goes_wrong_with_a_report_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """It is tried again, and said once until it has worked."""
    trouble: list[Exception | None] = [Rejected("no rights"), OSError("no way"), None, RuntimeError(), None]
    written: list[Report] = []
    done = asyncio.Event()

    async def write(report: Report) -> None:
        if not trouble:
            done.set()
            await asyncio.Event().wait()
        elif error := trouble.pop(0):
            raise error
        written.append(report)

    with caplog.at_level(logging.WARNING):
        reporting = asyncio.create_task(keep_reporting(write, lambda: worker("w1"), every_s=0))
        await done.wait()
        assert not reporting.done()
        reporting.cancel()
    assert len(written) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "/metrics says nothing of this process: no rights",
        "/metrics says nothing of this process: RuntimeError",
    ]


async def test_a_report_that_cannot_be_made_disturbs_nobody() -> None:
    """What is counted may be in any state."""
    asked: list[None] = []
    again = asyncio.Event()

    def broken() -> Report:
        asked.append(None)
        if len(asked) == 2:
            again.set()
        raise LookupError

    async def write(report: Report) -> None:
        pytest.fail("there is none")

    reporting = asyncio.create_task(keep_reporting(write, broken, every_s=0))
    await again.wait()
    reporting.cancel()


@pytest.mark.parametrize("trouble", [None, OSError("Redis is away")])
async def test_a_report_is_written_now_and_then(trouble: OSError | None) -> None:
    """Once, then not again for a while, whether it was written or not: Redis has more to do."""
    written: list[Report] = []

    async def write(report: Report) -> None:
        written.append(report)
        if trouble is not None:
            raise trouble

    reporting = asyncio.create_task(keep_reporting(write, lambda: worker("w1")))
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(written) == 1
    assert not reporting.done()
    reporting.cancel()
