"""Figures as they are found: a table for people, and `bench/out/latest.json` for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

Number = TypeVar("Number", int, float)
OUT = Path(__file__).parent / "out" / "latest.json"


@dataclass(slots=True)
class Results:
    """Every figure by name, in the order of the run."""

    values: dict[str, tuple[float, str]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: float, unit: str, note: str = "") -> None:
        """One figure; the note is for people. It is printed at once: a run takes minutes."""
        self.values[name] = (round(value, 3), unit)
        self.notes[name] = note
        Console(highlight=False, soft_wrap=True).print(f"  {name}: {readable(value)} {unit}", markup=False)

    def value(self, name: str) -> float:
        """A figure that was found before."""
        return self.values[name][0]

    def write(self, path: Path = OUT) -> None:
        """{name: {"value": number, "unit": text}}."""
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {name: {"value": value, "unit": unit} for name, (value, unit) in self.values.items()}
        path.write_text(json.dumps(plain, indent=2) + "\n")

    def table(self) -> Table:
        """All of it for people."""
        table = Table(title="floorcast bench", title_justify="left")
        table.add_column("figure", no_wrap=True)
        table.add_column("value", justify="right", no_wrap=True)
        table.add_column("unit", no_wrap=True)
        table.add_column("note", overflow="fold")
        for name, (value, unit) in self.values.items():
            table.add_row(name, readable(value), unit, self.notes[name])
        return table


def percentile(ascending: Sequence[Number], hundredths: int) -> Number:
    """The value below which so many hundredths of them lie."""
    return ascending[len(ascending) * hundredths // 100]


def readable(value: float) -> str:
    """Three digits or all before the point."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
