"""Who asks, and what they may ask for: tokens, teams, and what loopback allows without."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import HTTPConnection

from stream.config import ServeConfig
from stream.serve.problem import Problem

COOKIE = "floorcast"
"""Where a browser keeps a token: its live streams cannot send a header."""
TOKEN_MAX = 512


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `teams`: empty = all of them."""

    name: str
    admin: bool
    teams: tuple[str, ...] = ()

    def check_team(self, asked: str | None, how: str) -> None:
        """Raises Problem unless what is asked is of a team that this caller may see. `how` says how to ask
        for one."""
        if self.teams and asked not in self.teams:
            known = ", ".join(self.teams)
            raise Problem(403, f"this token sees {known} only", "team", f"ask for one of these teams: {how}")

    def check_where(self, where: Mapping[str, str | None]) -> None:
        """The same for conditions `DIM=VALUE`."""
        self.check_team(where.get("team"), "where=team=NAME")


ANYBODY = Caller("anybody", admin=False)
OWNER = Caller("this machine", admin=True)


class Access:
    """The tokens of a configuration."""

    def __init__(self, serve: ServeConfig) -> None:
        self._by_hash = {
            token.sha256.reveal(): Caller(name, token.kind == "admin", token.teams)
            for name, token in serve.tokens.items()
            if token.sha256 is not None
        }
        callers = self._by_hash.values()
        self._unguarded = OWNER if serve.loopback and not callers else None
        # With a token for reading somebody wants reading to be guarded, also behind a proxy on this machine.
        self._open = serve.loopback and all(caller.admin and not caller.teams for caller in callers)

    def known(self, request: HTTPConnection) -> Caller | None:
        """Whose token a request carries, in the header or (for reading) in a cookie."""
        return self._of_header(request) or self._of(request.cookies.get(COOKIE, ""))

    def reader(self, request: HTTPConnection) -> Caller:
        """Who reads. Raises Problem (401)."""
        if self._unguarded is not None:
            return self._unguarded
        self._refuse_wrong(request)
        caller = self.known(request)
        if caller is None and not self._open:
            raise _needed("reading needs a token")
        return caller or ANYBODY

    def writer(self, request: HTTPConnection) -> Caller:
        """Who writes: never by a cookie, which a browser sends whoever made it ask. Raises Problem (401,
        403)."""
        if self._unguarded is not None:
            return self._unguarded
        self._refuse_wrong(request)
        caller = self._of_header(request)
        if caller is None:
            raise _needed("writing needs an admin token in the header `Authorization`")
        if not caller.admin:
            raise Problem(403, "this token is for reading", "Authorization", "use one of kind admin")
        return caller

    def may_write(self, request: HTTPConnection) -> Caller | None:
        """Who would write, None when it may not."""
        try:
            return self.writer(request)
        except Problem:
            return None

    def holder(self, token: str) -> Caller:
        """Whose token it is. Raises Problem (401)."""
        caller = self._unguarded or self._of(token)
        if caller is None:
            raise _needed("this is no token of the configuration")
        return caller

    def _refuse_wrong(self, request: HTTPConnection) -> None:
        if request.headers.get("authorization") is not None and self._of_header(request) is None:
            raise _needed("the token in the header `Authorization` is none of the configuration")

    def _of_header(self, request: HTTPConnection) -> Caller | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self._of(token.strip()) if scheme.lower() == "bearer" else None

    def _of(self, token: str) -> Caller | None:
        if not 0 < len(token) <= TOKEN_MAX:
            return None
        return self._by_hash.get(sha256(token.encode()).hexdigest())


def may_listen(serve: ServeConfig) -> str | None:
    """Why it must not listen there, None when it may."""
    if serve.loopback or serve.tokens:
        return None
    return (
        f"serve.host {serve.host} is no loopback address and serve.tokens is empty, so that everybody could "
        "read and write: add a token (docs/api.md), or set serve.host to 127.0.0.1"
    )


def hosts_of(serve: ServeConfig) -> frozenset[str] | None:
    """Names by which a server on loopback may be asked, so that no web page reaches it by a name of its own
    (DNS rebinding); None: any."""
    return frozenset({"localhost", "127.0.0.1", "[::1]", serve.host}) if serve.loopback else None


def host_name(header: str) -> str:
    """The name in a `Host` header, without the port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0].lower()


def first_team(filters: Iterable[tuple[str, str]]) -> str | None:
    """The team that filters name; None where they name none, or several."""
    teams = {value for name, value in filters if name == "team"}
    return teams.pop() if len(teams) == 1 else None


def _needed(detail: str) -> Problem:
    return Problem(
        401, detail, "Authorization", "send `Authorization: Bearer TOKEN`",
        headers={"WWW-Authenticate": "Bearer"},
    )  # fmt: skip
