"""The section `alerts`: who is told of clocks that run out, where, how often and in how many messages."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct

from stream.config.keys import Key
from stream.config.kinds import Choice, Duration, Flag, HttpUrl, SecretText, SecretUrl, Text, Words
from stream.config.secrets import Secret, secret_of
from stream.config.segments import When
from stream.config.structs import ListOf, MapOfKinds
from stream.events.envelope import SEGMENT_FIELDS

_HOUR_MS = 3_600_000
_LINK = Text(
    r"https?://[^\s{}]+(\{(?:ticket|subject)\}[^\s{}]*)+",
    "a link with {ticket} or {subject}, such as https://help.example/tickets/{ticket}",
)
_FILE = Text(expected="the path of a file")
_IN_FILE = "File that holds it, read at every delivery; instead of"

WHEN_FIELDS = ("clock", "level", "policy", *SEGMENT_FIELDS)
"""What a route can ask for."""
Occasion = Literal["at_risk", "breached", "blind"]
OCCASIONS: tuple[Occasion, ...] = ("at_risk", "breached", "blind")


class SlackConfig(Struct, frozen=True, kw_only=True):
    """A Slack channel: as a bot (`token` and `channel`, follow-ups in the thread) or by incoming webhook."""

    kind: Annotated[str, Key(Choice("slack"), "`slack`")] = "slack"
    channel: Annotated[str | None, Key(Text(), "Id or name of the channel, for a bot")] = None
    token: Annotated[Secret | None, Key(SecretText(), "The bot's token (`xoxb-...`)")] = None
    token_file: Annotated[str | None, Key(_FILE, f"{_IN_FILE} `token`")] = None
    url: Annotated[Secret | None, Key(SecretUrl(), "URL of an incoming webhook; it is a secret")] = None
    url_file: Annotated[str | None, Key(_FILE, f"{_IN_FILE} `url`")] = None
    api: Annotated[str, Key(HttpUrl(), "Where Slack's API is")] = "https://slack.com/api"

    def bot(self, name: str) -> str | None:
        """The bot's token, None without one. `name` is the destination's, for the ConfigError of its file."""
        return secret_of(f"alerts.destinations.{name}.token", self.token, self.token_file)

    def webhook(self, name: str) -> str | None:
        """The incoming webhook's URL, None without one. Raises ConfigError like `bot`."""
        return secret_of(f"alerts.destinations.{name}.url", self.url, self.url_file)


class PagerDutyConfig(Struct, frozen=True, kw_only=True):
    """A service of PagerDuty with an integration of the Events API v2."""

    kind: Annotated[str, Key(Choice("pagerduty"), "`pagerduty`")] = "pagerduty"
    routing_key: Annotated[Secret | None, Key(SecretText(), "The integration key of the service")] = None
    routing_key_file: Annotated[str | None, Key(_FILE, f"{_IN_FILE} `routing_key`")] = None
    api: Annotated[str, Key(HttpUrl(), "Where the Events API is")] = "https://events.pagerduty.com"

    def key(self, name: str) -> str | None:
        """The integration key. `name` is the destination's, for the ConfigError of its file."""
        return secret_of(f"alerts.destinations.{name}.routing_key", self.routing_key, self.routing_key_file)


class AlertmanagerConfig(Struct, frozen=True, kw_only=True):
    """An Alertmanager with API v2 (0.16 or later)."""

    kind: Annotated[str, Key(Choice("alertmanager"), "`alertmanager`")] = "alertmanager"
    url: Annotated[str, Key(HttpUrl(), "Its address, with its path prefix if it has one")] = (
        "http://127.0.0.1:9093"
    )
    username: Annotated[str | None, Key(Text(), "User to log in as (basic authentication)")] = None
    password: Annotated[Secret | None, Key(SecretText(), "The user's password")] = None
    password_file: Annotated[str | None, Key(_FILE, f"{_IN_FILE} `password`")] = None

    def login(self, name: str) -> tuple[str, str] | None:
        """User and password, None without. `name` is the destination's, for the ConfigError of its file."""
        password = secret_of(f"alerts.destinations.{name}.password", self.password, self.password_file)
        return None if self.username is None else (self.username, password or "")


class WebhookConfig(Struct, frozen=True, kw_only=True):
    """Any HTTP address that takes JSON by POST, signed as Standard Webhooks are when there is a `secret`."""

    kind: Annotated[str, Key(Choice("webhook"), "`webhook`")] = "webhook"
    url: Annotated[Secret | None, Key(SecretUrl(), "The address; never shown, as it may hold a token")] = None
    url_file: Annotated[str | None, Key(_FILE, f"{_IN_FILE} `url`")] = None
    secret: Annotated[
        Secret | None, Key(SecretText(), "Key of the signature (HMAC-SHA256); `whsec_...` is base64")
    ] = None
    secret_file: Annotated[str | None, Key(_FILE, f"{_IN_FILE} `secret`")] = None

    def address(self, name: str) -> str | None:
        """The URL. `name` is the destination's, for the ConfigError of its file."""
        return secret_of(f"alerts.destinations.{name}.url", self.url, self.url_file)

    def signing_key(self, name: str) -> str | None:
        """The key of the signature, None without one. Raises ConfigError like `address`."""
        return secret_of(f"alerts.destinations.{name}.secret", self.secret, self.secret_file)


Destination = SlackConfig | PagerDutyConfig | AlertmanagerConfig | WebhookConfig
DESTINATIONS: dict[str, type[Struct]] = {
    "slack": SlackConfig,
    "pagerduty": PagerDutyConfig,
    "alertmanager": AlertmanagerConfig,
    "webhook": WebhookConfig,
}
"""Kind -> its keys."""


class Route(Struct, frozen=True, kw_only=True):
    """What goes where. As in Alertmanager the first route that matches counts, unless it says `continue`."""

    when: Annotated[
        dict[str, tuple[str, ...]],
        Key(
            When(WHEN_FIELDS),
            "Segment field, `clock`, `level` or `policy` -> a value or a list of values; "
            "all must match, none = every alert",
        ),
    ] = {}
    on: Annotated[
        tuple[Occasion, ...],
        Key(
            Words(*OCCASIONS),
            "Any of `at_risk`, `breached` and `blind` (floorcast itself sees nothing); what follows of an "
            "alert goes where it went",
        ),
    ] = ("at_risk", "breached")
    to: Annotated[tuple[str, ...], Key(Words(), "Names of destinations")] = ()
    repeat_ms: Annotated[
        int | None, Key(Duration(), "Remind so often until fulfilled or acknowledged; null = never")
    ] = None
    digest_ms: Annotated[
        int | None, Key(Duration(), "Collect for so long and send one message; null = each at once")
    ] = None
    go_on: Annotated[bool, Key(Flag(), "Whether the routes below are looked at, too", "continue")] = False


class AlertsConfig(Struct, frozen=True, kw_only=True):
    """What leaves floorcast when a clock runs out. Without destinations nothing does."""

    ticket_url: Annotated[
        str | None,
        Key(
            _LINK,
            "Link to a ticket: `{ticket}` is its id without the source's prefix, `{subject}` with it",
        ),
    ] = None
    max_age_ms: Annotated[
        int, Key(Duration(), "What was found longer ago is counted, not sent: too old to page")
    ] = _HOUR_MS
    blind_after_ms: Annotated[
        int,
        Key(Duration(), "So long Kafka must be silent, or a shard behind, before floorcast is called blind"),
    ] = 600_000
    destinations: Annotated[
        dict[str, Destination],
        Key(MapOfKinds(DESTINATIONS), "Where to, by a name of your own; keys below, by `kind`"),
    ] = {}
    routes: Annotated[
        tuple[Route, ...], Key(ListOf(Route), "What goes where, the first that matches; keys below")
    ] = ()
