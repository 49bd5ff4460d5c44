"""Where the real data lies: it is no part of the project, so tests that need it skip where it is absent."""

import os
from pathlib import Path
from zlib import crc32

import pytest

VARIABLE = "FLOORCAST_TEST_DATA"
_BESIDE_THE_PROJECT = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


def in_part(subject: str, every: int) -> bool:
    """Whether a subject is in a part of about one in so many."""
    return crc32(subject.encode()) % every == 0


def real_data(folder: str) -> Path:
    """The folder of one data set (`bank`, `boston311`, ...); skips the test where there is none."""
    base = Path(os.environ.get(VARIABLE) or _BESIDE_THE_PROJECT)
    if not (base / folder).is_dir():
        pytest.skip(
            f"no real data: {base / folder} is absent; set {VARIABLE} to the directory that holds {folder!r}"
        )
    return (base / folder).resolve()
