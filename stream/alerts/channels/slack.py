"""Slack: as a bot by `chat.postMessage`, follow-ups in the thread; or by incoming webhook, without threads.

Slack deduplicates nothing: what may have arrived before says so. Errors worth a retry: no answer, 408, 425,
429 (`Retry-After` is kept to), 5xx, and of the answers of status 200 those in `PASSING`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import httpx
import msgspec
from msgspec import Struct

from stream.alerts.channels.channel import Failed
from stream.alerts.channels.http import post, refusal
from stream.alerts.message import Message
from stream.alerts.state import KINDS, OPENING, Kind
from stream.config import SlackConfig

TEXT_MAX: Final = 4_000
"""Slack's advice for `text`; it cuts off at 40,000."""
ERROR_MAX: Final = 40
PASSING: Final = (
    "ratelimited", "rate_limited", "service_unavailable", "internal_error", "fatal_error", "request_timeout",
    "team_added_to_org", "accesslimited", "message_limit_exceeded",
)  # fmt: skip
_MAY_HAVE_ARRIVED: Final = ("internal_error", "fatal_error", "request_timeout")
_ICONS: Final[dict[Kind, str]] = {
    "at_risk": ":warning:", "breached": ":rotating_light:", "reminder": ":alarm_clock:",
    "acknowledged": ":eyes:", "resolved": ":white_check_mark:", "retracted": ":leftwards_arrow_with_hook:",
    "blind": ":see_no_evil:", "seeing": ":eyes:",
}  # fmt: skip
URL_MAX: Final = 2_000
"""Of a link; where it would be longer there is none, as one that is cut leads nowhere."""
_MARKUP = re.compile(
    r"[*~`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
    r"|:(?=[\w+'-]+:)"  # the name of an emoji
    r"|:(?=//)|(?<=\w)\.(?=[^\W\d_]{2})"  # what Slack makes a link of
)
_JOINER = "\u2060"


class _Answer(Struct):
    ok: bool
    error: str = ""
    ts: str | None = None


class Slack:
    """One channel."""

    kinds: tuple[Kind, ...] = KINDS
    batch_max = 100
    refresh_ms: int | None = None

    def __init__(self, name: str, keys: SlackConfig, client: httpx.AsyncClient) -> None:
        self._name = name
        self._keys = keys
        self._client = client

    async def send(self, messages: Sequence[Message]) -> str | None:
        """The thread that they began, or are in; None by an incoming webhook."""
        url = self._keys.webhook(self._name)
        if url is not None:
            body = {"text": text(messages), "unfurl_links": False, "unfurl_media": False}
            await post(self._client, url, msgspec.json.encode(body), {})
            return None
        return await self._as_bot(messages)

    async def _as_bot(self, messages: Sequence[Message]) -> str | None:
        thread = messages[0].thread
        body: dict[str, object] = {
            "channel": self._keys.channel,
            "text": text(messages),
            "unfurl_links": False,
            "unfurl_media": False,
            "parse": "none",
        }
        if thread is not None:
            body["thread_ts"] = thread
            # A reminder that only shows in its thread reminds nobody.
            body["reply_broadcast"] = any(message.kind == "reminder" for message in messages)
        headers = {
            "Authorization": f"Bearer {self._keys.bot(self._name)}",
            "Content-Type": "application/json; charset=utf-8",
        }
        url = f"{self._keys.api.rstrip('/')}/chat.postMessage"
        response = await post(self._client, url, msgspec.json.encode(body), headers)
        answer = _answer(response)
        if not answer.ok:
            raise _refused(response, answer.error)
        return thread or answer.ts


def text(messages: Sequence[Message]) -> str:
    """The message in Slack's markup, at most TEXT_MAX characters: what does not fit is counted."""
    if len(messages) == 1:
        return _cut(_one(messages[0]))
    lines = [f"*{len(messages)} alerts*"]
    room = TEXT_MAX - len(lines[0]) - 40
    for done, message in enumerate(messages):
        line = f"\u2022 {_head(message)}"
        room -= len(line) + 1
        if room < 0:
            lines.append(f"... and {len(messages) - done} more")
            break
        lines.append(line)
    return "\n".join(lines)


def escape(value: str) -> str:
    """Plain text in Slack's markup, on one line: it neither mentions nor links anybody, nor changes how text
    looks. What is not printable is left out, as it could turn round what stands behind it."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(lambda found: f"{_JOINER}{found[0]}{_JOINER}", line)


def _one(message: Message) -> str:
    head = _head(message)
    if message.kind not in OPENING or not message.facts:
        return head
    return head + "\n" + ", ".join(f"{escape(name)}: {escape(value)}" for name, value in message.facts)


def _head(message: Message) -> str:
    again = " (perhaps again)" if message.again else ""
    url = _url(message.url or "")
    link = f" <{url}|Open>" if 0 < len(url) <= URL_MAX else ""
    return f"{_ICONS[message.kind]} {_cut(escape(message.title), 1000)}{again}{link}"


def _url(url: str) -> str:
    for letter, escaped in (("&", "&amp;"), ("<", "%3C"), (">", "%3E"), ("|", "%7C")):
        url = url.replace(letter, escaped)
    return url


def _cut(line: str, most: int = TEXT_MAX) -> str:
    """At most so many characters, none of them half an escaped one."""
    return line if len(line) <= most else re.sub(r"&[a-z]*$", "", line[: most - 3]) + "..."


def _answer(response: httpx.Response) -> _Answer:
    try:
        return msgspec.json.decode(response.content, type=_Answer)
    except msgspec.MsgspecError:
        pass
    raise Failed("an answer that is not Slack's", retry=True, maybe=True)


def _refused(response: httpx.Response, error: str) -> Failed:
    """Slack's own errors come with status 200."""
    word = re.sub(r"[^a-z_]", "", error)[:ERROR_MAX]
    failed = refusal(response, word)
    failed.retry = word in PASSING
    failed.maybe = word in _MAY_HAVE_ARRIVED
    return failed
