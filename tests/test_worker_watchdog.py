"""When the watchdog gives up, on a hand-moved clock."""

from collections.abc import Iterable

from stream.worker.ports import Partition, Position
from stream.worker.watchdog import Limits, Seen, Watchdog

SHARD = Partition("support.tickets", 3)
LIMITS = Limits(joining_s=60, stuck_s=120)


def given_up(looks: Iterable[Seen], step_s: float = 1.0) -> tuple[int, str] | None:
    """(look, reason) of the first look at which it gives up; the looks are `step_s` apart."""
    watchdog = Watchdog(LIMITS, interval_s=1.0)
    for n, seen in enumerate(looks):
        reason = watchdog.check(seen, 1_000 + n * step_s)
        if reason is not None:
            return n, reason
    return None


def at(next_offset: int, end_offset: int, answered_ms: int, *, full: bool = False) -> Seen:
    """A look at one partition."""
    position = Position(next_offset, end_offset, answered_ms)
    return Seen(flowing=True, positions={SHARD: position}, full=frozenset([SHARD] if full else []))


def test_a_group_that_does_not_come_to_rest() -> None:
    """Joining or rebalancing for more than a minute on end."""
    assert given_up([Seen(flowing=False)] * 100) == (
        61,
        "joining the consumer group or rebalancing has taken 60 s",
    )
    assert given_up(([Seen(flowing=False)] * 50 + [Seen(flowing=True)]) * 5) is None


def test_a_quiet_log_is_no_stall() -> None:
    """Nothing moves, but fetches are answered at the end."""
    assert given_up(at(7, 7, n) for n in range(1_000)) is None


def test_a_worker_without_partitions_is_no_stall() -> None:
    """A standby may wait for ever."""
    assert given_up([Seen(flowing=True)] * 1_000) is None


def test_records_that_do_not_come() -> None:
    """Fetches are answered and there is more, but the client hands nothing over."""
    assert given_up(at(7, 9, n) for n in range(1_000)) == (
        121,
        "support.tickets/3: stuck at offset 7 of 9 for 120 s: Kafka's client hands over nothing",
    )


def test_a_batch_that_does_not_come_back() -> None:
    """No fetch is answered meanwhile because none is sent: the reason is the batch."""
    assert given_up(at(7, 9, 0, full=True) for _ in range(1_000)) == (
        121,
        "support.tickets/3: stuck at offset 7 of 9 for 120 s: its batch does not come back from processing",
    )


def test_slow_progress_is_no_stall() -> None:
    """One record a minute is slow, not stuck."""
    assert given_up(at(n // 60, 9_999, n) for n in range(5_000)) is None


def test_a_broker_that_is_silent() -> None:
    """No answer since some time, or none at all since the assignment."""
    reason = "support.tickets/3: no fetch was answered for 120 s"
    assert given_up(at(7, 7, 0) for _ in range(1_000)) == (121, reason)
    assert given_up([Seen(flowing=True, positions={SHARD: None})] * 1_000) == (121, reason)


def test_time_in_which_the_process_was_stopped_does_not_count() -> None:
    """SIGSTOP for ten minutes: the first looks after it are not the end."""
    watchdog = Watchdog(LIMITS, interval_s=1.0)
    assert watchdog.check(at(7, 9, 0), 0) is None
    assert watchdog.check(at(7, 9, 0), 600) is None
    assert watchdog.check(Seen(flowing=False), 1_200) is None
