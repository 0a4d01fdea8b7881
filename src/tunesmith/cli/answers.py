"""The file of ``predict -o``: its format, and the answers that a stopped command leaves."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tunesmith.atomic import naming, write_atomically
from tunesmith.cli.files import refuse_input
from tunesmith.dataset import Dataset
from tunesmith.dataset.chat import MESSAGES
from tunesmith.dataset.rows import Table, quoted, refuse_halves
from tunesmith.errors import ExperimentError
from tunesmith.records import Prediction, Record, json_lines

LINES = (".jsonl", ".ndjson", "")
TABLES = {".csv": ",", ".tsv": "\t"}
FORMATS = (".jsonl", ".ndjson", ".json", *TABLES)
HEAD = '{"answers of": '
"""The beginning of a partial file."""
OWN = ("prediction", "probability", "written")
"""The columns of a table beside those of the rows."""
_CONSTANTS = {"NaN": None, "Infinity": "Infinity", "-Infinity": "-Infinity"}
"""The numbers that Python's JSON has and JSON lacks, as a file of answers has them."""


class AnswersFile:
    """A file of answers, in the format of its name's end.

    While rows are asked, a second file with ``.partial`` in its name holds the answers so far. The
    same command on the same rows reads it and asks only the others.
    """

    def __init__(self, path: Path, data: str, key: str) -> None:
        """Check the name.

        Args:
            path: of the file.
            data: the source of the rows.
            key: names the model, its settings and the rows; equal keys give equal answers.

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
        self._path, self._head = path, f'{HEAD}"{digest}"}}\n'
        self.partial = path.with_name(f"{path.name}.partial")
        self.kept = self._read()
        """The first answers, if an earlier command was stopped."""

    def _read(self) -> list[Prediction]:
        if not self.partial.exists():
            return []
        with self.partial.open(encoding="utf-8", errors="replace", newline="\n") as file:
            head = file.readline()
            if not head.startswith(HEAD):
                raise ExperimentError(f"{self.partial}: a file of that name is in the way; move it")
            if head != self._head:
                return []
            # A line without an end was not completed.
            return [Prediction.from_json(line) for line in file if line.endswith("\n")]

    @contextmanager
    def open(self) -> Iterator[Callable[[Sequence[Prediction]], None]]:
        """Hold the partial file, and give the function that appends answers to it.

        Raises:
            OSError: the file cannot be written.
        """
        with naming(self.partial):
            write_atomically(self.partial, f"{self._head}{json_lines(self.kept)}")
            with self.partial.open("a", encoding="utf-8") as file:

                def append(answers: Sequence[Prediction]) -> None:
                    with naming(self.partial):
                        file.write(json_lines(answers))
                        file.flush()

                try:
                    yield append
                except BaseException as error:
                    error.add_note(
                        f"the answers so far are in {self.partial}; the same command goes on"
                    )
                    raise

    def write(self, answers: Sequence[Record], rows: Sequence[Mapping[str, Any]]) -> None:
        """Write all answers, and remove the partial file; ``rows`` are the rows with all columns.

        Raises:
            OSError: the file cannot be written.
        """
        write_atomically(self._path, self._text(answers, rows))
        self.partial.unlink(missing_ok=True)

    def _text(self, answers: Sequence[Record], rows: Sequence[Mapping[str, Any]]) -> str:
        if self._suffix in TABLES:
            return _table(answers, rows, TABLES[self._suffix])
        if self._suffix == ".json":
            # Not str.splitlines: it also splits at U+2028 and others, which a text may hold.
            return "[\n" + json_lines(answers).rstrip("\n").replace("\n", ",\n") + "\n]\n"
        return json_lines(answers)


def columns_of(table: Table, rows: Dataset) -> list[dict[str, Any]]:
    """Return all columns of each row; in the chat format, its text and label are two of them.

    Raises:
        DatasetError: no file can hold a value; the message names the row and the column.
    """
    found = []
    for (where, record), row in zip(table.records, rows.rows, strict=True):
        for name, value in record.items():
            text = json.dumps([name, value], default=str, ensure_ascii=False)
            refuse_halves(where, quoted(name), text)
        # Values that JSON lacks become texts: dates of parquet, and infinities. NaN is no value.
        columns = json.loads(json.dumps(record, default=str), parse_constant=_CONSTANTS.get)
        if rows.columns[0] not in columns:
            del columns[MESSAGES]
            named = zip(rows.columns, (row.input, row.output), strict=True)
            columns |= {name: text for name, text in named if text is not None}
        found.append(columns)
    return found


def other_columns(columns: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any] | None:
    """Return ``columns`` without the ``known`` ones; None if there are no others."""
    return {name: value for name, value in columns.items() if name not in known} or None


def _table(answers: Sequence[Record], rows: Sequence[Mapping[str, Any]], delimiter: str) -> str:
    theirs = list(dict.fromkeys(name for row in rows for name in row))
    ours = [_free(name, theirs) for name in OWN]
    lines: list[str] = []
    # The csv module puts a cell in quotation marks for the characters of its own line end only.
    table = csv.writer(_Lines(lines.append), delimiter=delimiter, lineterminator="\r\n")
    table.writerow([*theirs, *ours])
    for answer, row in zip(answers, rows, strict=True):
        table.writerow(map(_cell, [*(row.get(name) for name in theirs), *_own(answer)]))
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


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
