"""One alert of each kind to one destination, marked as a test: from the warning to the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

from stream.alerts.channels.channel import Channel, Failed
from stream.alerts.message import SELF, message
from stream.alerts.state import KINDS, OPENING, Alert, Kind, Notice, Stage, Told, alert_key
from stream.config import Config, ConfigError

SUBJECT = "floorcast-test"
_MINUTE_MS = 60_000


async def try_out(channel: Channel, config: Config, now_ms: int) -> AsyncIterator[tuple[Kind, str | None]]:
    """Sends one after the other: the kind, and why it failed (None: it is there)."""
    zone = ZoneInfo(config.timezone)
    clock, blind = _clock(now_ms), _blind(now_ms)
    for kind in (kind for kind in KINDS if kind in channel.kinds):
        alert = blind if kind in ("blind", "seeing") else clock
        if kind in ("at_risk", "breached"):
            alert.stage = kind
        alert.ended = "retracted" if kind == "retracted" else "fulfilled" if kind == "resolved" else None
        notice = Notice(id=f"{alert.key}/test", kind=kind, to=SUBJECT, made_ms=now_ms, due_ms=now_ms)
        try:
            thread = await channel.send([message(alert, notice, zone, config.alerts.ticket_url, test=True)])
        except (Failed, ConfigError) as error:
            yield kind, str(error)
            continue
        yield kind, None
        if kind in OPENING:
            stage: Stage = alert.stage
            alert.told[SUBJECT] = Told(kind=kind, at_ms=now_ms, stage=stage, thread=thread)


def _clock(now_ms: int) -> Alert:
    started_ms = now_ms - 60 * _MINUTE_MS
    return Alert(
        key=alert_key(SUBJECT, "first_reply", started_ms), subject=SUBJECT, clock="first_reply",
        stage="breached", cause="test", at_ms=now_ms, found_ms=now_ms, changed_ms=now_ms,
        started_ms=started_ms, policy="a test", level="75%", target_ms=60 * _MINUTE_MS, due_ms=now_ms,
        segments={"team": "test"},
        acknowledged_by="floorcast alerts test", ended_ms=now_ms, overdue_ms=_MINUTE_MS,
    )  # fmt: skip


def _blind(now_ms: int) -> Alert:
    return Alert(
        key=f"{SUBJECT}/blind", subject=SELF, clock="blind", stage="blind", cause="test", at_ms=now_ms,
        found_ms=now_ms, changed_ms=now_ms, text="this is a test", ended_ms=now_ms,
    )  # fmt: skip
