"""The sections `kafka` and `redis`: where to connect, and as whom."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct
from msgspec.structs import force_setattr

from stream.config.keys import Key
from stream.config.kinds import Choice, RedisUrl, SecretText, Servers, Text
from stream.config.problems import Wrong
from stream.config.secrets import Secret, password_of, split_url

_NAME = Text(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}", "a name of letters, digits, dots, hyphens and underscores")
_FILE = Text(expected="the path of a file")
_CA = "File of the certificate authorities (PEM) that vouch for the server; without it, the system's"
_CERT = "File of the client's certificate (PEM), where the server asks for one"
_KEY_FILE = "File of the private key (PEM) of `cert_file`"
_PASSWORD_FILE = "File that holds the password, read at every connection; instead of `password`"


class TopicNames(Struct, frozen=True, kw_only=True):
    """The names of the topics in this Kafka cluster."""

    tickets: Annotated[str, Key(_NAME, "Topic of the ticket events")] = "support.tickets"
    calls: Annotated[str, Key(_NAME, "Topic of the call events")] = "support.calls"
    surveys: Annotated[str, Key(_NAME, "Topic of the survey events")] = "support.surveys"
    agents: Annotated[str, Key(_NAME, "Topic of the agent events")] = "support.agents"
    selfservice: Annotated[str, Key(_NAME, "Topic of the self-service sessions")] = "support.selfservice"
    customers: Annotated[str, Key(_NAME, "Topic of the customer events")] = "support.customers"
    annotations: Annotated[str, Key(_NAME, "Topic of the annotations on charts")] = "support.annotations"
    contacts: Annotated[str, Key(_NAME, "Topic of the facts about customers' contacts (internal)")] = (
        "support.contacts"
    )
    sla: Annotated[str, Key(_NAME, "Topic of what happens to the clocks of SLAs")] = "support.sla"
    alerts: Annotated[str, Key(_NAME, "Topic of what was sent about them (compacted)")] = "support.alerts"
    acknowledgements: Annotated[str, Key(_NAME, "Topic of who has taken note of an alert")] = (
        "support.acknowledgements"
    )
    config: Annotated[str, Key(_NAME, "Topic of the configurations that shape numbers")] = "support.config"
    deadletters: Annotated[str, Key(_NAME, "Topic that takes what cannot be applied")] = "support.deadletters"


class KafkaConfig(Struct, frozen=True, kw_only=True):
    """Where Kafka is, and as whom to connect. `secret()` gives the password, from wherever it was put."""

    bootstrap: Annotated[
        str, Key(Servers(), "Addresses `host:port` of the brokers to begin with, separated by commas")
    ] = "127.0.0.1:9092"
    group: Annotated[str, Key(_NAME, "Consumer group of the workers")] = "floorcast"
    security: Annotated[
        Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"],
        Key(
            Choice("plaintext", "ssl", "sasl_plaintext", "sasl_ssl"),
            "`ssl` encrypts, `sasl_` logs in: `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`",
        ),
    ] = "plaintext"
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        Key(
            Choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
            "How to log in: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`",
        ),
    ] = "PLAIN"
    username: Annotated[str | None, Key(Text(), "User to log in as (SASL)")] = None
    password: Annotated[
        Secret | None, Key(SecretText(), "The user's password; better in `password_file`")
    ] = None
    password_file: Annotated[str | None, Key(_FILE, _PASSWORD_FILE)] = None
    ca_file: Annotated[str | None, Key(_FILE, _CA)] = None
    cert_file: Annotated[str | None, Key(_FILE, _CERT)] = None
    key_file: Annotated[str | None, Key(_FILE, _KEY_FILE)] = None
    topics: TopicNames = TopicNames()

    def secret(self) -> str | None:
        """The password, None without one; raises ConfigError when `password_file` cannot be read."""
        return password_of("kafka", self.password, self.password_file)


class RedisConfig(Struct, frozen=True, kw_only=True):
    """Where Redis is, and as whom to connect.

    A user and password inside `url` are moved to `username` and `password`, so `url` can be shown:
    a client needs all of `url`, `username` and `secret()`.
    """

    url: Annotated[str, Key(RedisUrl(), "`redis://host:port/database`; `rediss://` encrypts")] = (
        "redis://127.0.0.1:6379/0"
    )
    username: Annotated[str | None, Key(Text(), "User to log in as (ACL)")] = None
    password: Annotated[
        Secret | None, Key(SecretText(), "The user's password; better in `password_file`")
    ] = None
    password_file: Annotated[str | None, Key(_FILE, _PASSWORD_FILE)] = None
    ca_file: Annotated[str | None, Key(_FILE, _CA)] = None
    cert_file: Annotated[str | None, Key(_FILE, _CERT)] = None
    key_file: Annotated[str | None, Key(_FILE, _KEY_FILE)] = None
    namespace: Annotated[
        str,
        Key(
            Text(r"[A-Za-z0-9_-]{1,64}", "up to 64 letters, digits, hyphens and underscores"),
            "First part of every key: deployments with different namespaces share a Redis without meeting",
        ),
    ] = "live"

    def __post_init__(self) -> None:
        url, username, password = split_url(self.url)
        force_setattr(self, "url", url)
        if username is not None:
            if self.username is not None:
                raise Wrong("holds a user, and so does redis.username: keep one", "url")
            force_setattr(self, "username", username)
        if password is not None:
            if self.password is not None:
                raise Wrong("holds a password, and so does redis.password: keep one", "url")
            force_setattr(self, "password", Secret(password))

    def secret(self) -> str | None:
        """The password, None without one; raises ConfigError when `password_file` cannot be read."""
        return password_of("redis", self.password, self.password_file)
