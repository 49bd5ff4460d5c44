"""The events that docs/feeding.md shows are good ones, and links between the pages lead somewhere."""

import json
import re
from pathlib import Path

import pytest

from stream.sources.prepare import prepare

ROOT = Path(__file__).parents[1]
PAGES = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def decoded(text: str) -> list[dict[str, object]]:
    """All objects of a text, one behind the other."""
    decoder, place, found = json.JSONDecoder(), 0, []
    while place < len(text.rstrip()):
        event, place = decoder.raw_decode(text, place)
        found.append(event)
        place += len(text[place:]) - len(text[place:].lstrip())
    return found


def test_the_events_that_are_shown_are_taken() -> None:
    """Whoever copies them is not refused."""
    (block,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "feeding.md").read_text(), re.DOTALL)
    events = decoded(block)
    assert [prepare(event, 262_144).family for event in events] == ["tickets", "tickets"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    """Pages move; links to them are moved too."""
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
