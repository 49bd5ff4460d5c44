"""Keeps Faust, mode and aiokafka to what somebody can act on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

# mode names a service's logger after its class's module: our subclasses of Faust's speak under ours.
LIBRARIES = ("faust", "mode", "aiokafka", "stream.worker.consumer", "stream.worker.faust_app")

# Parts of lines that are harmless or said again, better, by us.
HARMLESS = (
    "GroupCoordinatorNotAvailableError",  # a broker that just started; asked again
    "because it is rebalancing",  # every rebalance is noticed so
    "Crashed reason=",  # with a traceback, by every service up the tree; WorkerFailed says it once
    "Drain messages raised",  # the same
    "Error while stopping child",  # the consequence of the same
)
REPEATED_EVERY_S = 30.0


def quiet_libraries() -> None:
    """Warnings and worse only, nothing of HARMLESS, each kind of line at most once in 30 s.

    (A broker that is away makes ten errors a second.) Filters the root logger's handlers there are: call it
    after logging is set up; again does no harm.
    """
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        if not any(isinstance(f, LibraryFilter) for f in handler.filters):
            handler.addFilter(LibraryFilter(time.monotonic))


class LibraryFilter(logging.Filter):
    """Drops lines of the libraries. On a handler: a filter on a logger does not see its children's lines."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        super().__init__()
        self._now_s = now_s
        # By logger and format, so bounded by the libraries' code.
        self._passed_s: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(LIBRARIES):
            return True
        if any(part in record.getMessage() for part in HARMLESS):
            return False
        kind, now_s = (record.name, str(record.msg)), self._now_s()
        if now_s - self._passed_s.get(kind, -REPEATED_EVERY_S) < REPEATED_EVERY_S:
            return False
        self._passed_s[kind] = now_s
        return True
