"""CSV and TSV: the delimiter, the header and the records of a text with columns."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from tunesmith.dataset.columns import names_both
from tunesmith.dataset.rows import Table
from tunesmith.errors import DatasetError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LOOKED_AT = 50
"""Records that are read to choose the delimiter."""
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
Line = tuple[int, list[str]]
"""The number of a record's first line, from 1, and its cells."""


def read_csv(source: str, text: str) -> Table:
    """Read columns that commas, semicolons, tabs or bars separate, below a header."""
    delimiter, text, skipped = _declared(text)
    delimiter = delimiter or _delimiter(source, text)
    name = DELIMITERS.get(delimiter, repr(delimiter))
    notes = () if delimiter == "," else (f"{source}: {name} separate the columns",)
    return _table(source, _records(source, text, delimiter, skipped), notes)


def read_tsv(source: str, text: str) -> Table:
    """Read columns that tabs separate, below a header.

    If every line has the same number of columns, a quotation mark inside a cell is text. Otherwise
    a cell in quotation marks may hold tabs and line ends, as in CSV.
    """
    lines = [(n, line.rstrip("\r").split("\t")) for n, line in enumerate(text.split("\n"), 1)]
    lines = [(n, cells) for n, cells in lines if cells != [""]]
    if len({len(cells) for _, cells in lines}) == 1:
        _refuse_two_readings(source, text, lines)
        return _table(source, iter([(n, list(map(_unquoted, cells))) for n, cells in lines]))
    return _table(source, _records(source, text, "\t", 0))


def _refuse_two_readings(source: str, text: str, lines: list[Line]) -> None:
    """Refuse a text that has the same columns as lines and as CSV, with other rows."""
    opened = (n for n, cells in lines if any(c.startswith('"') and c.count('"') % 2 for c in cells))
    first = next(opened, None)
    if first is None:
        return
    try:
        widths = {len(cells) for _, cells in _records(source, text, "\t", 0)}
    except DatasetError:
        return
    if widths == {len(lines[0][1])}:
        raise DatasetError(
            f"{source}, line {first}: a cell begins with a quotation mark, and the next one that "
            "ends a cell is on another line: this is one row or several. Remove the marks if they "
            "are text; otherwise save the rows as .csv or .jsonl"
        )


def _declared(text: str) -> tuple[str | None, str, int]:
    """Return the delimiter of a first line ``sep=;``, the text below, and the lines skipped."""
    first, _, rest = text.partition("\n")
    if found := re.fullmatch(r'sep=([^\r"])\r?', first):
        return found.group(1), rest, 1
    return None, text, 0


def _delimiter(source: str, text: str) -> str:
    """Return the first delimiter that gives the first records equal numbers of columns, over 1."""
    for delimiter in DELIMITERS:
        try:
            head = [cells for _, cells in islice(_records(source, text, delimiter, 0), LOOKED_AT)]
        except DatasetError:
            continue
        widths = {len(cells) for cells in head}
        if len(widths) == 1 and widths != {1}:
            return delimiter
    return ","


def _records(source: str, text: str, delimiter: str, skipped: int) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = skipped + 1
    with _any_length():
        try:
            for cells in reader:
                if cells:
                    yield start, cells
                start = skipped + reader.line_num + 1
        except csv.Error as error:
            raise DatasetError(
                f"{source}, line {start}: not CSV: {error}. In a cell in quotation "
                "marks, a quotation mark is written twice"
            ) from None


@contextmanager
def _any_length() -> Iterator[None]:
    # The limit of the csv module, 131,072 characters a cell, is one of the whole process.
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) else cell


def _table(source: str, lines: Iterator[Line], notes: tuple[str, ...] = ()) -> Table:
    every = list(lines)
    if not every:
        raise DatasetError(f"{source}: no columns below the first line. Write rows into the file")
    (_, header), *rest = every
    if _is_data(header, rest):
        names = [f"column {number}" for number in range(1, len(header) + 1)]
        rest = [(1, header), *rest]
        notes = (
            *notes,
            f"{source}: no header; the first line is read as a row, and the columns are called "
            f"{names[0]!r} to {names[-1]!r}",
        )
    else:
        names = _checked_names(source, header)
    return Table(source, _named(source, names, rest), notes)


def _is_data(header: list[str], lines: list[Line]) -> bool:
    """Return whether the first line is a row: two other rows have a cell of it in its column.

    With the usual names of both columns it is a header, whatever the rows hold.
    """
    if names_both(header):
        return False
    for column, name in enumerate(header):
        equal = sum(cells[column] == name for _, cells in lines if column < len(cells))
        if name.strip() and equal >= 2:
            return True
    return False


def _checked_names(source: str, header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    for name in names:
        if names.count(name) > 1:
            columns = [str(n) for n, other in enumerate(names, 1) if other == name]
            raise DatasetError(
                f"{source}: columns {' and '.join(columns)} are both named {name!r:.60}; rename one"
            )
    return names


def _named(source: str, names: list[str], lines: list[Line]) -> Iterator[tuple[str, object]]:
    for number, cells in lines:
        if len(cells) != len(names):
            raise DatasetError(
                f"{source}, line {number}: the number of columns is {len(cells)}, in the "
                f"first line {len(names)}; put a cell that holds the delimiter in quotation marks"
            )
        yield f"{source}, line {number}", dict(zip(names, cells, strict=True))
