"""Output of the commands: lines, tables and JSON. Results go to stdout, the rest to stderr."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import click

STDOUT = "tunesmith.cli.stdout"
"""Key of the real stdout in the context. Libraries get stderr in its place."""


@dataclass(slots=True)
class Settings:
    """The options that every command has."""

    verbose: bool = False
    quiet: bool = False
    debug: bool = False
    as_json: bool = False


def current() -> Settings:
    """Return the settings of the current command."""
    return click.get_current_context().ensure_object(Settings)


def accept_every_character() -> None:
    """Let stdout, as stderr does, write an escape for a character that its encoding lacks.

    Otherwise a label or a file name could end a command whose work is done.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def emit(document: Any, lines: Iterable[str]) -> None:
    """Print on stdout ``lines``, or with ``--json`` the ``document``, which may hold records."""
    out: TextIO | None = click.get_current_context().meta.get(STDOUT)
    if current().as_json:
        # The escapes of stdout, such as \xe9, are none of JSON.
        unicode = (getattr(out, "encoding", None) or "utf-8").lower().startswith("utf")
        lines = [json.dumps(document, indent=2, ensure_ascii=not unicode, default=_dump)]
    for line in lines:
        click.echo(line, file=out)


def _dump(record: Any) -> Any:
    return record.model_dump(mode="json")


def listed(names: Sequence[str], limit: int = 12) -> str:
    """Return the first ``limit`` names, and the number of the others."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def note(text: str) -> None:
    """Print a remark on stderr, unless ``--quiet``."""
    if not current().quiet:
        click.echo(text, err=True)


def table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: int = 0, empty: str = ""
) -> list[str]:
    """Return lines with aligned columns. The last ``right`` columns are aligned to the right.

    The text is plain, so it looks the same in a terminal, in a pipe and in a log. Without rows the
    only line is ``empty``, if there is such a text.
    """
    cells = [headers, *rows]
    if empty and len(cells) == 1:
        return [empty]
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


def color() -> bool:
    """Return whether stderr is a terminal, and the user has nothing against colors."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def relative(path: Path) -> str:
    """Return ``path`` relative to the working directory, to be copied into a command."""
    return os.path.relpath(path)
