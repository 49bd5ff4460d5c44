"""The book of alerts: what is said to whom, once, and what is said no more."""

from hypothesis import given
from hypothesis import strategies as st

from stream.alerts.book import ENDED_KEPT_MS
from stream.alerts.state import CLOSING, OPENING, decode_alert, encode_alert
from stream.events.acknowledgements import acknowledgement
from tests.alerts import MINUTE, NOW, Desk, event

TO_A = [{"to": ["a"]}]
REPEATED = [{"to": ["a"], "repeat": "30m"}]


def test_a_breach_is_said_once_and_its_end_is_said_to_whom_knows_of_it() -> None:
    """The same event, delivered again, changes nothing."""
    desk = Desk(TO_A)
    desk.take(event("breached"), event("breached"))
    assert desk.deliver() == [("a", "breached", "zendesk:1")]
    desk.take(event("breached"))
    assert desk.deliver() == []
    desk.take(event("fulfilled", at=NOW + MINUTE))
    assert desk.deliver() == [("a", "resolved", "zendesk:1")]
    assert desk.deliver() == []


def test_a_warning_whose_clock_is_decided_is_not_said() -> None:
    """Rule 24: it was read together with its end. Nor is there an end of what nobody knows of."""
    desk = Desk(TO_A)
    desk.take(event("at_risk", level="75%"), event("fulfilled", at=NOW + MINUTE))
    assert desk.deliver() == []
    assert desk.counters.decided == 1


def test_a_breach_first_found_in_a_backlog_is_said_though_it_is_over() -> None:
    """Rule 24, with its end after it; the warning before it is not."""
    desk = Desk(TO_A)
    desk.take(event("at_risk", level="75%"), event("breached"), event("fulfilled", at=NOW + MINUTE))
    assert desk.deliver() == [("a", "breached", "zendesk:1"), ("a", "resolved", "zendesk:1")]


def test_a_breach_that_is_taken_back_before_it_was_said_is_not_said() -> None:
    """Rule 10."""
    desk = Desk(TO_A)
    desk.take(event("breached"), event("breach_retracted"), event("fulfilled", at=NOW - MINUTE))
    assert desk.deliver() == []


def test_a_breach_that_was_said_is_taken_back_and_that_is_all() -> None:
    """The fulfilment that comes with the late event says nothing new."""
    desk = Desk(TO_A)
    desk.take(event("breached"))
    desk.deliver()
    desk.take(event("breach_retracted"), event("fulfilled", at=NOW - MINUTE))
    assert desk.deliver() == [("a", "retracted", "zendesk:1")]


def test_a_clock_may_breach_again_after_it_was_taken_back() -> None:
    """At another instant, so it is another event."""
    desk = Desk(TO_A)
    desk.take(event("breached"))
    desk.deliver()
    desk.take(event("breach_retracted"))
    desk.deliver()
    desk.take(event("breached", at=NOW + 5 * MINUTE))
    assert desk.deliver() == [("a", "breached", "zendesk:1")]


def test_a_breach_that_moves_is_the_same_breach() -> None:
    """A late event: the target was shorter, so it breached before. Its old instant is taken back, not it."""
    desk = Desk([{"to": ["a"], "when": {"team": ["red"]}, "continue": True}, {"to": ["b"], "repeat": "30m"}])
    desk.take(event("breached"))
    assert desk.deliver() == [("b", "breached", "zendesk:1")]
    desk.take(event("breached", at=NOW - MINUTE, found=NOW, team="red"), event("breach_retracted"))
    assert desk.deliver() == [("a", "breached", "zendesk:1")]
    desk.now += 30 * MINUTE
    assert desk.deliver() == [("b", "reminder", "zendesk:1")]
    desk.take(event("fulfilled", at=NOW + MINUTE))
    assert desk.deliver() == [("a", "resolved", "zendesk:1"), ("b", "resolved", "zendesk:1")]


def test_a_breach_that_moves_before_it_was_said_is_said_once() -> None:
    """As what it is now; and when it moves once more and is taken back, that is the end."""
    desk = Desk(TO_A)
    desk.take(event("breached"), event("breached", at=NOW - MINUTE, found=NOW), event("breach_retracted"))
    assert desk.deliver() == [("a", "breached", "zendesk:1")]
    assert [alert.at_ms for alert in desk.book.alerts.values()] == [NOW - MINUTE]
    desk.take(event("breach_retracted", at=NOW - MINUTE))
    assert desk.deliver() == [("a", "retracted", "zendesk:1")]


def test_a_breach_that_is_over_stays_over_when_it_moves() -> None:
    """Its end is not told again, so nothing may wait for it."""
    desk = Desk(REPEATED)
    desk.take(event("breached"), event("fulfilled", at=NOW + MINUTE))
    desk.deliver()
    desk.take(event("breached", at=NOW - MINUTE, found=NOW), event("breach_retracted"))
    desk.now += 60 * MINUTE
    assert desk.deliver() == []
    desk.take(event("breached", at=NOW + 2 * MINUTE))
    assert desk.deliver() == [("a", "breached", "zendesk:1")]


def test_what_was_found_too_long_ago_is_counted_and_not_said() -> None:
    """By when it was found, not by when the clock was due: the backlog of a weekend alerts."""
    desk = Desk(TO_A, max_age="1h")
    desk.take(event("breached", at=NOW - 3000 * MINUTE, found=NOW))
    desk.take(event("breached", subject="old", at=NOW - 61 * MINUTE))
    assert desk.deliver() == [("a", "breached", "zendesk:1")]
    assert desk.counters.too_old == 1


def test_what_could_not_be_delivered_for_too_long_is_counted_and_not_said() -> None:
    """A pager that was out for two hours does not page about what was then."""
    desk = Desk(TO_A, max_age="1h")
    desk.take(event("breached"))
    desk.now += 61 * MINUTE
    assert desk.deliver() == []
    assert desk.counters.too_old == 1


def test_it_is_repeated_until_it_is_fulfilled() -> None:
    """PostHog's handbook, slab 102."""
    desk = Desk(REPEATED)
    desk.take(event("breached"))
    desk.deliver()
    for _ in range(2):
        desk.now += 29 * MINUTE
        assert desk.deliver() == []
        desk.now += MINUTE
        assert desk.deliver() == [("a", "reminder", "zendesk:1")]
    desk.take(event("fulfilled", at=desk.now))
    desk.deliver()
    desk.now += 300 * MINUTE
    assert desk.deliver() == []
    assert len(set(desk.ids)) == len(desk.ids)


def test_it_is_repeated_until_somebody_takes_note() -> None:
    """Which is said where the alert is known; the end is said, too."""
    desk = Desk(REPEATED)
    desk.take(event("breached"))
    desk.deliver()
    for _ in range(2):
        desk.book.acknowledge(acknowledgement("zendesk:1", "first_reply", "Ann", NOW + 1), desk.now)
    assert desk.deliver() == [("a", "acknowledged", "zendesk:1")]
    desk.now += 300 * MINUTE
    assert desk.deliver() == []
    desk.take(event("fulfilled", at=desk.now))
    assert desk.deliver() == [("a", "resolved", "zendesk:1")]


def test_taking_note_of_a_warning_does_not_silence_the_breach() -> None:
    """What was acknowledged is what was known then."""
    desk = Desk(REPEATED)
    desk.take(event("at_risk", level="75%", at=NOW - MINUTE))
    desk.deliver()
    desk.book.acknowledge(acknowledgement("zendesk:1", "first_reply", "Ann", NOW - 1), desk.now)
    desk.deliver()
    desk.take(event("breached"))
    assert desk.deliver() == [("a", "breached", "zendesk:1")]
    desk.now += 30 * MINUTE
    assert desk.deliver() == [("a", "reminder", "zendesk:1")]


def test_an_acknowledgement_read_before_its_alert_counts() -> None:
    """The topics are read side by side."""
    desk = Desk(REPEATED)
    desk.book.acknowledge(acknowledgement("zendesk:1", "first_reply", "Ann", NOW + 1), desk.now)
    desk.take(event("breached"))
    assert [kind for _, kind, _ in desk.deliver()] == ["breached", "acknowledged"]


def test_a_digest_is_one_message_for_many_in_a_minute() -> None:
    """The first one begins the minute."""
    desk = Desk([{"to": ["a"], "digest": "1m"}])
    desk.take(event("breached", subject="1"))
    desk.now += MINUTE // 2
    desk.take(event("breached", subject="2"))
    assert desk.book.due("a", desk.now, 100) == []
    desk.now += MINUTE // 2
    batch = desk.book.due("a", desk.now, 100)
    assert [alert.subject for alert, _ in batch] == ["1", "2"]


def test_without_a_digest_each_alert_is_a_message() -> None:
    """People answer to one thing."""
    desk = Desk(TO_A)
    desk.take(event("breached", subject="1"), event("breached", subject="2"))
    assert len(desk.book.due("a", desk.now, 100)) == 1


def test_an_alert_is_what_it_was_after_a_restart() -> None:
    """Written down and read again, nothing is said twice, and what waits still waits."""
    desk = Desk([{"to": ["a", "b"]}])
    desk.take(event("breached"))
    desk.book.sent(desk.book.due("a", NOW, 100), "thread", NOW)
    after = Desk([{"to": ["a", "b"]}])
    after.book.load([decode_alert(encode_alert(alert)) for alert in desk.book.alerts.values()], NOW)
    after.take(event("breached"))
    assert after.deliver() == [("b", "breached", "zendesk:1")]
    assert after.book.alerts[next(iter(after.book.alerts))].told["a"].thread == "thread"


def test_what_may_have_arrived_is_sent_again_and_says_so() -> None:
    """It was written down that it was tried, and not what became of it."""
    desk = Desk(TO_A)
    desk.take(event("breached"))
    desk.book.trying(desk.book.due("a", NOW, 100))
    after = Desk(TO_A)
    after.book.load([decode_alert(encode_alert(alert)) for alert in desk.book.alerts.values()], NOW)
    ((_, notice),) = after.book.due("a", NOW, 100)
    assert notice.tried


def test_what_is_over_is_forgotten_after_days() -> None:
    """And a tombstone is written: the topic is bounded, too."""
    desk = Desk(TO_A)
    desk.take(event("breached"), event("fulfilled", at=NOW + MINUTE))
    desk.deliver()
    desk.book.changed.clear()
    desk.now += ENDED_KEPT_MS + MINUTE
    desk.deliver()
    assert desk.book.alerts == {}
    assert len(desk.book.changed) == 1


def test_nothing_is_kept_of_what_nobody_is_told() -> None:
    """No route matches."""
    desk = Desk([{"when": {"team": "billing"}, "to": ["a"]}])
    desk.take(event("breached", team="sales"), event("activated"), event("fulfilled"))
    assert desk.book.alerts == {}


def test_blind_is_said_once_with_its_end() -> None:
    """To the routes that are marked for it."""
    desk = Desk([{"to": ["a"]}, {"on": ["blind"], "to": ["b"]}])
    desk.book.blind("Kafka is silent", NOW - MINUTE, NOW)
    desk.book.blind("Kafka is silent", NOW - MINUTE, NOW + 1)
    assert desk.deliver() == [("b", "blind", "floorcast")]
    desk.now += 3
    desk.book.seeing("all is read", NOW + 2)
    desk.book.seeing("all is read", NOW + 3)
    assert desk.deliver() == [("b", "seeing", "floorcast")]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["at_risk", "breached", "fulfilled", "cancelled", "breach_retracted"]),
            st.sampled_from(["1", "2"]),
            st.integers(0, 3),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_whatever_comes_nothing_is_said_twice_and_every_end_has_a_beginning(
    told: list[tuple[str, str, int, bool]],
) -> None:
    """In any order, doubled, delivered now or later, with a restart in between."""
    desk = Desk([{"to": ["a", "b"]}])
    said: list[tuple[str, str, str]] = []
    for kind, subject, minute, deliver in told:
        desk.take(event(kind, subject=subject, at=NOW + minute * MINUTE))  # type: ignore[arg-type]
        if deliver:
            said += desk.deliver()
        alerts = [decode_alert(encode_alert(alert)) for alert in desk.book.alerts.values()]
        desk.book.load(alerts, NOW)
    said += desk.deliver()
    assert len(set(desk.ids)) == len(desk.ids)
    for subject in "12":
        is_open = False
        for kind in [kind for to, kind, about in said if (to, about) == ("a", subject)]:
            assert kind in OPENING or is_open
            is_open = kind not in CLOSING
