"""The section `serve`: where the API and the wallboards are served, and who may ask for what."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Struct

from stream.config.keys import Key
from stream.config.kinds import Choice, Kind, Text, Whole, Words
from stream.config.problems import At, Wrong
from stream.config.secrets import MASK, Secret
from stream.config.structs import MapOf


class Digest(Kind):
    """The SHA-256 of a token as 64 hexadecimal digits; no message shows it, as a weak token can be guessed
    from it."""

    def read(self, value: object, at: At) -> object:
        if isinstance(value, str) and len(value) == 64 and not set(value.lower()) - set("0123456789abcdef"):
            return Secret(value.lower())
        raise Wrong("expected the SHA-256 of the token, 64 hexadecimal digits in quotes (docs/api.md)")

    def show(self, value: object) -> object:
        return MASK if value is not None else None


class TokenConfig(Struct, frozen=True, kw_only=True):
    """One token, of which only the hash is known here."""

    sha256: Annotated[Secret | None, Key(Digest(), "SHA-256 of the token, 64 hexadecimal digits")] = None
    kind: Annotated[
        Literal["read", "admin"],
        Key(Choice("read", "admin"), "`read`, or `admin`: also private boards, acknowledgements and events"),
    ] = "read"
    teams: Annotated[
        tuple[str, ...], Key(Words(), "Only these teams: whatever is asked must name one; absent = all")
    ] = ()


class ServeConfig(Struct, frozen=True, kw_only=True):
    """Where `floorcast serve` listens, and its tokens."""

    host: Annotated[
        str,
        Key(
            Text(r"[A-Za-z0-9.:_-]+", "a host name or address"),
            "Address to listen on; any but a loopback address needs `tokens`",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Key(Whole(0, 65_535), "Port to listen on; 0 = any free one")] = 8080
    requests_per_second: Annotated[
        int, Key(Whole(1, 100_000), "Requests that one client may make, over ten seconds")
    ] = 100
    tokens: Annotated[
        dict[str, TokenConfig],
        Key(MapOf(TokenConfig), "Tokens by a name of your own, which stands in logs; keys below"),
    ] = {}

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def token_faults(tokens: Mapping[str, TokenConfig]) -> list[tuple[str, str]]:
    """Name and message of hashes that are missing or given twice."""
    faults: list[tuple[str, str]] = []
    first_of: dict[Secret, str] = {}
    for name, token in tokens.items():
        if token.sha256 is None:
            faults.append((name, "needs the SHA-256 of the token"))
        elif first_of.setdefault(token.sha256, name) != name:
            faults.append((name, f"is that of serve.tokens.{first_of[token.sha256]}: make another token"))
    return faults
