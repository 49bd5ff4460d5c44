"""What `/metrics` says of processes, from what they report: who is gone, and what stays counted."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from stream.alerts.counters import Counters
from stream.config import Config, ExporterConfig
from stream.shard.changes import Fence
from stream.store.reports import GONE_MS, DispatcherReport, VerifyReport, WorkerReport
from stream.worker.ports import Partition, Position
from stream.worker.report import Work
from tests.answers import FloorReader, floor, ms
from tests.scraped import CONFIG, NOW, TICKETS, Serve, Served, lint, serving

WALL_MS = ms("2026-03-02T10:00:01")
LAGGING = Position(next_offset=10, end_offset=17, answered_ms=WALL_MS)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts exporters."""
    async with serving() as start:
        yield start


def worker(name: str = "w1", at_ms: int = WALL_MS, refusals: int = 0) -> WorkerReport:
    """A worker that is seven records behind, after commits of 30 and 300 records and a tick."""
    work = Work()
    for seconds, records in ((0.02, 30), (0.2, 300), (0.001, 0)):
        work.committed(seconds, records)
    work.refusals = refusals
    positions = [("tickets", Partition("t", 0), LAGGING), ("calls", Partition("c", 0), None)]
    return replace(work.report(positions), name=name, at_ms=at_ms)


def dispatcher(name: str = "d1", at_ms: int = WALL_MS, sent: int = 0, too_old: int = 0) -> DispatcherReport:
    """A dispatcher of alerts with one destination."""
    counters = Counters(too_old=too_old, circuits={"pager": "closed"})
    counters.deliveries["pager", "sent"] = sent
    return replace(counters.report({"pager": "pagerduty"}, at_ms), name=name)


def tickets() -> FloorReader:
    """A floor of tickets, of which nobody says anything yet."""
    return floor(CONFIG, NOW, tickets=TICKETS)


async def test_what_a_worker_says_of_itself(serve: Serve) -> None:
    """Histograms of its commits and their records (a tick has none), and how far each shard is behind; one
    whose log has not answered yet has no lag, not 0."""
    source = tickets()
    source.said = [worker()]
    scraped = await serve(source=source).scrape()
    assert scraped.all("worker_up", "worker") == {"w1": 1}
    assert scraped.all("commit_seconds_bucket", "le")["0.025"] == 2
    assert scraped.value("commit_seconds_count", worker="w1") == 3
    assert scraped.value("commit_seconds_sum", worker="w1") == pytest.approx(0.221)
    assert scraped.all("batch_records_bucket", "le")["50.0"] == 1
    assert scraped.value("batch_records_sum", worker="w1") == 330
    assert scraped.families["support_commit_seconds"].type == "histogram"
    assert scraped.value("shard_lag_records", topic="tickets", partition="0", worker="w1") == 7
    assert scraped.all("shard_lag_records", "topic") == {"tickets": 7}


@pytest.mark.parametrize("at_ms", [WALL_MS - GONE_MS - 1, WALL_MS + GONE_MS + 1])
async def test_who_says_nothing_any_more_has_no_series(serve: Serve, at_ms: int) -> None:
    """Its lag goes stale, not flat; also when its clock is ahead, by which it would seem to live on."""
    source = tickets()
    source.said = [worker("gone", at_ms), worker("here", WALL_MS - GONE_MS), dispatcher("gone", at_ms)]
    scraped = await serve(source=source).scrape()
    for name in ("worker_up", "shard_lag_records", "commit_seconds_count", "batch_records_sum"):
        assert scraped.all(name, "worker").keys() == {"here"}
    assert "support_dispatcher_up" not in scraped.families
    assert "support_delivery_circuit_open" not in scraped.families


async def test_what_ended_a_worker_is_a_rise_that_stays(serve: Serve) -> None:
    """Refusals are added up over workers: also of one that was refused before it was ever seen, and of those
    that are gone. What had been counted before the exporter began was told before."""
    source = tickets()
    source.said = [worker("old", WALL_MS - 60_000, refusals=5), worker("w1")]
    served = serve(source=source)
    told = [await refusals(served)]
    for said in (
        [worker("w1", refusals=1), worker("w2", refusals=1)],
        [worker("w1", WALL_MS - 60_000, refusals=1), worker("w3")],
        [worker("w3", refusals=2), worker("w1", refusals=1)],
    ):
        source.said = [*said]
        await served.read()
        told.append(await refusals(served))
    assert told == [0, 2, 2, 4]


async def refusals(served: Served) -> float:
    """As told now."""
    return (await served.scrape()).value("fence_refusals_total")


async def test_deliveries_of_all_dispatchers_together(serve: Serve) -> None:
    """From 0 on, by result; one that is started again under its name has counted from 0, which makes nothing
    fall; a destination is open when it is for one of them."""
    source = tickets()
    source.said = [dispatcher()]
    served = serve(source=source)
    before = await served.scrape()
    assert before.all("deliveries_total", "result") == {"sent": 0, "failed": 0, "refused": 0}
    assert before.value("alerts_too_old_total") == 0
    source.said = [
        dispatcher(sent=3),
        replace(dispatcher("d2", sent=4, too_old=2), circuits={"pager": "open"}),
    ]
    await served.read()
    source.said = [dispatcher(sent=1), source.said[1]]
    await served.read()
    after = await served.scrape()
    labels = {"destination": "pager", "channel": "pagerduty", "result": "sent"}
    assert after.value("deliveries_total", **labels) == 3 + 4 + 1
    assert after.value("alerts_too_old_total") == 2
    assert before.value("delivery_circuit_open", destination="pager") == 0
    assert after.value("delivery_circuit_open", destination="pager") == 1
    assert after.all("dispatcher_up", "dispatcher") == {"d1": 1, "d2": 1}


async def test_records_by_what_became_of_them(serve: Serve) -> None:
    """By result, of those applied by type, of those refused by why: also the reasons of which there is none
    yet; and what nobody could count."""
    source = floor(
        CONFIG, NOW, tickets=[*TICKETS, (NOW, "ticket.renamed", "T1", {}), (NOW, "ticket.created", "T9", {})]
    )
    journal = source._images["tickets", 0].journal
    journal |= {"lost_at_head": 5, "late_versions": 1}
    scraped = await serve(source=source).scrape()
    results = scraped.all("events_total", "result", topic="tickets")
    assert {name: count for name, count in results.items() if count} == {
        "applied": 5, "ignored": 1, "missing": 1,
    }  # fmt: skip
    by_type = scraped.all("events_applied_total", "type", topic="tickets")
    assert by_type == {"ticket.created": 4, "ticket.message_added": 1}
    letters = scraped.all("dead_letters_total", "reason", topic="tickets")
    assert (letters["missing"], letters["late"], letters["not_json"]) == (1, 0, 0)
    assert "late" not in scraped.all("dead_letters_total", "reason", topic="contacts")
    assert scraped.value("records_lost_total", topic="tickets") == 5
    assert scraped.value("late_versions_total", topic="tickets") == 1


async def test_how_far_each_shard_is(serve: Serve) -> None:
    """Its clock, once it has one; what nobody has counted in has none, instead of 1970."""
    source = tickets()
    source._images["calls", 0].fence = Fence()
    scraped = await serve(source=source).scrape()
    assert scraped.value("shard_clock_timestamp_seconds", topic="tickets", partition="0") * 1000 == ms(NOW)
    assert "calls" not in scraped.all("shard_clock_timestamp_seconds", "topic")
    assert "support_carried_before_timestamp_seconds" not in scraped.families


async def test_before_when_panes_were_carried_over(serve: Serve) -> None:
    """Of those shards whose log did not tell them any more."""
    source = tickets()
    source._images["tickets", 0].fence.carried_ms = 86_400_000
    scraped = await serve(source=source).scrape()
    assert scraped.all("carried_before_timestamp_seconds", "topic") == {"tickets": 86_400}


async def test_timers_are_due_by_the_clock_of_the_numbers(serve: Serve) -> None:
    """Of history (`clock: events`) none is late only because it was long ago."""
    by_events = Config(exporter=ExporterConfig(port=0), clock="events")
    for config, due in ((CONFIG, 1), (by_events, 0)):
        source = floor(config, NOW, tickets=TICKETS)
        source._images["tickets", 0].timers = {"T1": ms(NOW) + 500, "T2": WALL_MS + 60_000}
        assert (await serve(config, source).scrape()).value("timers_due", topic="tickets") == due


async def test_what_the_last_verification_found_is_told_for_a_day(serve: Serve) -> None:
    """Then nobody knows."""
    source = tickets()
    served = serve(source=source)
    for hours, told in ((23, True), (25, False)):
        at_ms = WALL_MS - hours * 3_600_000
        source.said = [VerifyReport(name="verify", at_ms=at_ms, differences=2)]
        await served.read()
        assert ("support_replay_drift" in (await served.scrape()).families) is told


async def test_how_far_a_rebuild_is(serve: Serve) -> None:
    """Against what the live numbers count, while there is one; of nothing live no share can be told."""
    source = tickets()
    live = sum(image.fence.offset for image in source._images.values())
    assert "support_rebuild_read_ratio" not in (await serve(source=source).scrape()).families
    source.filling = floor(CONFIG, NOW, tickets=TICKETS[:2])
    read = sum(image.fence.offset for image in source.filling._images.values())
    assert 0 < read < live
    scraped = await serve(source=source).scrape()
    assert scraped.all("rebuild_read_ratio", "generation") == {"2": read / live}
    for image in source._images.values():
        image.fence = Fence()
    assert "support_rebuild_read_ratio" not in (await serve(source=source).scrape()).families


async def test_promtool_finds_nothing_to_mend_in_what_processes_say(serve: Serve) -> None:
    """Histograms, and every name that needs a report."""
    source = tickets()
    source.said = [worker(), dispatcher(), VerifyReport(name="verify", at_ms=WALL_MS, differences=0)]
    _, text = await serve(source=source).get("/metrics")
    assert "support_commit_seconds_bucket" in text
    assert await lint(text) == ""
