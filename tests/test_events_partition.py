"""Where a key belongs."""

import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from stream.events.partition import murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_vectors_of_kafkas_own_test(key: bytes, value: int) -> None:
    """UtilsTest.testMurmur2 of Apache Kafka; Java's ints are signed."""
    assert murmur2(key) == value & 0xFFFFFFFF


@given(st.binary(max_size=40))
def test_it_is_the_hash_of_the_client_that_we_produce_with(key: bytes) -> None:
    """For keys of any length."""
    assert murmur2(key) == reference(key)


def test_the_partition_is_never_negative() -> None:
    """The sign is masked out, as Kafka does."""
    assert partition_of(b"21", 8) == (-973932308 & 0x7FFFFFFF) % 8
