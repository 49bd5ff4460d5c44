"""Who is forgotten on a day: a log that comes to the set that the same commits make."""

from hypothesis import given
from hypothesis import strategies as st

from stream.shard.changes import Changes
from stream.shard.image import Image
from stream.store.drops import drop_entries, read_drops

DROPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["a", "b\x00", "\U0001f600" * 512])), max_size=4
)
COMMITS = st.lists(st.builds(Changes, drops_added=DROPS, drops_removed=DROPS), max_size=6)


@given(COMMITS)
def test_a_log_comes_to_what_was_entered_and_not_crossed_out(commits: list[Changes]) -> None:
    """In whatever order subjects come, go and come again, and whatever characters they have."""
    expected, logs = Image(), dict.fromkeys(range(3), b"")
    for changes in commits:
        expected.apply(changes)
        for day, entries in drop_entries(changes).items():
            logs[day] += entries
    assert {day: set(read_drops(log)) for day, log in logs.items()} == {
        day: expected.drops.get(day, set()) for day in logs
    }


def test_an_entry_takes_two_bytes_more_than_its_subject() -> None:
    """Appending it twice says nothing new; a day that nobody was entered on has no log."""
    entries = drop_entries(Changes(drops_added=[(7, "desk:1")]))
    assert {day: len(log) for day, log in entries.items()} == {7: 8}
    assert read_drops(entries[7] * 2) == ["desk:1"]
    assert read_drops(None) == []
