"""Alertmanager, API v2. It groups, silences, inhibits and repeats; it identifies an alert by its labels.

It forgets an alert that is not sent again (and all of them when it restarts), so what stands is sent every
minute with an end some minutes ahead. Errors worth a retry: no answer, 408, 425, 429, 5xx.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import msgspec

from stream.alerts.channels.http import post
from stream.alerts.message import Message
from stream.alerts.state import CLOSING, Kind, Stage
from stream.config import AlertmanagerConfig

REFRESH_MS: Final = 60_000
STANDS_FOR: Final = timedelta(minutes=5)
"""Without news for so long, Alertmanager takes an alert for resolved."""
NAMES: Final[dict[Stage, str]] = {
    "at_risk": "SlaAtRisk",
    "breached": "SlaBreached",
    "blind": "FloorcastBlind",
}
_SEVERITY: Final[dict[Stage, str]] = {"at_risk": "warning", "breached": "critical", "blind": "critical"}


class Alertmanager:
    """One server."""

    kinds: tuple[Kind, ...] = ("at_risk", "breached", "resolved", "retracted", "blind", "seeing")
    """Reminders are its own; acknowledging there is a silence."""
    batch_max = 500
    refresh_ms: int | None = REFRESH_MS

    def __init__(self, name: str, keys: AlertmanagerConfig, client: httpx.AsyncClient) -> None:
        self._name = name
        self._keys = keys
        self._client = client

    async def send(self, messages: Sequence[Message]) -> str | None:
        """One request for all."""
        now = datetime.now(UTC)
        body = [alert for message in messages for alert in alerts(message, now)]
        url = f"{self._keys.url.rstrip('/')}/api/v2/alerts"
        await post(self._client, url, msgspec.json.encode(body), {}, self._keys.login(self._name))
        return None


def alerts(message: Message, now: datetime) -> list[dict[str, object]]:
    """The alerts of one message: the one that it is about and, at a breach, the end of the warning."""
    over = message.kind in CLOSING
    made = [_alert(message, message.stage, now if over else now + STANDS_FOR)]
    if not over and message.was is not None and message.was != message.stage:
        made.append(_alert(message, message.was, now))
    return made


def _alert(message: Message, stage: Stage, ends: datetime) -> dict[str, object]:
    labels = {
        **message.segments,
        "alertname": NAMES[stage],
        "severity": _SEVERITY[stage],
        "subject": message.subject,
        "clock": message.clock,
        "clock_instance": str(message.instance),
        "policy": message.policy,
        **({"test": "true"} if message.test else {}),
    }
    annotations = {
        "summary": message.title,
        "level": message.level or "",
        "ticket_url": message.url or "",
        "key": message.key,
    }
    alert: dict[str, object] = {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {name: value for name, value in annotations.items() if value},
        "startsAt": min(message.at, ends).isoformat(),
        "endsAt": ends.isoformat(),
    }
    return alert if message.url is None else {**alert, "generatorURL": message.url}
