"""StoredRows: checked rows in a temporary file, which takes their place in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import overload

from tunesmith.dataset.files import read_table
from tunesmith.dataset.reading import INPUT, OUTPUT, Fields, streamed_rows
from tunesmith.records import Row
from tunesmith.scratch import Scratch


class StoredTexts(Sequence[str]):
    """Texts in a temporary file; each takes eight bytes of memory."""

    def __init__(self) -> None:
        self._file = Scratch()
        self._ends = array("q", [0])

    def append(self, text: str) -> None:
        """Add a text behind the others.

        Raises:
            OSError: the disk is full; the error names the folder of temporary files.
        """
        content = text.encode()
        self._file.write(self._ends[-1], content)
        self._ends.append(self._ends[-1] + len(content))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        row = range(len(self))[place]
        if isinstance(row, range):
            return [self[one] for one in row]
        start, end = self._ends[row], self._ends[row + 1]
        return self._file.read(start, end - start).decode()


class StoredRows:
    """Rows whose texts are in a temporary file, as an audit reads them."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.notes: tuple[str, ...] = ()
        """Those of the reader."""
        self.inputs = StoredTexts()
        self._codes = array("i")
        self._names: dict[str | None, int] = {}

    def append(self, row: Row) -> None:
        """Add a row; raises as ``StoredTexts.append``."""
        self.inputs.append(row.input)
        self._codes.append(self._names.setdefault(row.output, len(self._names)))

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def expected(self) -> Iterator[str | None]:
        """The label of each row, in order."""
        names = list(self._names)
        return (names[code] for code in self._codes)


def stored_rows(
    source: str,
    *,
    input_field: str = INPUT,
    output_field: str = OUTPUT,
    labelled: bool | None,
) -> StoredRows:
    """Read ``source`` and check every row; arguments and errors as for ``load_dataset``.

    Raises:
        OSError: the disk is full; the error names the folder of temporary files.
    """
    fields = Fields(input_field, output_field)
    streamed = streamed_rows(read_table(source), fields, None, labelled)
    stored = StoredRows(source)
    streamed.check(stored.append)
    stored.notes = streamed.notes
    return stored
