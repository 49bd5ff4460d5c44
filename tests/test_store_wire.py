"""Commands as bytes: the same as hiredis packs."""

from typing import Any, cast

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.store.wire import Argument, pack

ARGUMENTS = st.text(max_size=20) | st.binary(max_size=20) | st.integers()


@given(st.lists(ARGUMENTS, min_size=1, max_size=20))
def test_any_command(command: list[Argument]) -> None:
    """Text as UTF-8, bytes as they are, integers in decimals."""
    assert pack(command) == hiredis.pack_command(cast(Any, tuple(command)))


@pytest.mark.parametrize("length", [0, 9, 10, 4_095, 4_096, 100_000])
def test_any_length(length: int) -> None:
    """Twice, as some of it is kept."""
    for _ in range(2):
        command: Any = ("SET", b"k", b"x" * length)
        assert pack(command) == hiredis.pack_command(command)


@pytest.mark.parametrize("odd", [1.5, None, bytearray(b"x")])
def test_other_types_are_refused(odd: object) -> None:
    """A fraction must not lose its digits, None must not become a word."""
    with pytest.raises(TypeError):
        pack(["SET", b"k", cast(Any, odd)])
