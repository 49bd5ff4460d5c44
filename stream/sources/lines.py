"""Lines of a file or of a pipe that may be slow: without blocking the event loop, in bounded memory."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import BinaryIO, cast

_READ_BYTES = 1 << 18


class LineTooLong(Exception):
    """A line is longer than allowed; `line` is its number."""

    def __init__(self, line: int, bytes_max: int) -> None:
        super().__init__(f"longer than {bytes_max} bytes")
        self.line = line


async def numbered_lines(file: BinaryIO, bytes_max: int) -> AsyncIterator[tuple[int, bytes]]:
    """(number from 1, line without its end) of each line that is not blank, as soon as it can be read.

    Raises LineTooLong at a line of more than `bytes_max`.
    """
    number = 0
    rest = b""
    while True:
        # `read1` gives what a pipe has now, where `read` would wait for more.
        chunk = await asyncio.to_thread(cast(io.BufferedReader, file).read1, _READ_BYTES)
        *lines, rest = (rest + chunk).split(b"\n")
        if not chunk and rest:
            lines, rest = [rest], b""
        for line in lines:
            number += 1
            if len(line) > bytes_max:
                raise LineTooLong(number, bytes_max)
            if stripped := line.strip():
                yield number, stripped
        if len(rest) > bytes_max:
            raise LineTooLong(number + 1, bytes_max)
        if not chunk:
            return
