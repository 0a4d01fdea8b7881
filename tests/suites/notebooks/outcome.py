"""What became of a notebook, read from the executed one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST = 300


class Outcome(BaseModel):
    """One run of one notebook."""

    name: str
    packages: Literal["newest", "of the day"]
    versions: dict[str, str]
    """Of the packages that matter, in its environment."""
    date: str
    seconds: int
    cells: int
    """The number of its code cells."""
    cell: int | None = None
    """The number of the code cell that stopped it; None if it ran to the end."""
    error: str = ""
    """The first line of that cell's error."""


def stopped(executed: Path) -> tuple[int, int | None, str]:
    """Return the number of code cells of an executed notebook, the one that failed, and its error.

    A cell that was not asked to run has no execution count.
    """
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    cells = [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
    ]
    for number, cell in enumerate(cells, start=1):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                return len(cells), number, _first_line(output["ename"], output["evalue"])
    begun = [number for number, cell in enumerate(cells, start=1) if cell["execution_count"]]
    if len(begun) < len(cells):
        return len(cells), max(begun, default=0) + 1, "the kernel ended"
    return len(cells), None, ""


def _first_line(kind: str, text: str) -> str:
    line = _COLOR.sub("", text).strip().partition("\n")[0].strip()
    return f"{kind}: {line}"[:_LONGEST]
