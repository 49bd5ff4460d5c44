"""Every channel against a local receiver: what it sends, within the vendor's limits, and how it fails."""

import base64
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from stream.alerts.channels import channels
from stream.alerts.channels.channel import Channel, Failed
from stream.alerts.channels.http import new_client, retry_after_ms
from stream.alerts.channels.slack import TEXT_MAX, escape
from stream.alerts.circuit import OPEN_AFTER, Circuit
from stream.alerts.state import Told
from stream.config import ConfigError, describe, parse
from tests.alerts import NOW, a_message, an_alert
from tests.rig.receivers import Answer, Receiver, pagerduty, receiver, slack, webhook

SECRET = "s3cr3t-Pa55"
KINDS = ("bot", "hook", "pager", "web")
ROLES = {"bot": slack, "hook": slack, "pager": pagerduty, "web": webhook}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """With a short time limit, so that a test of silence is short."""
    async with new_client() as one:
        one.timeout = httpx.Timeout(1.0)
        yield one


def destination(kind: str, url: str) -> dict[str, Any]:
    """A destination at a receiver, every secret of which is SECRET."""
    return {
        "bot": {"kind": "slack", "channel": "C1", "token": SECRET, "api": f"{url}/api"},
        "hook": {"kind": "slack", "url": f"{url}/services/T1/{SECRET}"},
        "pager": {"kind": "pagerduty", "routing_key": SECRET, "api": url},
        "web": {"kind": "webhook", "url": f"{url}/in?token={SECRET}", "secret": SECRET},
    }[kind]


def channel(kind: str, url: str, client: httpx.AsyncClient) -> Channel:
    """The channel of a destination at a receiver."""
    config = parse({"alerts": {"destinations": {"x": destination(kind, url)}}})
    return channels(config.alerts.destinations, client)["x"]


async def failure(kind: str, step: Answer | str, client: httpx.AsyncClient) -> Failed:
    """How a breach fails when the receiver does `step`."""
    async with receiver(ROLES[kind]) as played:
        played.script.append(step)
        with pytest.raises(Failed) as caught:
            await channel(kind, played.url, client).send([a_message("breached")])
        return caught.value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("step", "retry", "maybe"),
    [
        ((400, {}, b"no"), False, False),
        ((401, {}, b"no"), False, False),
        ((404, {}, b"no"), False, False),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), False, False),
        ((408, {}, b""), True, False),
        ((429, {"Retry-After": "7"}, b""), True, False),
        ((500, {}, b""), True, True),
        ((503, {}, b""), True, True),
        ("hang", True, True),
        ("drop", True, True),
    ],
)
async def test_which_errors_are_worth_a_retry(
    kind: str, step: Answer | str, retry: bool, maybe: bool, client: httpx.AsyncClient
) -> None:
    """And of which it is not known whether the message arrived."""
    failed = await failure(kind, step, client)
    assert (failed.retry, failed.maybe) == (retry, maybe)
    assert failed.after_ms == (7000 if step[0] == 429 else None)


@pytest.mark.parametrize("kind", KINDS)
async def test_where_nobody_listens_nothing_arrived(kind: str, client: httpx.AsyncClient) -> None:
    """It is tried again."""
    with pytest.raises(Failed) as caught:
        await channel(kind, "http://127.0.0.1:1", client).send([a_message("breached")])
    assert (caught.value.retry, caught.value.maybe) == (True, False)


@pytest.mark.parametrize("kind", KINDS)
async def test_no_secret_in_any_error_or_log(
    kind: str, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor in what an error came from, nor in the effective configuration; at every level of the log."""
    caplog.set_level(logging.DEBUG)
    steps: list[Answer | str] = [(500, {}, SECRET.encode()), (400, {}, SECRET.encode()), "hang", "drop"]
    for step in steps:
        failed = await failure(kind, step, client)
        texts = [str(failed), repr(failed), repr(failed.__context__), repr(failed.__cause__)]
        assert [text for text in texts if SECRET in text] == []
    async with receiver(ROLES[kind]) as played:
        await channel(kind, played.url, client).send([a_message("breached")])
    assert SECRET not in caplog.text
    config = parse({"alerts": {"destinations": {"x": destination(kind, "http://127.0.0.1:1")}}})
    assert SECRET not in describe(config)
    assert SECRET not in repr(config)


@pytest.mark.parametrize("key", ["token", "url", "routing_key", "secret", "password"])
def test_no_secret_in_an_error_of_the_configuration(key: str) -> None:
    """A wrong value, or one at the wrong kind."""
    for kind in ("slack", "pagerduty", "alertmanager", "webhook"):
        for value in (SECRET, f"https://{SECRET}@h x", [SECRET], {SECRET: 1}, f"ftp://{SECRET}"):
            try:
                parse({"alerts": {"destinations": {"x": {"kind": kind, key: value}}}})
            except ConfigError as error:
                shown = str(error).replace(f".{key}.{SECRET}", "")
                assert SECRET not in shown


async def test_a_secret_is_read_from_its_file_at_every_delivery(
    client: httpx.AsyncClient, tmp_path: Any
) -> None:
    """A rotated key is used at once; a file that is not there is named."""
    file = tmp_path / "key"
    async with receiver(pagerduty) as played:
        keys = {"kind": "pagerduty", "routing_key_file": str(file), "api": played.url}
        config = parse({"alerts": {"destinations": {"x": keys}}})
        one = channels(config.alerts.destinations, client)["x"]
        with pytest.raises(ConfigError, match=f"^alerts.destinations.x.routing_key_file: {file}: no such"):
            await one.send([a_message("breached")])
        for key in ("first", "second"):
            file.write_text(f"{key}\n")
            await one.send([a_message("breached")])
        assert [got.body["routing_key"] for got in played.got] == ["first", "second"]


async def sent(kind: str, client: httpx.AsyncClient, *messages: Any) -> Receiver:
    """A receiver that got these messages as one."""
    async with receiver(ROLES[kind]) as played:
        await channel(kind, played.url, client).send(messages)
        return played


async def test_slack_gets_text_with_a_link_to_the_ticket(client: httpx.AsyncClient) -> None:
    """The bot's token is in the header; nothing is unfurled."""
    (got,) = (await sent("bot", client, a_message("breached"))).got
    assert got.path == "/api/chat.postMessage"
    assert got.headers["authorization"] == f"Bearer {SECRET}"
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    assert got.body["channel"] == "C1"
    assert "SLA breached: first_reply of zendesk:1 was due 2026-03-02 12:00 UTC" in got.body["text"]
    assert "<https://help.example/tickets/1|Open>" in got.body["text"]
    assert (got.body["unfurl_links"], got.body["parse"]) == (False, "none")


async def test_slacks_follow_ups_go_into_the_thread_and_reminders_to_the_channel_too(
    client: httpx.AsyncClient,
) -> None:
    """By the timestamp that Slack gave to the first message."""
    async with receiver(slack) as played:
        bot = channel("bot", played.url, client)
        thread = await bot.send([a_message("breached")])
        told = {"a": Told(kind="breached", at_ms=NOW, stage="breached", thread=thread)}
        await bot.send([a_message("reminder", told=told)])
        assert await bot.send([a_message("resolved", told=told, ended="fulfilled")]) == thread
        first, reminder, end = (got.body for got in played.got)
    assert "thread_ts" not in first
    assert (reminder["thread_ts"], reminder["reply_broadcast"]) == (thread, True)
    assert (end["thread_ts"], end["reply_broadcast"]) == (thread, False)


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"),
        ("first_reply", "first_reply"),
        ("*bold*", "\u2060*\u2060bold\u2060*\u2060"),
        ("`a` _b_", "\u2060`\u2060a\u2060`\u2060 \u2060_\u2060b\u2060_\u2060"),
        ("two\nlines", "two lines"),
    ],
)
def test_label_values_are_plain_text_in_slack(value: str, escaped: str) -> None:
    """A customer's text mentions nobody."""
    assert escape(value) == escaped


async def test_slacks_text_is_short_enough(client: httpx.AsyncClient) -> None:
    """One with huge values, and a digest of many, which counts what it leaves out."""
    huge = an_alert(subject="&" * 3000, segments={"team": "<" * 3000})
    (got,) = (await sent("bot", client, a_message("breached", huge))).got
    assert len(got.body["text"]) <= TEXT_MAX
    (got,) = (await sent("hook", client, *[a_message("breached")] * 100)).got
    assert len(got.body["text"]) <= TEXT_MAX
    assert got.body["text"].startswith("*100 alerts*\n")
    assert got.body["text"].rpartition("\n")[2].endswith(" more")


@pytest.mark.parametrize(
    ("error", "retry"), [("ratelimited", True), ("internal_error", True), ("channel_not_found", False)]
)
async def test_slacks_own_errors_come_with_status_200(
    error: str, retry: bool, client: httpx.AsyncClient
) -> None:
    """Some pass."""
    failed = await failure("bot", (200, {}, f'{{"ok":false,"error":"{error}"}}'.encode()), client)
    assert failed.retry == retry
    assert error in str(failed)


async def test_what_may_have_arrived_says_so_in_slack(client: httpx.AsyncClient) -> None:
    """Slack deduplicates nothing."""
    (got,) = (await sent("bot", client, a_message("breached", tried=True))).got
    assert "(perhaps again)" in got.body["text"]


async def test_pagerduty_triggers_acknowledges_and_resolves_by_one_key(client: httpx.AsyncClient) -> None:
    """The documented fields, within their limits."""
    told = {"a": Told(kind="breached", at_ms=NOW, stage="breached")}
    long = an_alert(segments={"team": "x" * 5000}, subject="s" * 2000)
    async with receiver(pagerduty) as played:
        pager = channel("pager", played.url, client)
        await pager.send([a_message("breached", long)])
        long.told = told
        await pager.send([a_message("acknowledged", long)])
        await pager.send([a_message("resolved", long)])
        bodies = [got.body for got in played.got]
    assert {got.path for got in played.got} == {"/v2/enqueue"}
    assert [body["event_action"] for body in bodies] == ["trigger", "acknowledge", "resolve"]
    assert len({body["dedup_key"] for body in bodies}) == 1
    assert all(body["routing_key"] == SECRET for body in bodies)
    payload = bodies[0]["payload"]
    assert len(payload["summary"]) <= 1024
    assert payload["severity"] in ("critical", "error", "warning", "info")
    assert payload["source"]
    assert all(len(value) <= 1024 for value in payload["custom_details"].values())
    assert set(bodies[1]) == {"routing_key", "event_action", "dedup_key"}


async def test_pagerduty_pages_for_the_breach_and_closes_the_warning(client: httpx.AsyncClient) -> None:
    """Two alerts: an acknowledged warning would swallow the breach. A long key is shortened by hash."""
    told = {"a": Told(kind="at_risk", at_ms=NOW, stage="at_risk")}
    breach = a_message("breached", told=told, key="k" * 300)
    bodies = [got.body for got in (await sent("pager", client, breach)).got]
    assert [body["event_action"] for body in bodies] == ["trigger", "resolve"]
    assert len({body["dedup_key"] for body in bodies}) == 2
    assert all(len(body["dedup_key"]) <= 255 for body in bodies)
    assert bodies[0]["links"] == [{"href": "https://help.example/tickets/1", "text": "zendesk:1"}]


async def test_a_webhook_is_signed_and_the_same_message_has_the_same_id(client: httpx.AsyncClient) -> None:
    """As Standard Webhooks: HMAC-SHA256 over id, timestamp and body."""
    async with receiver(webhook) as played:
        web = channel("web", played.url, client)
        await web.send([a_message("breached")])
        await web.send([a_message("breached", tried=True)])
        first, second = played.got
    signed = f"{first.headers['webhook-id']}.{first.headers['webhook-timestamp']}.".encode() + first.raw
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert first.headers["webhook-signature"] == f"v1,{expected}"
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body["version"] == 1
    (alert,) = first.body["alerts"]
    assert (alert["kind"], alert["subject"], alert["segments"]["team"]) == (
        "breached",
        "zendesk:1",
        "billing",
    )


def test_a_pause_is_read_in_seconds_and_as_a_date() -> None:
    """What is neither is no pause."""
    assert retry_after_ms("1.5") == 1500
    assert retry_after_ms("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after_ms("soon") is None
    assert retry_after_ms(None) is None


def test_a_destination_that_fails_is_tried_ever_more_seldom() -> None:
    """Then the circuit is open, the next try decides, and a success closes it; asked pauses are kept to."""
    circuit, now = Circuit(), 0
    pauses = []
    for _ in range(OPEN_AFTER):
        assert circuit.state(now) == "closed"
        pauses.append(circuit.failed(now, 1.0))
    assert pauses == [1000, 2000, 4000, 8000, 16_000]
    assert (circuit.state(now), circuit.may_try(now)) == ("open", False)
    assert circuit.state(now + 16_000) == "half_open"
    assert circuit.failed(now, 0.0, 60_000) == 60_000
    for _ in range(100):
        assert circuit.failed(now, 0.5) <= 300_000
    circuit.succeeded()
    assert circuit.state(now) == "closed"
