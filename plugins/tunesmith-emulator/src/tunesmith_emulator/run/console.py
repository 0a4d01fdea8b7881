"""Prints the outputs of cells while they run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import click

from tunesmith.cli.screen import shortened
from tunesmith_emulator.run.inside import REMEDY, told


class Console:
    """Prints outputs of cells on ``out``, their errors on stderr, and progress as notes."""

    def __init__(self, out: TextIO, note: Callable[[str], None], saved_in: Path) -> None:
        self._out = out
        self._note = note
        self._saved_in = saved_in
        self._cell = ""
        self._left = 0

    def begin(self, number: int, total: int, source: str) -> None:
        """Print the number and the first line of the next cell."""
        self._cell = f"[{number}/{total}]"
        self._left = total - number
        self._note(f"{self._cell} {shortened(source.strip().partition(chr(10))[0])}")

    def kernel_ended(self) -> None:
        """Print that the kernel ended; the usual cause is a cell that needs too much memory."""
        self._note(f"{self._cell} the kernel ended in this cell")

    def answered(self, prompt: str, source: str) -> None:
        """Print a prompt of the cell and where its answer comes from."""
        self._note(f"{self._cell} {told(prompt, source)}")

    def ask(self, prompt: str) -> None:
        """Print a prompt that stdin answers."""
        click.echo(prompt, file=self._out, nl=False)

    def unanswered(self, prompt: str) -> None:
        """Print that stdin has ended before the answer."""
        self._note(f"{self._cell} nobody answers {prompt.strip()!r}; {REMEDY}")

    def stopped(self) -> None:
        """Print the cell after which no other was run."""
        cells = "1 cell" if self._left == 1 else f"{self._left} cells"
        after = f"not run: {cells} after it" if self._left else "it is the last one"
        self._note(f"{self._cell} stopped in this cell; {after}")

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
        """Print the number of pictures that the cell leaves; cleared ones do not count."""
        images = sum(any(kind.startswith("image/") for kind in o.get("data", {})) for o in outputs)
        if images:
            what = "1 picture" if images == 1 else f"{images} pictures"
            click.echo(f"({what}, kept in {self._saved_in})", file=self._out)
