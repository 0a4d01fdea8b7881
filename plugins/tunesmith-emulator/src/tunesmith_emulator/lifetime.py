"""An emulator from its start to its stop, whichever API it has."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ValidationError

from tunesmith.errors import ExperimentError, first_problem

S = TypeVar("S", bound=BaseModel)


class Lifetime(ABC):
    """A context manager that closes at its stop whatever it opened, also after a failed start."""

    def __init__(self) -> None:
        self._opened = ExitStack()

    @abstractmethod
    def _serve(self) -> None:
        """Open everything and accept requests."""

    def start(self) -> Self:
        """Open the data directory and serve."""
        try:
            self._serve()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop a running tuning at its last checkpoint. Does nothing the second time."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _temporary_folder(self) -> Path:
        """Return a new folder that is deleted at the stop."""
        folder = tempfile.TemporaryDirectory(
            prefix="tunesmith-emulator-", ignore_cleanup_errors=True
        )
        return Path(self._opened.enter_context(folder))


def valid(kind: type[S], **values: Any) -> S:
    """Return settings of ``kind``.

    Raises:
        ExperimentError: a value is wrong; the message names it.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        raise ExperimentError(f"emulator: {first_problem(error)}") from None
