"""From an event to a page in one: `floorcast run` with worker, exporter and dispatcher on real servers."""

from __future__ import annotations

import os
from pathlib import Path
from signal import SIGKILL

from tests.rig.kafka import Kafka
from tests.rig.pipeline import pipeline, until
from tests.rig.receivers import receiver, webhook
from tests.rig.redis import RedisServer
from tests.test_alerts_pipeline import SECRET, kinds, settings
from tests.test_pipeline_sla import REPLY, due_in, now_ms, told

POLICIES = "[{name: all, targets: {first_reply: 10m}}]"
WITHIN_MS = 5_000


async def test_an_unanswered_ticket_pages_once_and_is_quiet_when_answered(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """Nothing but the creation and the reply is put into the log, and every part is killed in between: the
    rest floorcast does by itself."""
    async with receiver(webhook) as web:
        one = pipeline(
            kafka.bootstrap, redis_server.url(), unique_name, tmp_path, POLICIES=POLICIES, EXPORTER_PORT="0"
        )
        with one as deployment:
            await deployment.create_topics()
            deployment.settings |= settings(web=web)
            running = deployment.start("run")
            ticket = due_in(1, WITHIN_MS)
            await deployment.publish([ticket])
            await deployment.until_read(1)
            for part in running.children():
                os.kill(part, SIGKILL)
            await until(lambda: kinds(web))
            await deployment.publish([told("ticket.message_added", "T0001", now_ms(), REPLY)])
            await until(lambda: len(kinds(web)) > 1)
            running.stop()
    assert kinds(web) == [("breached", "T0001"), ("resolved", "T0001")]
    assert SECRET not in running.output
