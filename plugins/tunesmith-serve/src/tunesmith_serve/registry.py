"""The prompts that were added while the server ran, in a file that outlives it.

PROMPTS/served-prompts.json    {"NAME": "PATH below PROMPTS", …}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tunesmith.atomic import write_atomically
from tunesmith.errors import ExperimentError, first_problem, unreadable

FILE = "served-prompts.json"
_ENTRIES = TypeAdapter(dict[str, str])


class Registry:
    """Reads and writes the file in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._file = self.folder / FILE

    def entries(self) -> dict[str, Path]:
        """Return the path of each prompt by its name.

        Raises:
            ExperimentError: the file is damaged or unreadable.
        """
        return {name: self.below(path) for name, path in self._read().items()}

    def put(self, name: str, path: Path) -> None:
        """Keep a prompt.

        Raises:
            OSError: the file cannot be written; it is as it was.
        """
        self._write({**self._read(), name: str(path.relative_to(self.folder))})

    def drop(self, name: str) -> None:
        """Forget a prompt, if it is kept; see :meth:`put`."""
        entries = self._read()
        if entries.pop(name, None) is not None:
            self._write(entries)

    def below(self, path: str) -> Path:
        """Return ``path`` below the folder, links followed.

        Raises:
            ExperimentError: it leads out of the folder.
        """
        found = (self.folder / path).resolve()
        if not found.is_relative_to(self.folder):
            raise ExperimentError(f"path: {path!r:.200} is not below the folder of --prompts")
        return found

    def _read(self) -> dict[str, str]:
        try:
            return _ENTRIES.validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ExperimentError(unreadable(error, self._file)) from None
        except ValidationError as error:
            raise ExperimentError(
                f"{self._file}: damaged: {first_problem(error)}; mend it or remove it"
            ) from None

    def _write(self, entries: Mapping[str, str]) -> None:
        write_atomically(self._file, json.dumps(entries, indent=2, ensure_ascii=False))
