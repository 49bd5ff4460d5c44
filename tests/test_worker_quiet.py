"""Which lines of the libraries reach the log."""

import logging

from stream.worker.quiet import LibraryFilter


def line(logger: str, text: str, *values: object) -> logging.LogRecord:
    """A log record."""
    return logging.LogRecord(logger, logging.ERROR, __file__, 1, text, values, None)


def test_a_line_repeated_within_half_a_minute_is_dropped() -> None:
    """Whatever its values; other lines are not held up by it."""
    now_s = 0.0
    passes = LibraryFilter(lambda: now_s).filter
    assert passes(line("aiokafka", "Unable connect to %s", "a:1"))
    assert not passes(line("aiokafka", "Unable connect to %s", "b:2"))
    assert passes(line("aiokafka.conn", "Unable connect to %s", "a:1"))
    now_s = 30.0
    assert passes(line("aiokafka", "Unable connect to %s", "a:1"))


def test_harmless_lines_are_dropped_by_what_they_say() -> None:
    """Also when it stands in a value."""
    passes = LibraryFilter(lambda: 0.0).filter
    assert not passes(line("aiokafka.consumer", "failed: %s", "GroupCoordinatorNotAvailableError"))


def test_our_own_lines_all_pass() -> None:
    """As often as they come."""
    passes = LibraryFilter(lambda: 0.0).filter
    assert all(passes(line("floorcast.worker", "Crashed reason=%s", "x")) for _ in range(3))
