"""The text of a file, or a text in memory, that is read line by line as often as it is needed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from tunesmith.errors import DatasetError, io_problem, unreadable

BLOCK = 2**16
"""Characters that are read at one time."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text in UTF-8, with or without a mark at its beginning."""

    source: str
    content: str | None = None
    """The text, if it is in memory; by default it is that of the file ``source``."""

    def lines(self, ends: Literal["\n", ""] = "\n") -> Iterator[str]:
        r"""Yield each line with its end, which is ``\n``, or with ``ends=""`` any of CSV's.

        Not by ``str.splitlines``: it also splits at U+2028 and others, which JSON allows in a text.

        Raises:
            DatasetError: the file cannot be read, or is not UTF-8; the message names the place.
        """
        with self._opened(ends) as file:
            yield from file

    def whole(self) -> str:
        """Return the whole text; raises as :meth:`lines`."""
        with self._opened("\n") as file:
            return file.read()

    def is_blank(self) -> bool:
        """Return whether there is only white space; raises as :meth:`lines`."""
        with self._opened("\n") as file:
            return not any(map(str.strip, iter(lambda: file.read(BLOCK), "")))

    @contextmanager
    def _opened(self, ends: str) -> Iterator[TextIO]:
        if self.content is not None:
            yield io.StringIO(self.content, newline=ends)
            return
        try:
            with Path(self.source).open(encoding="utf-8-sig", newline=ends) as file:
                yield file
        except UnicodeDecodeError as error:
            raise DatasetError(unreadable(self._placed(error), self.source)) from None
        except OSError as error:
            raise DatasetError(io_problem(error, self.source)) from None

    def _placed(self, error: UnicodeDecodeError) -> UnicodeDecodeError:
        """Return the error with its place in the file; a decoder counts from where it began."""
        start = 0
        with Path(self.source).open("rb") as file:
            for line in file:
                try:
                    line.decode()
                except UnicodeDecodeError as found:
                    found.start += start
                    return found
                start += len(line)
        return error
