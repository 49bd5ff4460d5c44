"""The application: routes, errors, and what runs beside them while it is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

import stream
from stream.config import Config
from stream.query.panes import PaneMemory
from stream.serve.acknowledgements import Acknowledgements
from stream.serve.guard import Guard
from stream.serve.live import Hub
from stream.serve.problem import handle_errors
from stream.serve.routes import alerts, entities, events, health, live, notes, numbers, pages, sla
from stream.serve.site import Site
from stream.store import RedisStore

DESCRIPTION = """\
Live, exact support metrics. Answers are those of the commands with `--json`; times are RFC 3339 in the
deployment's time zone, lengths end in their unit. Errors are `application/problem+json`: what, where, what
instead.
"""
ROUTERS = tuple(
    routes.router for routes in (numbers, entities, sla, alerts, notes, events, live, pages, health)
)


def application(
    config: Config, store: RedisStore, hub_store: RedisStore, wall_ms: Callable[[], int]
) -> tuple[ASGIApp, Hub]:
    """What is served, and its live streams. `hub_store` is theirs alone, so that questions do not hold them
    up."""
    panes = PaneMemory()
    notes = Acknowledgements(config.kafka)
    hub = Hub(config, hub_store, wall_ms, panes, notes)
    site = Site(config, store, hub, wall_ms, panes)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        running = (hub.run(), notes.run(), site.alerts.run(), site.annotations.run())
        tasks = [asyncio.create_task(one) for one in running]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await site.ingest.close()

    app = FastAPI(
        title="floorcast", version=stream.__version__, description=DESCRIPTION, docs_url=None, redoc_url=None,
        lifespan=lifespan, redirect_slashes=False,
    )  # fmt: skip
    app.state.site = site
    handle_errors(app)
    for router in ROUTERS:
        app.include_router(router)
    return Guard(app, config.serve, site.access), hub
