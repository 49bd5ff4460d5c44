"""What a worker says of what it refuses: few lines, with every count and place in them."""

import logging

import pytest

from stream.shard.deadletter import DeadLetter
from stream.worker.refusals import EVERY_S, Refusals


def letter(partition: int, offset: int, reason: str) -> DeadLetter:
    """Of a record that was refused."""
    return DeadLetter(
        topic="support.tickets", partition=partition, offset=offset, timestamp=0, reason=reason, path="time",
        detail="why", key=None, value=b"{", headers=[],
    )  # fmt: skip


def test_refusals_are_summed_up_in_a_line_for_each_shard(caplog: pytest.LogCaptureFixture) -> None:
    """Every one of them, and none twice; the next line waits, unless the worker ends."""
    now_s = 100.0
    refusals = Refusals(lambda: now_s)
    with caplog.at_level(logging.WARNING):
        for offset, reason in ((7, "late"), (5, "late"), (9, "not_json")):
            refusals.note(letter(0, offset, reason))
        refusals.note(letter(1, 3, "future"))
        refusals.tell()
        refusals.note(letter(0, 11, "late"))
        refusals.tell()
        assert len(caplog.records) == 2
        now_s += EVERY_S
        refusals.tell()
        refusals.tell(at_once=True)
    listed = "; `floorcast deadletters list` shows them"
    assert caplog.messages == [
        f"support.tickets/0: refused between offsets 5 and 9: 2 late, 1 not_json{listed}",
        f"support.tickets/1: refused between offsets 3 and 3: 1 future{listed}",
        f"support.tickets/0: refused between offsets 11 and 11: 1 late{listed}",
    ]
    first = vars(caplog.records[0])
    assert (first["offset"], first["end_offset"]) == (5, 10)
    assert first["reasons"] == {"late": 2, "not_json": 1}
