"""PagerDuty Events API v2: trigger, acknowledge, resolve; deduplicated by `dedup_key`.

A warning and a breach are two alerts: an incident that somebody has acknowledged as a warning would not page
again for the breach. Errors worth a retry: no answer, 408, 425, 429, 5xx.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, Literal

import httpx
import msgspec

from stream.alerts.channels.http import post
from stream.alerts.message import SELF, Message
from stream.alerts.state import CLOSING, Kind, Stage
from stream.config import PagerDutyConfig

SUMMARY_MAX: Final = 1024
DEDUP_KEY_MAX: Final = 255
VALUE_MAX: Final = 1024
"""Of a detail: with the 16 segments there are an event stays far below PagerDuty's 512 kB."""
Action = Literal["trigger", "acknowledge", "resolve"]
_SEVERITY: Final[dict[Stage, str]] = {"at_risk": "warning", "breached": "critical", "blind": "error"}


class PagerDuty:
    """One service."""

    kinds: tuple[Kind, ...] = (
        "at_risk", "breached", "acknowledged", "resolved", "retracted", "blind", "seeing",
    )  # fmt: skip
    """No reminders: escalation is PagerDuty's own."""
    batch_max = 1
    refresh_ms: int | None = None

    def __init__(self, name: str, keys: PagerDutyConfig, client: httpx.AsyncClient) -> None:
        self._name = name
        self._keys = keys
        self._client = client

    async def send(self, messages: Sequence[Message]) -> str | None:
        """One request for each event; a second try repeats the first ones, which are deduplicated."""
        for message in messages:
            for event in events(message):
                body = msgspec.json.encode({"routing_key": self._keys.key(self._name), **event})
                await post(self._client, f"{self._keys.api.rstrip('/')}/v2/enqueue", body, {})
        return None


def events(message: Message) -> list[dict[str, object]]:
    """The events of one message, without the routing key."""
    if message.kind in CLOSING:
        return [_event("resolve", message, message.stage)]
    if message.kind == "acknowledged":
        return [_event("acknowledge", message, message.stage)]
    triggered = {**_event("trigger", message, message.stage), **_described(message)}
    if message.was is not None and message.was != message.stage:
        return [triggered, _event("resolve", message, message.was)]
    return [triggered]


def dedup_key(key: str, stage: Stage) -> str:
    """The alert's key, with its stage where that is no breach; a long one as its hash."""
    full = key if stage == "breached" else f"{key}/{stage}"
    return full if len(full) <= DEDUP_KEY_MAX else hashlib.sha256(full.encode()).hexdigest()


def _event(action: Action, message: Message, stage: Stage) -> dict[str, object]:
    return {"event_action": action, "dedup_key": dedup_key(message.key, stage)}


def _described(message: Message) -> dict[str, object]:
    details = {name: value[:VALUE_MAX] for name, value in message.facts}
    described: dict[str, object] = {
        "payload": {
            "summary": message.title[:SUMMARY_MAX],
            "source": message.subject,
            "severity": _SEVERITY[message.stage],
            "timestamp": message.at.isoformat(),
            "component": message.clock,
            "group": message.segments.get("team", "")[:VALUE_MAX],
            "class": message.stage,
            "custom_details": details,
        },
        "client": SELF,
    }
    if message.url is not None:
        described["client_url"] = message.url
        described["links"] = [{"href": message.url, "text": message.subject}]
    return described
