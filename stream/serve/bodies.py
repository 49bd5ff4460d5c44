"""Reads the body of a request: bounded in size and time, and only of the types that are understood."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec
from fastapi import Request
from starlette.requests import ClientDisconnect

from stream.serve.problem import Problem

BODY_TIMEOUT_S: Final = 30.0


_Sent = TypeVar("_Sent")


def decoded(decode: Callable[[bytes], _Sent], body: bytes, instead: str) -> _Sent:
    """What a body says. Raises Problem (422), with what to send instead."""
    try:
        return decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(422, str(error)[:200], "body", instead) from None


async def body_of(request: Request, bytes_max: int, types: Sequence[str]) -> bytes:
    """The whole body. Raises Problem: another type (415), too large (413), or too slow (408).

    That the type is one that no form of a web page can send keeps other sites from writing in a browser's
    name.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in types:
        raise Problem(
            415, "this type of body is not understood", "Content-Type", f"send {' or '.join(types)}"
        )
    too_large = Problem(413, f"the body is longer than {bytes_max} bytes", "body", "send less at once")
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told) > bytes_max:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > bytes_max:
                    raise too_large
    except TimeoutError:
        raise Problem(408, f"the body did not come within {BODY_TIMEOUT_S:g} s", "body") from None
    except ClientDisconnect:
        raise Problem(400, "the connection was closed before the body's end", "body") from None
    return bytes(body)
