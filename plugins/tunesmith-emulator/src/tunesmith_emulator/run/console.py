"""Prints what cells put out, while they run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import click

from tunesmith.cli.screen import shortened


class Console:
    """Outputs of cells on ``out``, their errors on stderr, progress as notes."""

    def __init__(self, out: TextIO, note: Callable[[str], None], saved_in: Path) -> None:
        self._out = out
        self._note = note
        self._saved_in = saved_in
        self._cell = ""

    def begin(self, number: int, total: int, source: str) -> None:
        """Say which cell comes now."""
        self._cell = f"[{number}/{total}]"
        self._note(f"{self._cell} {shortened(source.strip().partition(chr(10))[0])}")

    def kernel_ended(self) -> None:
        """Say that the kernel is gone; a cell that wants too much memory is the usual cause."""
        self._note(f"{self._cell} the kernel ended in this cell")

    def show(self, output: Any) -> None:
        """Print one output of the cell (nbformat 4)."""
        kind = output["output_type"]
        if kind == "stream":
            stderr = output["name"] == "stderr"
            click.echo(output["text"], file=None if stderr else self._out, err=stderr, nl=False)
        elif kind == "error":
            click.echo("\n".join(output["traceback"]), err=True)
        elif "text/plain" in output["data"]:
            click.echo(output["data"]["text/plain"], file=self._out)

    def end(self, outputs: list[Any]) -> None:
        """Say how many pictures the cell leaves; a picture that it cleared away is none."""
        images = sum(any(kind.startswith("image/") for kind in o.get("data", {})) for o in outputs)
        if images:
            what = "1 picture" if images == 1 else f"{images} pictures"
            click.echo(f"({what}, kept in {self._saved_in})", file=self._out)
