"""What the routes share: store, configuration in force, catalog, and who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, cast

import msgspec
from fastapi import Depends, Request, Response

from stream.config import Config
from stream.metrics.catalog import Catalog
from stream.query.look import InForce
from stream.query.panes import PaneMemory
from stream.query.windows import Calendar
from stream.serve.access import Access, Caller
from stream.serve.annotations import identity
from stream.serve.live import Hub
from stream.serve.problem import PROBLEM, Problem
from stream.sources.follow import Follower
from stream.sources.ingest import Ingest
from stream.store import RedisStore

LOOKS_MAX: Final = 8
"""Questions read at once; others wait for their turn."""
LOOK_TIMEOUT_S: Final = 20.0


class Site:
    """One server's."""

    def __init__(
        self, config: Config, store: RedisStore, hub: Hub, wall_ms: Callable[[], int], panes: PaneMemory
    ) -> None:
        self.store = store
        self.hub = hub
        self.panes = panes
        self.wall_ms = wall_ms
        self.access = Access(config.serve)
        self.kafka = config.kafka
        self.calendar = Calendar(config.timezone)
        self.ingest = Ingest(config.kafka, config.max_event_bytes)
        self.alerts = Follower(config.kafka, config.kafka.topics.alerts)
        self.annotations = Follower(config.kafka, config.kafka.topics.annotations, identity)
        self._known = InForce(store, config)
        self._turns = asyncio.Semaphore(LOOKS_MAX)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[tuple[Config, Catalog]]:
        """Configuration and catalog in force, for one look, when there is a turn for it. Raises StoreError,
        TimeoutError."""
        async with asyncio.timeout(LOOK_TIMEOUT_S), self._turns:
            await self._known.look()
            yield self._known.config, self._known.catalog

    @property
    def last_config(self) -> Config:
        """The configuration in force when it was last asked for."""
        return self._known.config


async def _site(request: Request) -> Site:
    return cast(Site, request.app.state.site)


SiteOf = Annotated[Site, Depends(_site)]


async def _reader(request: Request, site: SiteOf) -> Caller:
    return site.access.reader(request)


async def _writer(request: Request, site: SiteOf) -> Caller:
    return site.access.writer(request)


ReaderOf = Annotated[Caller, Depends(_reader)]
WriterOf = Annotated[Caller, Depends(_writer)]


def answered(plain: object, status: int = 200) -> Response:
    """JSON, encoded as the commands do."""
    return Response(msgspec.json.encode(plain), status, media_type="application/json")


def example(value: object, description: str = "The answer.") -> dict[int | str, dict[str, Any]]:
    """A route's answer for /openapi.json, beside the problems that every route may answer with."""
    return {
        200: {
            "description": description,
            "content": {"application/json": {"schema": {"type": _kind(value)}, "example": value}},
        }
    }


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers that are problems, for /openapi.json."""
    said = Problem(422, "team_volume has no 'p90'; it offers value", "stat").plain()
    schema = {
        "type": "object", "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "detail": {"type": "string"}, "where": {"type": "string"}, "instead": {"type": "string"},
        },
    }  # fmt: skip
    content = {PROBLEM: {"schema": schema, "example": said}}
    return {
        status: {"description": "What is wrong, where, and what instead.", "content": content}
        for status in statuses
    }


def _kind(value: object) -> str:
    return "array" if isinstance(value, list) else "object"
