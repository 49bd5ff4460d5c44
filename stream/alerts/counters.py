"""What the dispatcher has done, as plain numbers for whoever exports them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import stream
from stream.store.reports import DispatcherReport, process_name

Result = Literal["sent", "failed", "refused"]
"""`failed`: tried again later; `refused`: not worth a retry, given up."""


@dataclass
class Counters:
    """Since the process was started. Destinations by name; their kinds stand in the configuration."""

    deliveries: Counter[tuple[str, Result]] = field(default_factory=Counter)
    """(destination, result) -> attempts."""
    retries: Counter[str] = field(default_factory=Counter)
    """Attempts after a failed one."""
    repeats: Counter[str] = field(default_factory=Counter)
    """Messages that may have arrived before: sent again as nobody said so."""
    too_old: int = 0
    """Alerts found, or waiting to be sent, for longer than `max_age`."""
    decided: int = 0
    """Warnings and breaches not sent, as a later event had decided the clock."""
    unreadable: int = 0
    """Records of the topics that are none of ours."""
    circuits: dict[str, str] = field(default_factory=dict)
    """`closed`, `open` or `half_open`."""

    def report(self, kinds: Mapping[str, str], now_ms: int) -> DispatcherReport:
        """As of now. `kinds`: the channel of each destination. What has not happened yet is told as 0, so
        that the first time is a rise."""
        return DispatcherReport(
            name=process_name(), at_ms=now_ms, version=stream.__version__,
            deliveries=[
                (name, kind, result, self.deliveries[name, result])
                for name, kind in kinds.items()
                for result in get_args(Result)
            ],
            retries={name: self.retries[name] for name in kinds},
            repeats={name: self.repeats[name] for name in kinds}, too_old=self.too_old,
            decided=self.decided, unreadable=self.unreadable, circuits=dict(self.circuits),
        )  # fmt: skip
