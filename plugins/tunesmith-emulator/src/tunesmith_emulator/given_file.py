"""Reads a YAML file that the user gives the emulator."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tunesmith.errors import ExperimentError, first_problem, near_misses
from tunesmith.experiment_file import read_yaml

M = TypeVar("M", bound=BaseModel)


def read_file(path: Path, kind: type[M]) -> M:
    """Return the YAML file at ``path`` as a ``kind``.

    Raises:
        ExperimentError: the file is missing, not YAML, or has a wrong field; the message names it.
    """
    if not path.exists():
        near = near_misses(path.name, (p.name for p in path.parent.glob("*.y*ml")))
        raise ExperimentError(f"{path}: no such file.{near}")
    try:
        return kind.model_validate(read_yaml(path))
    except ValidationError as error:
        raise ExperimentError(f"{path}: {first_problem(error)}") from None
