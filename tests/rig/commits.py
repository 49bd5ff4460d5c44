"""Commits made by hand for tests of the store."""

from stream.metrics.segments import group_name
from stream.shard.changes import Changes, Fence, Since
from stream.store import new_commit_id

T0_MS = 1_764_000_000_000
WHOLE = group_name(0, ())
BILLING = group_name(1, ("billing",))
FINE = (0, T0_MS)
DAY = (3, T0_MS - 4 * 3_600_000)
WAITING = 100


def fence(offset: int = 0) -> Fence:
    """A fence with a new commit_id, up to an offset."""
    return Fence(
        commit_id=new_commit_id(), offset=offset, log_clock=T0_MS, clock=T0_MS + 5, log_id="log", shape="s"
    )


def everything(offset: int = 7) -> Changes:
    """A commit that writes to every kind of key."""
    return Changes(
        states={"desk:1": b"\x00\xff state", "desk:2": b"two"},
        cells=[(FINE, WHOLE, b"fine"), (FINE, BILLING, b"fine billing"), (DAY, WHOLE, b"day")],
        panes_added=[FINE, DAY],
        levels={WHOLE: b"level", BILLING: b"level billing"},
        since_added=[
            Since(WAITING, "desk:1", (None, "billing"), T0_MS),
            Since(WAITING, "desk:2", (None, None), T0_MS + 1),
        ],
        timers={"desk:1": T0_MS + 60_000, "desk:2": T0_MS + 70_000},
        drops_added=[(20_417, "desk:1"), (20_417, "desk:2"), (20_418, "desk:3")],
        outbox_added={3: b"letter", 5: b"\x80"},
        notices_added={0: b"notice", 1: b"\x81"},
        journal={"records": 7, "duplicates": 1},
        fence=fence(offset),
    )


def taken_back(offset: int = 8) -> Changes:
    """A commit that deletes, of what `everything` wrote, some of every kind."""
    return Changes(
        states={"desk:1": None},
        cells=[(FINE, BILLING, None)],
        panes_removed=[DAY],
        levels={BILLING: None},
        since_removed=[Since(WAITING, "desk:1", (None, "billing"), T0_MS)],
        timers={"desk:1": None},
        drops_removed=[(20_417, "desk:2")],
        drop_days_done=[20_418],
        outbox_removed=[3],
        notices_removed=[0],
        journal={"records": 8, "duplicates": 1},
        fence=fence(offset),
    )
