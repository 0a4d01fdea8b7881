"""Files that one command writes and the next command reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from tunesmith.atomic import write_atomically
from tunesmith.errors import RunError, first_problem, near_misses
from tunesmith.records import Record

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R", bound=Record)


def output_option(text: str, default: str | None = None) -> Callable[[F], F]:
    """Return the option ``-o/--output``, a file, with the help ``text``."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        default=default,
        show_default=default is not None,
        help=text,
    )


def read_record(kind: type[R], path: Path, made_by: str) -> R:
    """Read a record of ``kind``; ``made_by`` is the command that writes such files.

    Raises:
        RunError: there is no such file, or it is not such a record.
    """
    try:
        return kind.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = near_misses(path.name, (p.name for p in path.parent.glob("*.json")))
        raise RunError(f"{path}: no such file.{near} Make one with: {made_by}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from None
    except ValidationError as error:
        raise RunError(
            f"{path}: not a {kind.__name__} record: {first_problem(error)}. "
            f"Make one with: {made_by}"
        ) from None


def write_record(record: Record, path: Path) -> None:
    """Write ``record`` as JSON, atomically."""
    write_atomically(path, record.to_json() + "\n")
