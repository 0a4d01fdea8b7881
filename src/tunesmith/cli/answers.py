"""The file of ``predict -o``: its format, and the answers that a stopped command leaves."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pydantic import ValidationError

from tunesmith.atomic import naming, replaced_atomically, write_atomically
from tunesmith.cli.files import refuse_input
from tunesmith.dataset.chat import MESSAGES
from tunesmith.dataset.rows import quoted, refuse_halves
from tunesmith.dataset.streamed import StreamedRows
from tunesmith.errors import ExperimentError, remedy_of
from tunesmith.records import Prediction, Record, Row, json_lines

LINES = (".jsonl", ".ndjson", "")
TABLES = {".csv": ",", ".tsv": "\t"}
FORMATS = (".jsonl", ".ndjson", ".json", *TABLES)
HEAD = '{"answers of": '
"""The beginning of a partial file."""
OWN = ("prediction", "probability", "written")
"""The columns of a table beside those of the rows."""
CRLF = "\r\n"
_CONSTANTS = {"NaN": None, "Infinity": "Infinity", "-Infinity": "-Infinity"}
"""The numbers that Python's JSON has and JSON lacks, as a file of answers has them."""


class FullRow(NamedTuple):
    """A row with all its columns."""

    row: Row
    columns: dict[str, Any]
    """All of them; in the chat format, its text and label are two of them."""
    others: dict[str, Any] | None
    """Those that are neither text nor label; None if there are no others."""


class FullRows:
    """Rows with all their columns, read from their source at each iteration."""

    def __init__(self, rows: StreamedRows) -> None:
        """Read the columns of ``rows``, which were checked.

        Raises:
            DatasetError: no file can hold a value; the message names the row and the column.
        """
        self.rows = rows
        names = dict[str, None]()
        for where, record, row in rows.with_records():
            _refuse_halves(where, record)
            plain = rows.columns[0] in record
            names |= dict.fromkeys(record if plain else _columns(record, row, rows.columns))
        self.names = list(names)
        """Those of all rows."""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[FullRow]:
        known = self.rows.columns
        for _, record, row in self.rows.with_records():
            columns = _columns(record, row, known)
            others = {name: value for name, value in columns.items() if name not in known}
            yield FullRow(row, columns, others or None)


def _refuse_halves(where: str, record: dict[str, Any]) -> None:
    try:
        json.dumps(record, default=str, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        for name, value in record.items():
            text = json.dumps([name, value], default=str, ensure_ascii=False)
            refuse_halves(where, quoted(name), text)


def _columns(record: dict[str, Any], row: Row, known: tuple[str, str]) -> dict[str, Any]:
    # Values that JSON lacks become texts: dates of parquet, and infinities. NaN is no value.
    columns: dict[str, Any] = json.loads(
        json.dumps(record, default=str), parse_constant=_CONSTANTS.get
    )
    if known[0] not in columns:
        del columns[MESSAGES]
        named = zip(known, (row.input, row.output), strict=True)
        columns |= {name: text for name, text in named if text is not None}
    return columns


class AnswersFile:
    """A file of answers, in the format of its name's end.

    While rows are asked, a second file with ``.partial`` in its name holds the answers so far. The
    same command reads it, and asks from the first row on that it does not answer.
    """

    def __init__(self, path: Path, data: str, key: str) -> None:
        """Check the name.

        Args:
            path: of the file.
            data: the source of the rows.
            key: names the model and its settings; for one row, equal keys give equal answers.

        Raises:
            ExperimentError: another format; or a file of the user is in the way.
        """
        self._suffix = path.suffix.lower()
        if self._suffix not in (*LINES, *FORMATS):
            raise ExperimentError(
                f"{path}: predict writes no {path.suffix} files; choose {', '.join(FORMATS)}"
            )
        refuse_input(path, data)
        digest = hashlib.sha256(key.encode()).hexdigest()
        self._path, self._head = path, f'{HEAD}"{digest}"}}\n'.encode()
        self.partial = path.with_name(f"{path.name}.partial")
        self._end = 0
        """The bytes of the partial file that are kept."""
        if self.partial.exists():
            with self.partial.open("rb") as file:
                head = file.readline()
            if not head.startswith(HEAD.encode()):
                raise ExperimentError(f"{self.partial}: a file of that name is in the way; move it")
            self._end = len(head) if head == self._head else 0

    def kept(self, rows: Iterable[FullRow]) -> int:
        """Return the number of first rows that an earlier command answered, and keep these."""
        if not self._end:
            return 0
        number = 0
        with self.partial.open("rb") as file:
            file.seek(self._end)
            for line, row in zip(file, rows, strict=False):
                if not _answers(line, row):
                    break
                self._end += len(line)
                number += 1
        return number

    @contextmanager
    def open(self) -> Iterator[Callable[[Sequence[Prediction]], None]]:
        """Hold the partial file, and give the function that appends answers to it.

        Raises:
            OSError: the file cannot be written.
        """
        with self._continued(), naming(self.partial):
            if not self._end:
                write_atomically(self.partial, self._head)
            with self.partial.open("r+b") as file:
                file.truncate(self._end or len(self._head))
                file.seek(0, 2)

                def append(answers: Sequence[Prediction]) -> None:
                    with naming(self.partial):
                        file.write(json_lines(answers).encode())
                        file.flush()

                yield append

    def answers(self) -> Iterator[Prediction]:
        """Yield all answers of the partial file."""
        with self.partial.open("rb") as file:
            file.readline()
            for line in file:
                yield Prediction.from_json(line)

    def write(self, answers: Iterable[Record], rows: FullRows) -> None:
        """Write the answers for all ``rows``, and remove the partial file.

        Raises:
            OSError: the file cannot be written.
        """
        with self._continued(), replaced_atomically(self._path) as file:
            if self._suffix in TABLES:
                _write_table(file, answers, rows, TABLES[self._suffix])
            elif self._suffix == ".json":
                before = "[\n"
                for answer in answers:
                    file.write(f"{before}{answer.model_dump_json()}".encode())
                    before = ",\n"
                file.write(b"\n]\n")
            else:
                for answer in answers:
                    file.write(json_lines([answer]).encode())
        self.partial.unlink(missing_ok=True)

    @contextmanager
    def _continued(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            kept = f"the answers so far are in {self.partial}; the same command goes on"
            if isinstance(error, OSError):
                fix = remedy_of(error).fix
                kept = f"{fix[0].upper()}{fix[1:]}, then run again: {kept}"
            error.add_note(kept)
            raise


def _answers(line: bytes, row: FullRow) -> bool:
    """Return whether ``line`` is complete, and the answer for ``row``."""
    if not line.endswith(b"\n"):
        return False
    try:
        one = Prediction.from_json(line)
    except ValidationError:  # a disk that was full may have left anything
        return False
    return (one.input, one.expected, one.columns) == (row.row.input, row.row.output, row.others)


def _write_table(file: BinaryIO, answers: Iterable[Record], rows: FullRows, delimiter: str) -> None:
    def write(line: str) -> None:
        file.write(f"{line.removesuffix(CRLF)}\n".encode())

    ours = [_free(name, rows.names) for name in OWN]
    # The csv module puts a cell in quotation marks for the characters of its own line end only.
    table = csv.writer(_Lines(write), delimiter=delimiter, lineterminator=CRLF)
    table.writerow([*rows.names, *ours])
    for answer, row in zip(answers, rows, strict=True):
        cells = (row.columns.get(name) for name in rows.names)
        table.writerow(map(_cell, [*cells, *_own(answer)]))


class _Lines(NamedTuple):
    """The part of a file that the csv module calls, once for each row."""

    write: Callable[[str], object]


def _free(name: str, taken: Iterable[str]) -> str:
    """Return ``name``, or a name with it that no column of the rows has."""
    while name in taken:
        name = f"tunesmith {name}"
    return name


def _own(answer: Record) -> tuple[str | None, float | None, str | None]:
    if isinstance(answer, Prediction):
        shares = answer.calibrated or answer.probabilities or {}
        return answer.label, shares.get(answer.label or ""), answer.text
    values = answer.model_dump()
    return values["label"], values["probability"], None


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
