"""CSV and TSV: the delimiter, the header and the records of a text with columns."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterator
from itertools import islice

from tunesmith.dataset.columns import names_both
from tunesmith.dataset.rows import Placed, Reread, Table
from tunesmith.dataset.text import Text
from tunesmith.errors import DatasetError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LOOKED_AT = 50
"""Records that are read to choose the delimiter."""
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
Line = tuple[int, list[str]]
"""The number of a record's first line, from 1, and its cells."""


def read_csv(text: Text) -> Table:
    """Read columns that commas, semicolons, tabs or bars separate, below a header."""
    declared = _declared(text)
    delimiter = declared or _delimiter(text)
    name = DELIMITERS.get(delimiter, repr(delimiter))
    notes = () if delimiter == "," else (f"{text.source}: {name} separate the columns",)
    skipped = 1 if declared else 0
    return _table(text.source, lambda: _records(text, delimiter, skipped), notes)


def read_tsv(text: Text) -> Table:
    """Read columns that tabs separate, below a header.

    If every line has the same number of columns, a quotation mark inside a cell is text. Otherwise
    a cell in quotation marks may hold tabs and line ends, as in CSV.
    """
    first = next(_split(text), None)
    width = len(first[1]) if first else 0
    if not all(len(cells) == width for _, cells in _split(text)):
        return _table(text.source, lambda: _records(text, "\t"))
    _refuse_two_readings(text, width)
    return _table(text.source, lambda: ((n, [*map(_unquoted, line)]) for n, line in _split(text)))


def _split(text: Text) -> Iterator[Line]:
    for number, line in enumerate(text.lines(), 1):
        cells = line.removesuffix("\n").rstrip("\r").split("\t")
        if cells != [""]:
            yield number, cells


def _refuse_two_readings(text: Text, width: int) -> None:
    """Refuse a text that has ``width`` columns as lines and as CSV, with other rows."""
    lines = _split(text)
    opened = (n for n, cells in lines if any(c.startswith('"') and c.count('"') % 2 for c in cells))
    first = next(opened, None)
    if first is None:
        return
    try:
        if any(len(cells) != width for _, cells in _records(text, "\t")):
            return
    except DatasetError:
        return
    raise DatasetError(
        f"{text.source}, line {first}: a cell begins with a quotation mark, and the next one that "
        "ends a cell is on another line: this is one row or several. Remove the marks if they "
        "are text; otherwise save the rows as .csv or .jsonl"
    )


def _declared(text: Text) -> str | None:
    """Return the delimiter that a first line ``sep=;`` names."""
    first = next(text.lines(), "").removesuffix("\n")
    found = re.fullmatch(r'sep=([^\r"])\r?', first)
    return found.group(1) if found else None


def _delimiter(text: Text) -> str:
    """Return the first delimiter that gives the first records equal numbers of columns, over 1."""
    for delimiter in DELIMITERS:
        try:
            head = [cells for _, cells in islice(_records(text, delimiter), LOOKED_AT)]
        except DatasetError:
            continue
        widths = {len(cells) for cells in head}
        if len(widths) == 1 and widths != {1}:
            return delimiter
    return ","


def _records(text: Text, delimiter: str, skipped: int = 0) -> Iterator[Line]:
    """Yield the records below the first ``skipped`` lines."""
    lines = islice(text.lines(""), skipped, None)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    start = skipped + 1
    while True:
        # The limit of the csv module, 131,072 characters a cell, is one of the whole process.
        before = csv.field_size_limit(sys.maxsize)
        try:
            cells = next(reader, None)
        except csv.Error as error:
            problem = str(error).replace("'\t'", "a tab")
            raise DatasetError(
                f"{text.source}, line {start}: not CSV: {problem}. In a cell in quotation "
                "marks, a quotation mark is written twice"
            ) from None
        finally:
            csv.field_size_limit(before)
        if cells is None:
            return
        if cells:
            yield start, cells
        start = skipped + reader.line_num + 1


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) else cell


def _table(source: str, lines: Callable[[], Iterator[Line]], notes: tuple[str, ...] = ()) -> Table:
    first = next(lines(), None)
    if first is None:
        raise DatasetError(f"{source}: no columns below the first line. Write rows into the file")
    _, header = first
    if _is_data(header, lines):
        names = [f"column {number}" for number in range(1, len(header) + 1)]
        notes = (
            *notes,
            f"{source}: no header; the first line is read as a row, and the columns are called "
            f"{names[0]!r} to {names[-1]!r}",
        )
        return Table(source, Reread(lambda: _named(source, names, lines(), first_line=1)), notes)
    names = _checked_names(source, header)
    return Table(source, Reread(lambda: _named(source, names, islice(lines(), 1, None))), notes)


def _is_data(header: list[str], lines: Callable[[], Iterator[Line]]) -> bool:
    """Return whether the first line is a row: two other rows have a cell of it in its column.

    With the usual names of both columns it is a header, whatever the rows hold.
    """
    if names_both(header):
        return False
    equal = [0] * len(header)
    for _, cells in islice(lines(), 1, None):
        for column, (name, cell) in enumerate(zip(header, cells, strict=False)):
            if cell == name and name.strip():
                equal[column] += 1
                if equal[column] >= 2:
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


def _named(
    source: str, names: list[str], lines: Iterator[Line], *, first_line: int | None = None
) -> Iterator[Placed]:
    for place, cells in lines:
        number, first_line = first_line or place, None
        if len(cells) != len(names):
            raise DatasetError(
                f"{source}, line {number}: the number of columns is {len(cells)}, in the "
                f"first line {len(names)}; put a cell that holds the delimiter in quotation marks"
            )
        yield f"{source}, line {number}", dict(zip(names, cells, strict=True))
