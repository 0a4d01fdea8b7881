"""Files that one command writes and the next command reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from pydantic import ValidationError

from tunesmith.cli.command import FILE, F, bundled
from tunesmith.errors import (
    ExperimentError,
    RunError,
    first_problem,
    near_misses,
    unreadable,
)
from tunesmith.records import Record

R = TypeVar("R", bound=Record)


def output_option(text: str, default: str | None = None) -> Callable[[F], F]:
    """Return the option ``-o/--output``, a file, with the help ``text``."""
    shown = default is not None
    return click.option("-o", "--output", type=FILE, default=default, show_default=shown, help=text)


def refuse_input(output: Path, *inputs: str | Path | None) -> None:
    """Refuse to write over a file that the command reads.

    Raises:
        ExperimentError: ``output`` is one of ``inputs``.
    """
    if any(given is not None and Path(given).resolve() == output.resolve() for given in inputs):
        raise ExperimentError(f"{output}: the command reads this file; choose another one with -o")


def field_options(otherwise: str = "") -> Callable[[F], F]:
    """Return the options for the columns of the data; a command gets those given as ``fields``."""

    def given(input_field: str | None, output_field: str | None) -> dict[str, str]:
        columns = {"input_field": input_field, "output_field": output_field}
        return {name: column for name, column in columns.items() if column is not None}

    options = (
        click.option(
            f"--{name}-field",
            metavar="NAME",
            help=f"The column of the {what}; by default {otherwise}{name!r}, or the one that can "
            "be it by its name and content.",
        )
        for name, what in (("input", "text"), ("output", "label"))
    )
    return bundled("fields", given, *options)


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
        raise RunError(unreadable(error, path)) from None
    except ValidationError as error:
        raise RunError(
            f"{path}: not a {kind.__name__} record: {first_problem(error)}. "
            f"Make one with: {made_by}"
        ) from None
