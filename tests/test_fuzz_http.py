"""Whatever is sent to `floorcast serve`: it is answered, each refused event with its reason and place.
Nothing crashes, hangs or keeps memory, and the log tells of no error. How many: tests/fuzz/runs.py."""

import logging

import pytest
from msgspec.structs import replace

from stream.embedded.pair import Pair
from tests.answers import ms, one_ticket
from tests.fuzz.kafka import published_events
from tests.fuzz.over_http import run_http
from tests.fuzz.runs import Run
from tests.rig.serving import serving
from tests.test_serve_access import ADMIN, GUARDED, bearer

NOW = "2026-03-02T10:00:00"
HARDLY_LIMITED = replace(GUARDED, requests_per_second=100_000)


async def test_what_is_sent_over_http(
    embedded_pair: Pair, unique_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Events, bodies, questions, bytes; by an admin's token, so that all of a route is reached."""
    config = await one_ticket(embedded_pair, unique_name, HARDLY_LIMITED, NOW)
    run = Run("http")
    events = published_events(100)
    async with serving(config, lambda: ms(NOW)) as client:
        client.headers.update(bearer(ADMIN))
        for seed, count in run:
            run.counts += await run_http(seed, client, events, count)
            errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
            assert not errors, errors[0]
            caplog.clear()
    shares = {
        "event accepted": 0.2, "event invalid": 0.1, "event missing": 0.01, "event too_large": 0.005,
        "body 200": 0.001, "body 401": 0.001, "body 413": 0.0005, "body 415": 0.01, "body 422": 0.01,
        "question 200": 0.01, "question 404": 0.01, "question 422": 0.005,
        "bytes: 200": 0.003, "bytes: 400": 0.01, "bytes: waits for more": 0.003,
    }  # fmt: skip
    run.check("HTTP", shares, warm=2)
