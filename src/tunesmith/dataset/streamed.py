"""StreamedRows: the rows of a table, made whenever they are needed, so that none is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from tunesmith.dataset.rows import RowRule, Table, refuse_missing, shown
from tunesmith.errors import DatasetError
from tunesmith.records import Row

SHOWN = 3
"""Places that a note names."""


class StreamedRows:
    """Rows that are read from their source at each iteration.

    ``check`` reads them for the first time. Then their number is known: rows that are added to the
    file later are not read, and a file with fewer rows is refused.
    """

    def __init__(self, table: Table, rule: RowRule, notes: tuple[str, ...], given: Table) -> None:
        """Keep the table.

        Args:
            table: the records.
            rule: by which they become rows.
            notes: about the columns that were found.
            given: the records as the source has them; others than ``table`` in the chat format.
        """
        self.source, self.columns = table.source, (rule.input_field, rule.output_field)
        self.chat = table.chat
        self._table, self._rule, self._notes, self._given = table, rule, notes, given
        self._size = 0
        self._labels = _Labels(table, rule)

    def __iter__(self) -> Iterator[Row]:
        for _, _, row in self.with_records():
            yield row

    def __len__(self) -> int:
        return self._size

    @property
    def notes(self) -> tuple[str, ...]:
        """The reader's choices, after ``check``."""
        return (*self._table.notes, *self._notes, *self._labels.notes)

    def check(self, take: Callable[[Row], object] = lambda row: None) -> None:
        """Read and check all rows; ``take`` gets each.

        Raises:
            DatasetError: a row is wrong; the message names it. Errors about the column of the
                labels as a whole come first.
        """
        self._size, self._labels, wrong = 0, _Labels(self._table, self._rule), None
        for where, record in self._table.records:
            self._labels.see(where, record)
            if wrong is None:
                try:
                    row = self._rule.row(where, record)
                except DatasetError as error:
                    wrong = error
                else:
                    take(row)
            self._size += 1
        self._labels.check()
        if wrong is not None:
            raise wrong

    def with_records(self) -> Iterator[tuple[str, Any, Row]]:
        """Yield the place of each row, the record as the source has it, and the row.

        Raises:
            DatasetError: the source is not as it was when it was checked.
        """
        number = 0
        for where, given, record in islice(self._read(), self._size):
            yield where, given, self._rule.row(where, record)
            number += 1
        if number < self._size:
            raise DatasetError(
                f"{self.source}: {number} rows, and {self._size} when it was checked. Restore the "
                "file, or run again when it is complete"
            )

    def _read(self) -> Iterator[tuple[str, Any, Any]]:
        """Yield the place of each record, the record as the source has it, and that of the row."""
        if self._given is self._table:
            return ((where, record, record) for where, record in self._table.records)
        both = zip(self._given.records, self._table.records, strict=False)
        return ((where, given, record) for (where, given), (_, record) in both)


class _Labels:
    """The column of the labels as a whole."""

    def __init__(self, table: Table, rule: RowRule) -> None:
        self._source, self._rule, self._field = table.source, rule, rule.output_field
        self._missing: str | None = None
        self._first_of = dict[str, tuple[str, Any]]()
        self._stripped, self._places = 0, list[str]()

    def see(self, where: str, record: Any) -> None:
        if not isinstance(record, Mapping) or self._field not in record:
            return
        value = record[self._field]
        if value is None and self._missing is None:
            self._missing = where
        elif isinstance(value, str):
            self._first_of.setdefault("text", (where, value))
            if value != value.strip():
                self._stripped += 1
                if self._stripped <= SHOWN:
                    self._places.append(where.rpartition(", ")[2])
        elif isinstance(value, int | float):
            self._first_of.setdefault("number", (where, value))

    def check(self) -> None:
        """Refuse a missing label, and labels of which some are numbers and some texts (1, "1")."""
        if self._rule.labelled is False:
            return
        if self._rule.labelled and self._missing is not None:
            refuse_missing(self._missing, self._field)
        if len(self._first_of) == 2:
            (first, text), (second, number) = (self._first_of[k] for k in ("text", "number"))
            raise DatasetError(
                f"{first}, field {self._field!r:.60}: {text!r:.60} is text, and {number!r} "
                f"({second}) is a number. Write all labels as text; in pandas: astype(str)"
            )

    @property
    def notes(self) -> tuple[str, ...]:
        """A note about labels that had white space at an end."""
        if self._rule.labelled is False or not self._stripped:
            return ()
        more = f" and {self._stripped - SHOWN} more" if self._stripped > SHOWN else ""
        return (
            f"{self._source}: white space at the ends of labels was removed in {self._stripped} "
            f"rows: {shown(self._places)}{more}",
        )
