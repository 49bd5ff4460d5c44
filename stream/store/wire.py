"""Commands as the bytes that Redis reads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

Argument = str | bytes | int
KNOWN_MAX: Final = 4_096


class _Heads(dict[int, bytes]):
    """What stands between one argument and the next, by the length of the next; short ones are kept."""

    def __missing__(self, length: int) -> bytes:
        head = b"\r\n$%d\r\n" % length
        if length < KNOWN_MAX:
            self[length] = head
        return head


_head = _Heads().__getitem__


def pack(command: Sequence[Argument]) -> bytes:
    """One command. Of two words ("SCRIPT LOAD") it must be given as two.

    redis-py joins argument by argument. hiredis makes a copy of its own first, which for commits of 250 KB
    took twice the time of this: everything but the choice of the type is one loop in C.
    """
    words = [a if type(a) is bytes else a.encode() if type(a) is str else _number(a) for a in command]
    parts = [b"*%d" % len(words), *chain.from_iterable(zip(map(_head, map(len, words)), words, strict=True))]
    parts.append(b"\r\n")
    return b"".join(parts)


def _number(argument: Argument) -> bytes:
    if not isinstance(argument, int):  # `%d` would cut a fraction off
        raise TypeError(f"{argument!r} is no argument of a command")
    return b"%d" % argument
