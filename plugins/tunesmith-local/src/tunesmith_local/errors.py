"""Errors of this backend, as branches of the core's tree."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunesmith.atomic import naming
from tunesmith.errors import DeploymentError, TuningError


class AdapterError(DeploymentError):
    """A soft prompt on disk is missing, damaged, of another kind or for another base model."""


class CheckpointError(TuningError):
    """A checkpoint is damaged or belongs to another tuning."""


class DivergedError(TuningError):
    """The loss or its gradient is no longer a finite number.

    Attributes:
        step: the optimizer step (from 1) at which it happened.
    """

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Raise an error of the disk as ``OSError`` that names ``directory``.

    safetensors raises an error of its own, with the number of the system's in its message.
    """
    try:
        with naming(directory):
            yield
    except Exception as error:
        code = re.search(r"\(os error (\d+)\)", str(error))
        if code is None or isinstance(error, OSError):
            raise
        number = int(code[1])
        raise OSError(number, os.strerror(number), str(directory)) from error
