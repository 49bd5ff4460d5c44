"""Reading lines: numbered as an editor numbers them, in bounded memory, and as soon as a pipe has them."""

import asyncio
import io
import os

import pytest

from stream.sources.lines import LineTooLong, numbered_lines


async def lines(data: bytes, bytes_max: int = 100) -> list[tuple[int, bytes]]:
    """All lines of some bytes."""
    return [line async for line in numbered_lines(io.BytesIO(data), bytes_max)]


async def test_blank_lines_are_counted_but_left_out() -> None:
    """The number is the line's in the file; a last line without an end counts, and so do Windows' ends."""
    assert await lines(b"a\n\n  \nb\r\nc") == [(1, b"a"), (4, b"b"), (5, b"c")]
    assert await lines(b"") == []


async def test_many_lines_across_reads() -> None:
    """Lines are put together where a read ends within one."""
    data = b"".join(b"%d\n" % n for n in range(100_000))
    assert await lines(data) == [(n + 1, b"%d" % n) for n in range(100_000)]


@pytest.mark.parametrize("data", [b"a\n" + b"x" * 101 + b"\n", b"a\n" + b"x" * 1_000_000])
async def test_a_line_that_is_too_long_ends_it(data: bytes) -> None:
    """Also one that never ends, before it fills the memory."""
    with pytest.raises(LineTooLong) as error:
        await lines(data)
    assert error.value.line == 2


async def test_a_slow_pipes_lines_come_at_once() -> None:
    """A line is not held back until more come, and the loop is not blocked meanwhile."""
    reading, writing = os.pipe()
    with open(reading, "rb") as file, open(writing, "wb", buffering=0) as pipe:  # noqa: ASYNC230 - a pipe
        found = numbered_lines(file, 100)
        pipe.write(b"first\nsec")
        assert await asyncio.wait_for(anext(found), 10) == (1, b"first")
        pipe.write(b"ond\n")
        assert await asyncio.wait_for(anext(found), 10) == (2, b"second")
