"""What events say is text in every message about it: in Slack, PagerDuty, a webhook and Alertmanager, and in
what the generated Alertmanager tells Slack. It mentions, links and formats nothing, and begins no line."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
import yaml

from stream.alerts.channels import channels
from stream.alerts.channels.http import new_client
from stream.alerts.message import Message
from stream.alerts.state import Alert
from stream.config import Config, parse
from stream.generate.files import files
from tests.alerts import a_message, an_alert
from tests.conftest import _part
from tests.fuzz.mutate import TEXTS
from tests.rig.alertmanager import AlertmanagerServer, alertmanager_program
from tests.rig.receivers import Got, pagerduty, receiver, slack, webhook

NAMES = [text for text in TEXTS if 0 < len(text) <= 512]
"""What may be a subject."""
KEPT = ("\u2060",)
"""What a message has of its own that is not printable: the word joiner."""
HELP = "https://help.example/tickets/"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """As the dispatcher's."""
    async with new_client() as one:
        yield one


def about(text: str, number: int = 1) -> Alert:
    """A breach in which everything that comes from outside is one text."""
    segments = {"team": text, "agent": text, "priority": text}
    return an_alert(
        key=f"{text}/first_reply/{number}", subject=text, policy=text, segments=segments,
        acknowledged_by=text, instance=number,
    )  # fmt: skip


async def told(kind: dict[str, Any], role: Any, client: httpx.AsyncClient, *messages: Message) -> list[Got]:
    """What a destination gets of messages, one after the other."""
    async with receiver(role) as played:
        keys = {name: value.replace("URL", played.url) for name, value in kind.items()}
        config = parse({"alerts": {"destinations": {"x": keys}}})
        one = channels(config.alerts.destinations, client)["x"]
        for message in messages:
            await one.send([message])
        return played.got


def links(text: str) -> list[str]:
    """What stands in the angle brackets of Slack's markup: links, mentions, dates."""
    return re.findall(r"<([^>]*)>?", text)


def plain(text: str) -> str:
    """What Slack shows of text without markup."""
    return html.unescape(text).replace("\u2060", "")


def shown(text: str) -> str:
    """How people are shown a text, on one line and without what is not printable."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def acts(text: str) -> list[str]:
    """What Slack would make more of than text: formatting, emoji, addresses."""
    joined = re.sub("\u2060[^\u2060]{1,2}\u2060", "", text)
    found = r"[*~`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:[\w+'-]+:|\w://|\w\.[^\W\d_]{2}"
    return re.findall(found, joined)


@pytest.mark.parametrize(
    "kind",
    [{"kind": "slack", "channel": "C1", "token": "t", "api": "URL/api"}, {"kind": "slack", "url": "URL/in"}],
    ids=["bot", "webhook"],
)
async def test_slack_shows_the_text_and_does_nothing_with_it(
    kind: dict[str, Any], client: httpx.AsyncClient
) -> None:
    """One link at most, the ticket's; every value is read back as it was, and nothing else is markup."""
    messages = [a_message(kind, about(text)) for text in NAMES for kind in ("breached", "acknowledged")]
    got = await told(kind, slack, client, *messages)
    for text, message, one in zip([text for text in NAMES for _ in "ab"], messages, got, strict=True):
        head, _, facts = one.body["text"].partition("\n")
        before, link, after = re.fullmatch(r"(:\w+: [^<]*?)( <\S+\|Open>)?()", head).groups()  # type: ignore[union-attr]
        assert after == ""
        assert links(one.body["text"]) == ([link[2:-1]] if link else [])
        words = re.sub(r"^:\w+: ", "", before)
        assert "\n" not in facts
        assert acts(words) + acts(facts) == []
        assert [sign for sign in words + facts if not (sign.isprintable() or sign in KEPT)] == []
        if len(text) < 300:
            assert shown(text) in plain(words)
            assert message.kind != "breached" or f"policy: {shown(text)}".rstrip() in plain(facts)


async def test_a_link_leads_to_the_ticket_or_nowhere(client: httpx.AsyncClient) -> None:
    """The id is one step of the path, whatever is in it; there is no link where it would be cut or lead out
    of the path."""
    (got,) = await told(
        {"kind": "webhook", "url": "URL/in"}, webhook, client, a_message("breached", about("a/../b?c#d%2e"))
    )
    assert got.body["alerts"][0]["url"] == f"{HELP}a%2F..%2Fb%3Fc%23d%252e"
    for text in NAMES:
        url = a_message("breached", about(text)).url
        if text.rpartition(":")[2] in (".", ".."):
            assert url is None
            continue
        assert url is not None
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("https", "help.example", "", "")
        assert parts.path.count("/") == 2
        assert unquote(parts.path.removeprefix("/tickets/")) == text.rpartition(":")[2]
    bot = {"kind": "slack", "url": "URL/in"}
    (long,) = await told(bot, slack, client, a_message("breached", about("\U0001f600" * 512)))
    assert links(long.body["text"]) == []


async def test_machines_get_the_texts_themselves(client: httpx.AsyncClient) -> None:
    """JSON of PagerDuty and webhooks, up to their limits."""
    messages = [a_message("breached", about(text)) for text in NAMES]
    pages = await told({"kind": "pagerduty", "routing_key": "k", "api": "URL"}, pagerduty, client, *messages)
    hooks = await told({"kind": "webhook", "url": "URL/in"}, webhook, client, *messages)
    for text, page, hook in zip(NAMES, pages, hooks, strict=True):
        payload = page.body["payload"]
        assert (payload["source"], payload["group"]) == (text, text)
        assert payload["custom_details"]["agent"] == text
        (alert,) = hook.body["alerts"]
        assert (alert["subject"], alert["policy"], alert["segments"]["team"]) == (text, text, text)
        assert hook.headers.keys() == {
            "host", "accept", "accept-encoding", "connection", "user-agent", "content-type",
            "content-length", "webhook-id", "webhook-timestamp",
        }  # fmt: skip


def generated(directory: Path, chat: str) -> AlertmanagerServer:
    """The generated Alertmanager, which tells of each alert at once and alone; its Slack is the chat."""
    text = files(Config())["alertmanager/alertmanager.yml"]
    plain = yaml.safe_load(text.replace("/etc/alertmanager/secrets", str(directory)))
    for one in plain["receivers"]:
        (directory / one["name"]).write_text(f"{chat}/{one['name']}")
    for route in (plain["route"], *plain["route"]["routes"]):
        route |= {"group_by": ["..."], "group_wait": "0s", "group_interval": "1s"}
    return AlertmanagerServer(directory, _part(alertmanager_program), yaml.safe_dump(plain))


async def test_alertmanager_has_the_texts_and_tells_slack_nothing_else(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Labels are the texts themselves, and no template of it reads them; Slack gets one line of words."""
    messages = {text: a_message("breached", about(text)) for text in NAMES}
    async with receiver(slack) as chat:
        server = generated(tmp_path, chat.url)
        server.start()
        try:
            config = parse({"alerts": {"destinations": {"x": {"kind": "alertmanager", "url": server.url}}}})
            await channels(config.alerts.destinations, client)["x"].send(list(messages.values()))
            alerts = await asyncio.to_thread(server.until, len(NAMES))
            async with asyncio.timeout(60):
                while len(chat.got) < len(NAMES):
                    await asyncio.sleep(0.05)
        finally:
            await asyncio.to_thread(server.stop)
    for alert in alerts:
        labels, message = alert["labels"], messages[alert["labels"]["subject"]]
        assert {labels[name] for name in ("team", "agent", "priority", "policy")} == {message.subject}
        assert alert["annotations"]["summary"] == message.title
        assert alert.get("generatorURL", "") == (message.url or "")
    said = sorted(got.body["attachments"][0]["text"] for got in chat.got)
    for text in said:
        line, *further = text.strip().split("\n")
        assert all(one.startswith(HELP) for one in further)
        assert len(further) <= 1
        assert links(text) == []
        assert acts(line[1:-1]) == []
        assert [sign for sign in line if not (sign.isprintable() or sign in KEPT)] == []
    lines = sorted(plain(text).strip().partition("\n")[0] for text in said)
    assert lines == sorted(f"*{shown(message.title)}*" for message in messages.values())
