"""The kinds of single values: each reads what YAML gave, or raises `Wrong` saying what was expected."""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from stream.config.durations import format_duration, parse_duration
from stream.config.problems import At, Wrong, nearest, shown
from stream.config.secrets import MASK, Secret


class Kind:
    """A kind of value. `yaml_text`: in an environment variable it is YAML (numbers, lists), not text."""

    yaml_text = False

    def read(self, value: object, at: At) -> object:
        """The value as the model keeps it; raises Wrong, or notes problems of its parts at their places."""
        raise NotImplementedError

    def show(self, value: object) -> object:
        """The value as floorcast.yaml would say it."""
        return value


class Text(Kind):
    """Text that is not empty and matches `pattern` as a whole; `expected` says in words what that is."""

    def __init__(self, pattern: str = r"[^\x00-\x1f\x7f]+", expected: str = "text") -> None:
        self._pattern = re.compile(pattern)
        self._expected = expected

    def read(self, value: object, at: At) -> object:
        if isinstance(value, str) and self._pattern.fullmatch(value):
            return value
        raise Wrong(f"expected {self._expected}, got {shown(value)}{quoting(value)}")


class SecretText(Kind):
    """A password; no message about it shows it."""

    def read(self, value: object, at: At) -> object:
        if isinstance(value, str) and value:
            return Secret(value)
        what = "empty text" if value == "" else f"another type{quoting(value)}"
        raise Wrong(f"expected a password as text, got {what}")

    def show(self, value: object) -> object:
        return MASK if value is not None else None


class Duration(Kind):
    """A length of time above zero, kept in milliseconds; with `days=False`, not in days."""

    def __init__(self, days: bool = True) -> None:
        self._days = days

    def read(self, value: object, at: At) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = f"{value}s" if isinstance(value, int) and 0 < value < 10**9 else "90s, for example,"
            raise Wrong(f"a duration needs a unit, got {shown(value)}: write {seconds} if seconds are meant")
        if not isinstance(value, str):
            examples = "90s, 30m, 8h or 8d" if self._days else "90s, 30m or 8h"
            raise Wrong(f"expected a duration such as {examples}, got {shown(value)}")
        try:
            duration_ms = parse_duration(value, self._days)
        except ValueError as error:
            raise Wrong(f"{error}, got {shown(value)}") from None
        if duration_ms == 0:
            raise Wrong("expected a duration longer than zero")
        return duration_ms

    def show(self, value: object) -> object:
        return format_duration(value, self._days) if isinstance(value, int) else value


class Whole(Kind):
    """A whole number from `least` to `most`."""

    yaml_text = True

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def read(self, value: object, at: At) -> object:
        if isinstance(value, int) and not isinstance(value, bool) and self._least <= value <= self._most:
            return value
        raise Wrong(f"expected a whole number from {self._least} to {self._most}, got {shown(value)}")


class Share(Kind):
    """A share: above 0, at most 1."""

    yaml_text = True

    def read(self, value: object, at: At) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1:
            return float(value)
        raise Wrong(f"expected a share above 0 and at most 1, such as 0.8, got {shown(value)}")


class Choice(Kind):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def read(self, value: object, at: At) -> object:
        if value in self._words:
            return value
        raise Wrong(f"expected {', '.join(self._words[:-1])} or {self._words[-1]}, got {shown(value)}")


class Words(Kind):
    """A list of words: any, or only those of `known`. One word stands for a list of one."""

    yaml_text = True

    def __init__(self, *known: str) -> None:
        self._known = known

    def read(self, value: object, at: At) -> object:
        words = value if isinstance(value, list) else [value]
        expected = f"any of {', '.join(self._known)}" if self._known else "a name or a list of names"
        for word in words:
            if not isinstance(word, str) or not word or (self._known and word not in self._known):
                near = (
                    f"; the nearest is {nearest(word, self._known)}"
                    if self._known and word and isinstance(word, str)
                    else ""
                )
                raise Wrong(f"expected {expected}, got {shown(word)}{near}{quoting(word)}")
        if not words:
            raise Wrong(f"expected {expected}, got an empty list")
        return tuple(dict.fromkeys(words))

    def show(self, value: object) -> object:
        return list(value) if isinstance(value, tuple) else value


class Flag(Kind):
    """true or false."""

    yaml_text = True

    def read(self, value: object, at: At) -> object:
        if isinstance(value, bool):
            return value
        raise Wrong(f"expected true or false, got {shown(value)}")


class Zone(Kind):
    """The name of a time zone of the IANA database."""

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, str) or not value:
            raise Wrong(f"expected a time zone such as Europe/Berlin, got {shown(value)}")
        try:
            return ZoneInfo(value).key
        except (KeyError, ValueError, OSError):
            near = nearest(value, sorted(available_timezones() | {"UTC"}))
        raise Wrong(f"expected a time zone, got {shown(value)}; the nearest known is {near}")


class RedisUrl(Kind):
    """`redis://host:port/database`, or `rediss://` for TLS. No error shows it: it may hold a password."""

    def read(self, value: object, at: At) -> object:
        if isinstance(value, str) and _is_redis_url(value):
            return value
        raise Wrong(
            "expected redis://host:port/database (rediss:// for TLS) without further options; "
            "a password with special characters stands better in password or password_file"
        )


class HttpUrl(Kind):
    """`https://host/path`, without user, password or query: it is shown."""

    def read(self, value: object, at: At) -> object:
        if isinstance(value, str) and _is_http_url(value) and not re.search("[@?#]", value):
            return value
        raise Wrong("expected https://host/path (or http://) without user, password and query")


class SecretUrl(Kind):
    """`https://...` of which any part may be a secret; no message shows it."""

    def read(self, value: object, at: At) -> object:
        if isinstance(value, str) and _is_http_url(value):
            return Secret(value)
        raise Wrong("expected https://host/path (or http://)")

    def show(self, value: object) -> object:
        return f"https://{MASK}" if value is not None else None


class Servers(Kind):
    """Addresses `host:port`, separated by commas."""

    def read(self, value: object, at: At) -> object:
        if isinstance(value, str) and all(_is_address(address) for address in value.split(",")):
            return value
        raise Wrong(f"expected host:port, or several separated by commas without spaces, got {shown(value)}")


def quoting(value: object) -> str:
    """The hint that helps when YAML took a word for something else: `123`, `no`, `2026-01-01`."""
    if value is None or isinstance(value, str | list | dict):
        return ""
    return "; put it in quotes to make it text"


def _is_address(address: str) -> bool:
    host, colon, port = address.rpartition(":")
    plain = re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", host)
    return bool(colon and plain and re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65_536)


def _is_redis_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("redis", "rediss")
        and bool(host)
        and (port is None or port > 0)
        and re.fullmatch(r"(/[0-9]{0,4})?", parts.path) is not None
        and not re.search(r"[\s?#\x00-\x1f]", url)
    )


def _is_http_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    fits = parts.scheme in ("http", "https") and bool(host) and (port is None or port > 0)
    return fits and not re.search(r"[\s\x00-\x1f\x7f]", url)
