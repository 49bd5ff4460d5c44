"""`floorcast deadletters` on the real servers: what was refused is seen, and counts once that is mended."""

import asyncio
import json
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from stream.floor.telling import rfc3339
from stream.metrics.catalog import load_catalog
from stream.query.model import Question
from stream.query.query import Queries
from tests.rig.pipeline import Pipeline

AHEAD_MS = 5 * 60_000 + 5_000
"""So far ahead is refused (`future`), and is not any more after five seconds."""


def created(subject: str, shift_ms: int = 0, **ticket: Any) -> dict[str, Any]:
    """A ticket's creation."""
    now_ms = time.time_ns() // 1_000_000
    return {
        "specversion": "1.0", "id": f"e-{subject}", "source": "desk", "type": "ticket.created",
        "subject": subject, "time": rfc3339(now_ms + shift_ms), "data": {"ticket": ticket},
    }  # fmt: skip


async def listed(deployment: Pipeline, *words: str) -> dict[str, Any]:
    """`floorcast deadletters list --json`."""
    status, output = await deployment.run("deadletters", "list", "--json", *words)
    assert status == 0, output
    found: dict[str, Any] = json.loads(output)
    return found


async def replayed(deployment: Pipeline, *words: str) -> tuple[int, str]:
    """`floorcast deadletters replay`."""
    return await deployment.run("deadletters", "replay", *words)


async def volume(deployment: Pipeline) -> float | None:
    """Tickets created two hours before and after now, when all that is in the log has been read."""
    await deployment.wait()
    now_ms = time.time_ns() // 10_000_000_000 * 10_000
    question = Question("ticket_volume", now_ms, now_ms - 7_200_000, now_ms + 7_200_000)
    async with deployment.store() as store:
        (row,) = (await Queries(load_catalog(), deployment.config, store).ask(question)).rows
    return row.values["value"]


async def test_a_refused_event_counts_once_its_cause_is_mended(deployment: Pipeline, tmp_path: Path) -> None:
    """Listed by reason, shown safely, put to the worker's rules before anything is sent, sent as it was, and
    left out of the list from then on. What is sent twice counts once; what is late cannot be counted."""
    await deployment.create_topics()
    tickets = deployment.config.kafka.topics.tickets
    early = created("desk:early", AHEAD_MS)
    wrong = created("desk:wrong", priority=7, note="\x1b[2J\u202e")
    refused = [early, wrong, created("desk:late", -9 * 86_400_000)]
    await deployment.publish([("tickets", created("desk:good")), *(("tickets", event) for event in refused)])
    async with AIOKafkaProducer(bootstrap_servers=deployment.config.kafka.bootstrap) as producer:
        other = created("desk:binary", AHEAD_MS)
        binary = [(f"ce_{name}", value.encode()) for name, value in other.items() if name != "data"]
        await producer.send_and_wait(tickets, b"{}", headers=[*binary, ("trace", b"\xff")])  # without a key
    worker = deployment.worker(FLOORCAST_LOG_FORMAT="json")
    assert await volume(deployment) == 1

    found = await listed(deployment)
    assert found["by_reason"] == {"future": 2, "invalid": 1, "late": 1}
    assert {letter["key"] for letter in found["letters"]} == {"desk:early", "desk:wrong", "desk:late", None}
    (letter,) = (await listed(deployment, "--reason", "invalid", "--topic", "tickets"))["letters"]
    status, output = await deployment.run("deadletters", "show", letter["deadletter"])
    assert status == 0, output
    assert letter["place"] in output
    assert "invalid at data.ticket.priority: Expected `str | null`, got `int`" in output
    assert '"priority":7' in output
    assert not set("\x1b\u202e") & set(output)

    log = await deployment.ends()
    acceptable_s = datetime.fromisoformat(early["time"]).timestamp() - deployment.config.future_ms / 1000
    while time.time() < acceptable_s:
        await asyncio.sleep(0.1)
    status, output = await replayed(deployment, "--all", "--dry-run")
    assert status == 1, output
    assert "4 dead letters: 2 would be counted now, 2 are still refused" in output
    assert "1 late: it cannot be counted any more" in output
    assert await deployment.ends() == log, "a dry run sends nothing"
    status, output = await replayed(deployment, "--all")
    assert (status, f"Send 2 to {tickets}? [y/N]" in output) == (1, True), output
    assert await deployment.ends() == log, "nobody has said yes"
    status, output = await replayed(deployment, "--all", "--yes")
    assert (status, output.splitlines()[-1]) == (1, "2 sent")
    assert await volume(deployment) == 3
    found = await listed(deployment)
    assert (found["by_reason"], found["replayed"]) == ({"invalid": 1, "late": 1}, 2)
    assert len((await listed(deployment, "--replayed"))["letters"]) == 4
    status, output = await replayed(deployment, "--reason", "future", "--yes")
    assert (status, "2 were sent again before" in output) == (0, True), output
    status, output = await replayed(deployment, "--reason", "future", "--yes", "--again")
    assert (status, output) == (0, "2 dead letters: 2 are in their entities' histories already\n")

    file = tmp_path / "mended.json"
    file.write_text(json.dumps(wrong | {"id": "another"}))
    status, output = await replayed(deployment, letter["place"], "--with", str(file), "--yes")
    assert status == 2
    assert "its id is 'another', and was 'e-desk:wrong': that is another event" in output
    file.write_text(json.dumps(wrong | {"data": {"ticket": {"priority": "high"}}}))
    status, output = await replayed(deployment, letter["place"], "--with", str(file), "--yes")
    assert (status, output.splitlines()[-1]) == (0, "1 sent")
    assert await volume(deployment) == 4
    assert set((await listed(deployment))["by_reason"]) == {"late"}
    verdict = await deployment.verify()
    assert verdict.same, verdict.output
    worker.stop()
    log_lines = [json.loads(line) for line in worker.output.splitlines()]
    refusals = [line for line in log_lines if "reasons" in line]
    told = sum((Counter(line["reasons"]) for line in refusals), Counter[str]())
    assert told >= Counter(future=1, invalid=1, late=1)
    assert {(line["level"], line["shard"].rpartition("/")[0]) for line in refusals} == {("WARNING", tickets)}
    assert all(line["end_offset"] > line["offset"] >= 0 for line in refusals)
    assert any(line.get("shards") and line["message"].startswith("released ") for line in log_lines)
