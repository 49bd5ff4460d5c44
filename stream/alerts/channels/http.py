"""One POST of JSON: time limits, which answers are worth a retry, and errors that show no address."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import httpx

from stream.alerts.channels.channel import Failed

TIMEOUT_S = 10.0
RETRIED = (408, 425, 429)
"""Beside 5xx: the request was good, the moment was not."""
DETAIL_MAX = 120

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_NO_RETRY = (httpx.InvalidURL, httpx.UnsupportedProtocol)


def new_client() -> httpx.AsyncClient:
    """The client of all channels. A redirect is not followed: it would take the secret elsewhere."""
    # It logs every address, and some addresses are secrets.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False)


async def post(
    client: httpx.AsyncClient,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    auth: tuple[str, str] | None = None,
) -> httpx.Response:
    """The answer of status 2xx. Raises Failed: no answer, or another one."""
    failed: Failed | None = None
    response: httpx.Response | None = None
    try:
        response = await client.post(
            url,
            content=body,
            headers={"Content-Type": "application/json", **headers},
            auth=auth or httpx.USE_CLIENT_DEFAULT,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        failed = Failed(
            f"no answer: {type(error).__name__}",
            retry=not isinstance(error, _NO_RETRY),
            maybe=not isinstance(error, (*_NEVER_SENT, *_NO_RETRY)),
        )
    except ValueError:  # a header that cannot be one: a secret with a line break
        failed = Failed("the address or a secret holds characters that HTTP cannot carry", retry=False)
    # Raised out here: the exceptions above hold the request, whose address and headers may be secrets.
    if failed is not None or response is None:
        raise failed or AssertionError("no answer and no failure")
    if response.is_success:
        return response
    raise refusal(response, "")


def refusal(response: httpx.Response, said: str) -> Failed:
    """An answer that is no success. `said`: what the destination says in a word or two; no echo of ours."""
    status = response.status_code
    what = f"status {status}{f' ({said[:DETAIL_MAX]})' if said else ''}"
    return Failed(
        what,
        retry=status in RETRIED or status >= 500,
        maybe=status >= 500,
        after_ms=retry_after_ms(response.headers.get("Retry-After")),
    )


def retry_after_ms(text: str | None) -> int | None:
    """The pause of a Retry-After header: seconds or a date; None without one that is understood."""
    if text is None:
        return None
    try:
        return max(0, round(float(text) * 1000))
    except (ValueError, OverflowError):
        pass
    try:
        return max(0, round((parsedate_to_datetime(text).timestamp() - time.time()) * 1000))
    except (ValueError, TypeError, OverflowError):
        return None
