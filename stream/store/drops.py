"""Who is to be forgotten on a day, as a log in one string: who was entered last and not crossed out since.

An entry is two bytes (twice the length, plus 1 when it crosses out), then the subject. With the room that
Redis leaves for growth, a subject of 12 characters takes about 20 bytes; as a member of a set 50 (Redis 7.0).
What is appended twice says the same. There are few more entries than events that finish or reopen something.
"""

from __future__ import annotations

from collections.abc import Iterator

from stream.shard.changes import Changes


def drop_entries(changes: Changes) -> dict[int, bytes]:
    """By day, what a commit appends. Who leaves a day and is entered again in one commit stays."""
    days: dict[int, list[bytes]] = {}
    for crossed_out, drops in ((1, changes.drops_removed), (0, changes.drops_added)):
        for day, subject in drops:
            days.setdefault(day, []).append(_entry(subject.encode(), crossed_out))
    return {day: b"".join(entries) for day, entries in days.items()}


def read_drops(log: bytes | None) -> list[str]:
    """The subjects that a day's log comes to; none when there is none."""
    standing: dict[bytes, None] = {}
    for subject, crossed_out in _entries(log or b""):
        if crossed_out:
            standing.pop(subject, None)
        else:
            standing[subject] = None
    return [subject.decode() for subject in standing]


def _entry(subject: bytes, crossed_out: int) -> bytes:
    # Subjects have at most 512 characters (events/envelope.py), so at most 2,048 bytes.
    return (2 * len(subject) + crossed_out).to_bytes(2, "big") + subject


def _entries(log: bytes) -> Iterator[tuple[bytes, int]]:
    at = 0
    while at < len(log):
        length, crossed_out = divmod(int.from_bytes(log[at : at + 2], "big"), 2)
        at += 2 + length
        yield log[at - length : at], crossed_out
