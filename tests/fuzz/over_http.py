"""What is sent to `floorcast serve`, broken: lists of events, bodies, questions, and bytes that are no HTTP.

Whatever comes, it is answered below 500, and a refused event has its reason and place."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any, Final
from urllib.parse import quote_from_bytes

import httpx
import msgspec

from stream.serve.routes.events import BATCH, BODY_MAX, PLAIN, SINGLE
from tests.fuzz.bounds import bounded
from tests.fuzz.kafka import NOWHERE, REASONS
from tests.fuzz.mutate import TEXTS, TIMES, Json, Mutator

EVENTS: Final = "/api/v1/events"
LIST_MAX: Final = 25
ANSWER_BYTES_MAX: Final = 2_000_000
SILENCE_S: Final = 0.2
"""So long a broken request is waited for: its server may be waiting for the rest."""
AT_ONCE: Final = 10
BODIES: Final[tuple[tuple[str, Json], ...]] = (
    ("/api/v1/query_batch", {"questions": [{"metric": "ticket_volume", "window": "today", "by": ["team"]}]}),
    ("/api/v1/alerts/acknowledge", {"subject": "desk:1", "clock": "first_reply", "by": "Ann"}),
)
QUESTIONS: Final[tuple[tuple[str, Json], ...]] = (
    ("/api/v1/query", {"metric": "ticket_volume", "window": "today", "by": "team", "stat": "value",
    "top": "3"}),
    ("/api/v1/query", {"metric": "backlog", "from": "2026-03-02T00:00:00Z", "to": "2026-03-02T09:00:00Z",
    "step": "1h"}),
    ("/api/v1/query", {"metric": "first_response_time", "window": "7d", "where": "team=a",
    "compare": "week"}),
    ("/api/v1/query", {"metric": "backlog", "at": "2026-03-02T09:30:00Z"}),
    ("/api/v1/sla", {"team": "a", "state": "breached", "where": "channel=email"}),
    ("/api/v1/alerts", {"team": "a"}), ("/api/v1/annotations", {"window": "today"}),
    ("/api/v1/metrics", {}), ("/api/v1/entities/tickets/desk:1", {}), ("/boards/floor", {"team": "a"}),
    ("/static/x", {}),
)  # fmt: skip
TOO_LARGE: Final = b" " * (BODY_MAX + 1)
BOMB: Final = gzip.compress(b"[" + b" " * 20_000_000)
TYPES: Final = (
    SINGLE,
    BATCH,
    PLAIN,
    f"{SINGLE}; charset=utf-16",
    "text/plain",
    "",
    "multipart/form-data",
    "\xe9",
)
HEADERS: Final[tuple[dict[str, str], ...]] = (
    {}, {}, {}, {"Content-Encoding": "gzip"}, {"Transfer-Encoding": "identity"}, {"Expect": "100-continue"},
    {"X": "x" * 30_000}, {"Host": "evil.example"}, {"Authorization": "Bearer x"},
    {"Cookie": "floorcast=" + "x" * 600},
    {"Range": "bytes=0-1,0-1"}, {"Accept-Encoding": "*;q=x"}, {"Content-Length": "1_0"},
)  # fmt: skip


WORDS: Final = (
    *(text.encode() for text in (*TEXTS, *map(str, TIMES))), b"\xff\xfe", b"9" * 5_000, b"1e9", b"99999d",
    b"9999d", b"1ms", b"10s", b"10m", b"team=", b"=", b"team=a=b", b"le=0.5", b"x" * 20_000,
)  # fmt: skip
"""For parameters."""


class Breaker:
    """Makes what is sent."""

    def __init__(self, random: Random, events: Sequence[Json]) -> None:
        self.random = random
        self._events = events
        self._mutator = Mutator(random)

    def event(self) -> tuple[msgspec.Raw, bool]:
        """One event of a list, as JSON, and whether it is as it should be."""
        event = self.random.choice(self._events)
        how = self.random.randrange(4)
        if how == 0:
            return msgspec.Raw(msgspec.json.encode(event)), True
        if how == 1 and self.random.random() < 0.1:
            return msgspec.Raw(msgspec.json.encode({**event, "padding": "x" * 300_000})), False
        broken = self._mutator.fields(event)
        try:
            msgspec.json.decode(broken)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return msgspec.Raw(b"5"), False  # it would break the whole list
        return msgspec.Raw(broken), False

    def body(self) -> tuple[str, bytes]:
        """Where it goes, and a body that may be no JSON."""
        path, value = self.random.choice((*[(EVENTS, self.random.choice(self._events))] * 3, *BODIES))
        how = self.random.randrange(8)
        good = msgspec.json.encode(value)
        if how < 3:
            return path, self._mutator.fields(value)
        if how < 6:
            return path, self._mutator.damaged(good)
        return path, self.random.choice((
            *[TOO_LARGE] * 3, b"", b"[]", b"[" * 100_000, b'{"a":' * 50_000, b"[" + b"1," * 2_000 + b"1]",
            gzip.compress(good),
            BOMB, b"\xef\xbb\xbf" + good, good + good, good.decode().encode("utf-16"),
        ))  # fmt: skip

    def headers(self) -> dict[str, str]:
        """Of a body."""
        kind = {"Content-Type": self.random.choice((SINGLE, PLAIN, PLAIN, *TYPES))}
        return {**kind, **self.random.choice(HEADERS)}

    def question(self) -> str:
        """A path with its parameters."""
        path, asked = self.random.choice(QUESTIONS)
        words: list[list[Any]] = [[name, str(value).encode()] for name, value in asked.items()]
        for _ in range(self.random.randrange(3)):
            value = self.random.choice(WORDS)
            how = self.random.randrange(4)
            if how == 0 or not words:
                words.append([self.random.choice(("by", "where", "window", "metric", "x", "")), value])
            elif how == 1:
                words.append([self.random.choice(words)[0], value])
            else:
                self.random.choice(words)[1] = value
        if self.random.randrange(8) == 0:
            path += self.random.choice(
                ("/", "%00", "%ff", "/..%2f..%2fetc/passwd", "%0d%0aX:x", "x" * 9_000, "//", "%")
            )
        return f"{path}?" + "&".join(f"{name}={quote_from_bytes(value)}" for name, value in words)

    def raw(self, head: str) -> bytes:
        """Bytes of a request, or of what is none. `head`: the headers that a good one has."""
        event = msgspec.json.encode(self.random.choice(self._events))
        begin = f"POST {EVENTS} HTTP/1.1\r\n{head}Content-Type: {PLAIN}\r\n".encode()
        whole = begin + f"Content-Length: {len(event)}\r\n\r\n".encode() + event
        chunked = begin + b"Transfer-Encoding: chunked\r\n\r\n"
        pieces = chunked + f"{len(event):x}\r\n".encode() + event + b"\r\n0\r\n\r\n"
        asked = f"GET /api/v1/query?metric=backlog HTTP/1.1\r\n{head}\r\n".encode()
        how = self.random.randrange(8)
        if how < 5:
            return self._mutator.damaged(self.random.choice((whole, pieces, pieces, asked)))
        return self.random.choice((
            begin + b"Content-Length: -1\r\n\r\n", begin + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
            begin + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n[]",
            begin + b"Transfer-Encoding: gzip, x\r\n\r\n",
            begin + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            begin + b"Content-Length: 99\r\n\r\n[",
            chunked + b"ffffffffffffffffff\r\n", chunked + b"-1\r\n",
            chunked + b"5;" + b"x" * 40_000, begin + b"X: " + b"x" * 90_000,
            begin + b"x: y\r\n" * 9_000 + b"\r\n", chunked + b"0\r\n" + b"x: y\r\n" * 9_000,
            b"GET /\xff\xfe HTTP/1.1\r\n\r\n", b"GET http:// HTTP/1.1\r\n\r\n", b"GET " + b"/" * 90_000,
            b"\x16\x03\x01\x02\0\x01\0",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 5_000, b"\0" * 500,
            b"CONNECT x:1 HTTP/1.1\r\n\r\n",
            asked.replace(b"GET", b"BREW"), asked * 50, asked.replace(b"\r\n", b"\n"), asked.replace(b": ",
            b"\0: "),
            asked[:-2] + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", self.random.randbytes(900),
        ))  # fmt: skip


async def run_http(seed: str, client: httpx.AsyncClient, events: Sequence[Json], count: int) -> Counter[str]:
    """So many payloads: seven of ten are events in lists, the others bodies, questions and bytes."""
    breaker = Breaker(Random(f"{seed}:http"), events)
    counts: Counter[str] = Counter()
    with bounded(f"{seed} lists"):
        while counts.total() * 10 < count * 7:
            counts += await _list(client, breaker)
    for _ in range(count // 10):
        path, body = breaker.body()
        headers = breaker.headers()
        with bounded(f"{seed} {path} {headers} {body[:500]!r}"):
            counts[f"body {await _answered(client, 'POST', path, body, headers)}"] += 1
        path = breaker.question()
        with bounded(f"{seed} {path[:500]}"):
            counts[f"question {await _answered(client, 'GET', path)}"] += 1
    head = f"Host: {client.base_url.netloc.decode()}\r\nAuthorization: {client.headers['Authorization']}\r\n"
    for _ in range(max(1, count // 10 // AT_ONCE)):
        made = [breaker.raw(head + "Connection: close\r\n") for _ in range(AT_ONCE)]
        with bounded(f"{seed} raw {[one[:300] for one in made]}"):
            counts += Counter(await asyncio.gather(*(_raw(client, one) for one in made)))
    assert (await client.get("/healthz")).status_code == 200
    return counts


async def _list(client: httpx.AsyncClient, breaker: Breaker) -> Counter[str]:
    made = [breaker.event() for _ in range(breaker.random.randrange(2, LIST_MAX))]
    body = msgspec.json.encode([event for event, _ in made])
    headers = {"Content-Type": breaker.random.choice((BATCH, PLAIN))}
    answer = await client.post(EVENTS, content=body, headers=headers)
    _check(answer, body)
    verdicts: list[dict[str, Any]] = answer.json()["events"]
    assert [verdict["index"] for verdict in verdicts] == list(range(len(made)))
    for verdict, (event, good) in zip(verdicts, made, strict=True):
        said = (verdict, bytes(event)[:2_000])
        if verdict["status"] == "accepted":
            continue
        assert verdict["status"] == "refused", said
        assert not good, said
        assert verdict["reason"] in REASONS, said
        assert verdict["detail"], said
        whole = verdict["reason"] in NOWHERE or "object" in verdict["detail"]
        assert verdict["path"] or whole, said
    return Counter(f"event {verdict.get('reason', 'accepted')}" for verdict in verdicts)


async def _answered(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> int | str:
    try:
        answer = await client.request(method, path, content=body, headers=headers)
    except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeEncodeError):
        return "not sent"
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
        return "closed"
    _check(answer, (path[:500], headers, body[:2_000]))
    return answer.status_code


def _check(answer: httpx.Response, sent: object) -> None:
    assert answer.status_code < 500, (answer.status_code, answer.text, sent)
    assert len(answer.content) < ANSWER_BYTES_MAX, sent
    if answer.headers.get("content-type") == "application/problem+json":
        assert answer.json()["detail"], sent


async def _raw(client: httpx.AsyncClient, data: bytes) -> str:
    """What came back, on a connection of its own."""
    url = client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    answer = b""
    try:
        writer.write(data)
        async with asyncio.timeout(SILENCE_S):
            answer = await reader.read(ANSWER_BYTES_MAX)
    except TimeoutError:
        return "bytes: waits for more"
    except ConnectionError:
        return "bytes: closed"
    finally:
        writer.close()
    assert not answer or (answer.startswith(b"HTTP/1.1 ") and answer[9:10] in b"1234"), (answer, data[:2_000])
    return f"bytes: {answer[9:12].decode()}" if answer else "bytes: closed"
