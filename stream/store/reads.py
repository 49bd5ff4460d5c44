"""Reading in bulk: hashes in one round trip, or whole keys of any length bit by bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from stream.store.client import Client, Command
from stream.store.script import Script

FIELDS_MAX: Final = 1_000
"""Fields that one command asks for: Redis serves others between commands."""
KEYS_MAX: Final = 100
"""Keys that `scan` reads side by side."""

PANES: Final = Script("read.lua")
CALLS_MAX: Final = 100
"""Calls of the script in one round trip."""
VALUES_MAX: Final = 10_000
"""Fields that one call of the script asks for, all keys together: a few ms of Redis."""
WHOLE_MAX: Final = 100
"""Whole hashes that one call of the script asks for."""

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


async def read_panes(
    client: Client, shards: Sequence[Sequence[bytes]], fields: Sequence[bytes] | None
) -> list[list[dict[bytes, bytes]]]:
    """The same fields (None: all) of many hashes: of each of the keys of each shard, in few calls."""
    found: list[list[dict[bytes, bytes]]] = [[{} for _ in keys] for keys in shards]
    calls = list(_pane_calls(shards, fields))
    for at in range(0, len(calls), CALLS_MAX):
        part = calls[at : at + CALLS_MAX]
        answers = await client.run(PANES, [(len(keys), *keys, *asked) for _, _, keys, asked in part])
        for (shard, start, _, asked), hashes in zip(part, answers, strict=True):
            for place, answer in enumerate(hashes, start):
                found[shard][place].update(_named(asked, answer))
    return found


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


def _pane_calls(
    shards: Sequence[Sequence[bytes]], fields: Sequence[bytes] | None
) -> Iterator[tuple[int, int, Sequence[bytes], Sequence[bytes]]]:
    """Shard, place of the first key, keys, fields (none: all) of each call. A call never mixes shards."""
    if fields is None:
        parts: list[Sequence[bytes]] = [()]
    else:
        parts = [fields[at : at + FIELDS_MAX] for at in range(0, len(fields), FIELDS_MAX)]
    for shard, keys in enumerate(shards):
        for part in parts:
            step = VALUES_MAX // len(part) if part else WHOLE_MAX
            for start in range(0, len(keys), step):
                yield shard, start, keys[start : start + step], part


def _named(fields: Sequence[bytes], answer: Sequence[bytes | None]) -> Iterator[tuple[bytes, bytes]]:
    """Field and value of what there is in an answer to HMGET, or (no fields) to HGETALL."""
    pairs = zip(fields, answer, strict=True) if fields else zip(answer[::2], answer[1::2], strict=True)
    for field, value in pairs:
        if field is not None and value is not None:
            yield field, value


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
