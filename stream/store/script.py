"""The scripts that run inside Redis."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files


class Script:
    """A Lua file of this package. Servers know it by `sha` once they have seen its `text`."""

    def __init__(self, name: str) -> None:
        self.text = files(__package__).joinpath(name).read_text(encoding="utf-8")
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()
