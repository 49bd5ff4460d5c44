"""Any HTTP address: JSON by POST, signed as Standard Webhooks (standardwebhooks.com) with HMAC-SHA256.

`webhook-id` is the same in every attempt, and so is the `id` of each alert inside: a receiver deduplicates by
them. Errors worth a retry: no answer, 408, 425, 429, 5xx.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Final

import httpx
import msgspec

from stream.alerts.channels.channel import Failed
from stream.alerts.channels.http import post
from stream.alerts.message import Message
from stream.alerts.state import KINDS, Kind
from stream.config import WebhookConfig

VERSION: Final = 1
_PREFIX: Final = "whsec_"


class Webhook:
    """One address."""

    kinds: tuple[Kind, ...] = KINDS
    batch_max = 100
    refresh_ms: int | None = None

    def __init__(self, name: str, keys: WebhookConfig, client: httpx.AsyncClient) -> None:
        self._name = name
        self._keys = keys
        self._client = client

    async def send(self, messages: Sequence[Message]) -> str | None:
        """One request for all."""
        body = payload(messages)
        identity = delivery_id(messages)
        at_s = int(time.time())
        headers = {"webhook-id": identity, "webhook-timestamp": str(at_s)}
        secret = self._keys.signing_key(self._name)
        if secret is not None:
            headers["webhook-signature"] = signature(secret, identity, at_s, body)
        url = self._keys.address(self._name)
        if url is None:
            raise Failed("it has no url", retry=False)
        await post(self._client, url, body, headers)
        return None


def payload(messages: Sequence[Message]) -> bytes:
    """The body: `{"version": 1, "alerts": [...]}`; instants in RFC 3339."""
    return msgspec.json.encode({"version": VERSION, "alerts": [_alert(message) for message in messages]})


def delivery_id(messages: Sequence[Message]) -> str:
    """Of a request: made of the ids of what is in it."""
    return hashlib.sha256("\n".join(message.id for message in messages).encode()).hexdigest()[:32]


def signature(secret: str, identity: str, at_s: int, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    signed = f"{identity}.{at_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except NotBase64:
        pass
    raise Failed("the secret begins with whsec_, but the rest is not base64", retry=False)


def _alert(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "key": message.key,
        "kind": message.kind,
        "stage": message.stage,
        "subject": message.subject,
        "clock": message.clock,
        "instance": message.instance,
        "level": message.level,
        "policy": message.policy,
        "segments": message.segments,
        "title": message.title,
        "url": message.url,
        "at": message.at,
        "due": message.due,
        "ended": message.ended,
        "acknowledged_by": message.acknowledged_by,
        "test": message.test,
    }
