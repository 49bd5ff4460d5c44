"""Pipeline health: is what the other dashboards show current, whole, and told to people."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.generate.alerts_floorcast import ARRIVALS_LEAST, ARRIVALS_SHARE, JOB, STALE_S
from stream.generate.dashboards.board import About, Board, Query
from stream.generate.dashboards.look import (
    BYTES,
    COUNT,
    GREEN,
    NO_STEPS,
    PER_SECOND,
    RED,
    SECONDS,
    SHARE,
    YELLOW,
    Look,
    Steps,
)
from stream.generate.vocabulary import Vocabulary

SOME_IS_BAD: Steps = ((None, GREEN), (1, RED))
NONE_IS_BAD: Steps = ((None, RED), (1, GREEN))
RATE = "$__rate_interval"
QUANTILES = ("0.5", "0.9", "0.99")


def pipeline(words: Vocabulary) -> Dashboard:
    """From what must be there to what explains it."""
    board = Board(
        words,
        About("pipeline", "Pipeline health", "floorcast itself: how current, whole and quick it is.",
              "health", since="now-3h", refresh="15s"),
    )  # fmt: skip
    _now(board)
    _freshness(board)
    _events(board)
    _commits(board)
    _deliveries(board)
    _store(board)
    return board.finish()


def _now(board: Board) -> None:
    board.row("Now")
    stale: Steps = ((None, GREEN), (10, YELLOW), (STALE_S, RED))
    for look, expr in (
        (
            Look("Exporter", "1: Prometheus can scrape the exporter.", COUNT, NONE_IS_BAD),
            f'max(up{{job="{JOB}"}})',
        ),
        (
            Look("Workers", "Workers that are known to run.", COUNT, NONE_IS_BAD),
            "sum(support_worker_up) or vector(0)",
        ),
        (
            Look(
                "Age of the numbers",
                "How long ago the oldest shard had read its log to the end.",
                SECONDS,
                stale,
            ),
            "max(support_fresh_seconds)",
        ),
        (
            Look("Alerts firing", "Of all alerts but the watchdog.", COUNT, SOME_IS_BAD),
            'count(ALERTS{alertstate="firing",alertname!="FloorcastWatchdog"}) or vector(0)',
        ),
        (
            Look(
                "Dimensions without numbers",
                "Dimensions with more groups than are counted.",
                COUNT,
                SOME_IS_BAD,
            ),
            "sum(support_grouping_invalid) or vector(0)",
        ),
        (
            Look("Time of a reading", "How long the exporter took to read all numbers.", SECONDS, NO_STEPS),
            "max(support_scrape_seconds)",
        ),
    ):
        board.stat(look, expr)  # fmt: skip


def _freshness(board: Board) -> None:
    board.row("Freshness")
    words = "How long ago the oldest shard of a topic had read its log to the end."
    stale: Steps = ((None, GREEN), (STALE_S, RED))
    board.lines(
        Look("Age of the numbers by topic", words, SECONDS, stale),
        [Query("support_fresh_seconds", "{{topic}}")],
    )
    words = "How far the instant up to which all timers have fired is behind now."
    watermark = Query("time() - support_watermark_timestamp_seconds", "{{topic}}")
    board.lines(Look("Timers behind", words, SECONDS), [watermark])
    words = "Records of a partition that its worker has not read yet."
    lag = "max by (topic, partition) (support_shard_lag_records)"
    board.lines(Look("Lag by partition", words, COUNT), [Query(lag, "{{topic}}/{{partition}}")])
    words = "Timers that are due and have not fired: breaches and ends that wait for a worker."
    board.lines(Look("Timers due", words, COUNT), [Query("support_timers_due", "{{topic}}")])


def _events(board: Board) -> None:
    board.row("Events")
    words = "Records read, by what became of them."
    read = f"sum by (topic, result) (rate(support_events_total[{RATE}]))"
    board.lines(Look("Events", words, PER_SECOND), [Query(read, "{{topic}} {{result}}")])
    words = "Events that could not be read or came too late, by reason. They are in no number."
    dead = f"sum by (topic, reason) (rate(support_dead_letters_total[{RATE}]))"
    board.lines(Look("Dead letters", words, PER_SECOND), [Query(dead, "{{topic}} {{reason}}")])
    words = "Events out of order: the history of their entity was folded again."
    replayed = f"sum by (topic) (rate(support_entities_replayed_total[{RATE}]))"
    board.lines(Look("Folded again", words, PER_SECOND), [Query(replayed, "{{topic}}")])
    words = (
        "What came in the last hour against what usually does (the median of four weeks). An alert "
        f"tells of a channel with less than {ARRIVALS_SHARE:.0%} of at least {ARRIVALS_LEAST}."
    )
    board.lines(
        Look("Arrivals in an hour", words, COUNT),
        [
            Query("support_arrivals_in_window", "{{topic}}"),
            Query("support_arrivals_expected_in_window", "{{topic}} usually"),
        ],
    )


def _commits(board: Board) -> None:
    board.row("Commits")
    for title, words, metric, unit in (
        (
            "Commit",
            "From the first record that is folded to the answer of Redis, by quantile.",
            "support_commit_seconds",
            SECONDS,
        ),
        ("Records in a commit", "Records in a commit, by quantile.", "support_batch_records", COUNT),
    ):
        queries = [
            Query(f"histogram_quantile({quantile}, sum by (le) (rate({metric}_bucket[{RATE}])))", quantile)
            for quantile in QUANTILES
        ]
        board.lines(Look(title, words, unit), queries)
    words = "Commits to Redis by worker, each of one batch."
    commits = f"sum by (worker) (rate(support_commit_seconds_count[{RATE}]))"
    board.lines(Look("Commits", words, PER_SECOND), [Query(commits, "{{worker}}")])
    words = "Commits refused, as another worker has the partition by now: some at a rebalance."
    fence = f"sum(rate(support_fence_refusals_total[{RATE}]))"
    board.lines(Look("Refused by the fence", words, PER_SECOND), [Query(fence, "refused")])


def _deliveries(board: Board) -> None:
    board.row("Alerts of tickets")
    words = "What happens to clocks and has not left the outbox yet."
    entries = "sum by (topic) (support_outbox_entries)"
    board.lines(Look("Outbox", words, COUNT), [Query(entries, "{{topic}}")], width=8)
    words = "Age of the oldest entry of the outbox."
    oldest = "max by (topic) (support_outbox_oldest_seconds)"
    board.lines(Look("Oldest in the outbox", words, SECONDS), [Query(oldest, "{{topic}}")], width=8)
    words = "Deliveries by destination and what became of them."
    delivered = f"sum by (destination, result) (rate(support_deliveries_total[{RATE}]))"
    board.lines(
        Look("Deliveries", words, PER_SECOND), [Query(delivered, "{{destination}} {{result}}")], width=8
    )


def _store(board: Board) -> None:
    board.row("Redis and reading")
    words = "Memory that Redis uses, and its limit (0: none)."
    memory = [Query("support_redis_used_bytes", "used"), Query("support_redis_max_bytes", "limit")]
    board.lines(Look("Redis memory", words, BYTES), memory, width=8)
    words = "Memory of Redis by kind of key."
    kinds = "sum by (kind) (support_redis_memory_bytes)"
    board.lines(Look("Redis memory by kind", words, BYTES), [Query(kinds, "{{kind}}")], width=8, stacked=True)
    words = "Closed panes that did not have to be read from Redis again."
    total = f"sum(rate(support_pane_memory_total[{RATE}]))"
    hits = f'sum(rate(support_pane_memory_total{{result="hit"}}[{RATE}]))'
    board.lines(Look("Remembered panes", words, SHARE), [Query(f"{hits} / {total}", "hits")], width=8)
