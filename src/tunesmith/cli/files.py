"""Records passed from step to step by file."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from tunesmith.atomic import write_atomically
from tunesmith.errors import RunError, first_problem, near_misses
from tunesmith.records import Record

R = TypeVar("R", bound=Record)


def read_record(kind: type[R], path: Path, made_by: str) -> R:
    """Read a record of ``kind``; ``made_by`` is the command that writes such files.

    Raises:
        RunError: no such file, or not such a record.
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
    """Write ``record`` as JSON, whole or not at all."""
    write_atomically(path, record.to_json() + "\n")
