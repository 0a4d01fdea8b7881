"""Output of the commands: lines, tables and JSON. Results go to stdout, the rest to stderr."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import click

STDOUT = "tunesmith.cli.stdout"
"""Key of the real stdout in the context. Libraries get stderr in its place."""

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout."
)


def emit(as_json: bool, document: Any, lines: Callable[[], Iterable[str]]) -> None:
    """Print ``document`` as JSON, or else ``lines()``."""
    if as_json:
        line(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for text in lines():
        line(text)


def line(text: str) -> None:
    """Print one line of the result, on stdout."""
    out: TextIO | None = click.get_current_context().meta.get(STDOUT)
    click.echo(text, file=out)


def note(text: str) -> None:
    """Print a remark on stderr, unless ``--quiet``."""
    if not current().quiet:
        click.echo(text, err=True)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: int = 0) -> list[str]:
    """Return lines with aligned columns. The last ``right`` columns are aligned to the right.

    The text is plain, so it looks the same in a terminal, in a pipe and in a log.
    """
    cells = [list(headers), *(list(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    first_right = len(headers) - right
    return [
        "  ".join(
            cell.rjust(width) if place >= first_right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def shortened(text: str, width: int = 60) -> str:
    """Return ``text`` on one line of at most ``width`` characters."""
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= width else one_line[: width - 1] + "…"


def relative(path: Path) -> str:
    """Return ``path`` relative to the working directory, to be copied into a command."""
    return os.path.relpath(path)


@dataclass(slots=True)
class Settings:
    """The options for output on stderr."""

    verbose: bool = False
    quiet: bool = False
    debug: bool = False


def current() -> Settings:
    """Return the settings of the current command."""
    return click.get_current_context().ensure_object(Settings)
