"""Reading in bulk: hashes in one round trip, or whole keys of any length bit by bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from stream.store.client import Client, Command

FIELDS_MAX: Final = 1_000
"""Fields that one command asks for: Redis serves others between commands."""
KEYS_MAX: Final = 100
"""Keys that `scan` reads side by side."""

Fields = Sequence[str] | Sequence[bytes] | None
"""Which fields of a hash; None: all."""


async def read_hashes(
    client: Client, wanted: Iterable[tuple[bytes, Fields]], others: Sequence[Command] = ()
) -> tuple[list[dict[Any, bytes]], list[Any]]:
    """The fields found of each wanted (key, fields), and the answers to others of the same round trip."""
    wanted = list(wanted)
    commands = [command for key, fields in wanted for command in _commands(key, fields)]
    answers = iter(await client.ask([*commands, *others]))
    return [_found(fields, answers) for _, fields in wanted], list(answers)


async def scan(client: Client, command: str, keys: Sequence[bytes]) -> list[list[Any]]:
    """Everything in each key, in steps of a bounded size; exact only when nobody writes meanwhile.

    `command`: HSCAN or ZSCAN, which give pairs, or SSCAN.
    """
    found: dict[bytes, dict[Any, None]] = {key: {} for key in keys}
    pending = [(key, 0) for key in keys]
    while pending:
        step, pending = pending[:KEYS_MAX], pending[KEYS_MAX:]
        answers = await client.ask([(command, key, cursor, "COUNT", FIELDS_MAX) for key, cursor in step])
        for (key, _), (cursor, items) in zip(step, answers, strict=True):
            # A scan may tell an element twice.
            found[key].update(dict.fromkeys(items.items() if isinstance(items, dict) else items))
            if int(cursor):
                pending.append((key, int(cursor)))
    return [list(found[key]) for key in keys]


def score_pairs(answer: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
    """Member and score of an answer WITHSCORES. Scores are whole: instants in ms, exact to 2^53."""
    for member, score in zip(answer[::2], answer[1::2], strict=True):
        yield member, int(float(score))


def _commands(key: bytes, fields: Fields) -> Iterator[Command]:
    if fields is None:
        yield "HGETALL", key
    else:
        for start in range(0, len(fields), FIELDS_MAX):
            yield "HMGET", key, *fields[start : start + FIELDS_MAX]


def _found(fields: Fields, answers: Iterator[Any]) -> dict[Any, bytes]:
    if fields is None:
        everything: dict[Any, bytes] = next(answers)
        return everything
    found = {}
    for start in range(0, len(fields), FIELDS_MAX):
        values = next(answers)
        for field, value in zip(fields[start : start + FIELDS_MAX], values, strict=True):
            if value is not None:
                found[field] = value
    return found
