"""Whatever is sent to any route: an answer in bounds, never an error of the server, no secret."""

import asyncio
from contextlib import suppress
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.result import Ok

from stream.embedded.pair import Pair
from stream.serve.guard import HEADERS
from stream.serve.routes.events import BATCH
from tests.answers import ms, one_ticket
from tests.rig.serving import serving
from tests.test_serve_access import ADMIN, GUARDED, bearer, hashed

NOW = "2026-03-02T10:00:00"
EXAMPLES = 40
ANSWER_BYTES_MAX = 2_000_000
GUARD_OF_ALL = {name.lower() for name in HEADERS}


async def test_no_request_breaks_a_route(embedded_pair: Pair, unique_name: str) -> None:
    """Valid and invalid by the description, with an admin's token, so that all of a route is reached."""
    config = await one_ticket(embedded_pair, unique_name, GUARDED, NOW)
    async with serving(config, lambda: ms(NOW)) as client:
        spec = (await client.get("/openapi.json")).json()
        await asyncio.to_thread(_fuzz, spec, str(client.base_url))


def _fuzz(spec: dict[str, object], address: str) -> None:
    schemathesis.serializer.alias([BATCH, "application/cloudevents+json"], "application/json")
    schema = schemathesis.openapi.from_dict(spec)
    routes = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        routes += 1
        for mode in schemathesis.GenerationMode:

            @settings(
                max_examples=EXAMPLES, phases=[Phase.generate], deadline=None, database=None,
                derandomize=True, suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def one(case: Any) -> None:
                sent = case.as_transport_kwargs(base_url=address)
                sent["headers"] = {**sent["headers"], **bearer(ADMIN)}
                try:
                    answer = requests.request(**sent, stream=True, timeout=60, allow_redirects=False)
                except (requests.exceptions.InvalidHeader, UnicodeError, requests.exceptions.InvalidURL):
                    return  # it cannot be sent
                with answer:
                    _check(answer, str(case.path))

            with suppress(Unsatisfiable):  # without parameters nothing can be wrong
                one()
    assert routes == 15


def _check(answer: requests.Response, path: str) -> None:
    assert answer.status_code < 500 or path == "/readyz", (path, answer.text)
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        return
    assert len(answer.content) < ANSWER_BYTES_MAX
    assert ADMIN not in answer.text
    assert hashed(ADMIN) not in answer.text
    assert {name.lower() for name in answer.headers} >= GUARD_OF_ALL or answer.status_code == 400
