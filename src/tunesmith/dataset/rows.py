"""Dataset: rows with their source. A record becomes a row, or an error that names the place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunesmith.errors import ColumnError, DatasetError, near_misses
from tunesmith.labels import LabelSet
from tunesmith.records import Record, Row

HUB = "hf:"
DIGITS = 100
"""A label with more digits is sorted as a text."""


class Dataset(Record):
    """Rows and their source."""

    source: str
    """The file, ``hf:NAME[:SPLIT]``, or the kind of object that the rows came from."""
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    """The reader's choices that the source does not state, such as the columns."""
    columns: tuple[str, str] = ("input", "output")
    """The columns of the text and of the label."""
    chat: bool = False
    """Whether the rows were in the chat format. Its columns are then not in the source."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def inputs(self) -> list[str]:
        """The inputs, in order."""
        return [row.input for row in self.rows]

    @property
    def expected(self) -> list[str | None]:
        """The label of each row, in order."""
        return [row.output for row in self.rows]

    @property
    def outputs(self) -> list[str]:
        """The distinct outputs: numbers in numeric order, other texts alphabetically."""
        found = sorted({str(row.output) for row in self.rows})
        numbers = all(text.isdecimal() and len(text) <= DIGITS for text in found)
        return sorted(found, key=int) if numbers else found

    @property
    def fingerprint(self) -> str:
        """SHA-256 over inputs and outputs in order; equal data have equal fingerprints."""
        digest = hashlib.sha256()
        for row in self.rows:
            line = json.dumps([row.input, row.output], ensure_ascii=False)
            digest.update(f"{line}\n".encode())
        return digest.hexdigest()

    def labelled_with(self, labels: LabelSet) -> Dataset:
        """Return these rows with the names of ``labels`` as outputs.

        A row may have a form of a label in place of its name; another output is refused.

        Raises:
            DatasetError: the message names the row.
        """
        rule, (text, label) = RowRule(*self.columns, labels, chat=self.chat), self.columns
        rows = tuple(
            rule.row(f"{self.source}, row {number}", {text: row.input, label: row.output})
            for number, row in enumerate(self.rows)
        )
        return self.model_copy(update={"rows": rows})


Placed = tuple[str, Any]
"""A record behind its place."""


@dataclass(frozen=True, slots=True)
class Reread:
    """Records that are read from their source whenever they are iterated, so that none is held."""

    read: Callable[[], Iterator[Placed]]

    def __iter__(self) -> Iterator[Placed]:
        return self.read()


@dataclass(frozen=True, slots=True)
class Table:
    """The records of a source before any check, each with its place, such as ``a.csv, line 3``."""

    source: str
    records: Iterable[Placed]
    """They may be iterated several times."""
    notes: tuple[str, ...] = ()
    class_names: Mapping[str, list[str]] = field(default_factory=dict)
    """The names of the classes of columns that hold class numbers (``datasets.ClassLabel``)."""
    chat: bool = False
    """Whether the records were made of rows in the chat format."""


@dataclass(frozen=True, slots=True)
class RowRule:
    """The rule by which a record becomes a row."""

    input_field: str
    output_field: str
    labels: LabelSet | None = None
    """If given, every output must be one of them, or a form of one."""
    labelled: bool | None = True
    """Whether the output is required; None: it is optional."""
    class_names: Mapping[str, list[str]] = field(default_factory=dict)
    chat: bool = False
    """Whether the fields were made of ``messages``, which the errors then name."""

    def row(self, where: str, record: Any) -> Row:
        """Make a row of ``record``.

        Raises:
            DatasetError: a field is missing or wrong; the message names ``where`` and the field.
        """
        if not isinstance(record, dict):
            raise DatasetError(
                f"{where}: expected an object with {self.input_field!r}, found {record!r:.60}. "
                "Correct the row, or remove it"
            )
        text = self._field(where, record, self.input_field)
        if text is None:
            refuse_missing(where, self.input_field)
        if not isinstance(text, str) or not text.strip():
            raise DatasetError(
                f"{where}, field {self._shown(self.input_field)}: must be text that is not empty, "
                f"found {text!r:.60}. Correct the row, or remove it"
            )
        refuse_halves(where, self._shown(self.input_field), text)
        optional = self.labelled is None and _blank(record.get(self.output_field))
        if self.labelled is False or optional:
            return Row(input=text)
        return Row(input=text, output=self._label(where, record))

    def _shown(self, name: str) -> str:
        """Return the name of a field as the source has it, for messages."""
        if not self.chat:
            return quoted(name)
        role = "user" if name == self.input_field else "assistant"
        return f"'messages', content of the {role}"

    def _field(self, where: str, record: Mapping[Any, Any], name: str) -> Any:
        if name not in record:
            raise ColumnError(
                f"{where}: no field {name!r:.60}; it has {shown(map(str, record)) or 'none'}."
                f"{near_misses(name, map(str, record))}",
                "input_field" if name == self.input_field else "output_field",
            )
        return record[name]

    def _label(self, where: str, record: Mapping[Any, Any]) -> str:
        name = self.output_field
        field = self._shown(name)
        text = _label_text(where, field, self._named(where, self._field(where, record, name)))
        label = text if self.labels is None else self.labels.of_row(text)
        if label is None:
            labels = list(self.labels or ())
            raise DatasetError(
                f"{where}, field {field}: {text!r:.60} is not one of the labels "
                f"{shown(labels)}.{near_misses(text, labels)} "
                "Correct the row, or add the label to 'labels'"
            )
        return label

    def _named(self, where: str, value: Any) -> Any:
        """Return the name of a class number, or ``value`` if the column holds no class numbers."""
        names = self.class_names.get(self.output_field)
        if names is None or not isinstance(value, int):
            return value
        if not 0 <= value < len(names):
            raise DatasetError(
                f"{where}, field {self.output_field!r:.60}: {value} is not a class number (0 to "
                f"{len(names) - 1}). Remove the row if it has no label"
            )
        return names[value]


def shown(names: Iterable[str], limit: int = 12) -> str:
    """Return the first ``limit`` names in quotes, long ones cut, and the number of the others."""
    listed = list(names)
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(f"{name!r:.60}" for name in listed[:limit]) + more


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _label_text(where: str, field: str, value: Any) -> str:
    if isinstance(value, str) and value.strip():
        refuse_halves(where, field, value)
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    remedy = ""
    if isinstance(value, float) and value.is_integer():
        remedy = "; in pandas: astype(int)"
    raise DatasetError(
        f"{where}, field {field}: {value!r:.60} is not a label; it must be text or a whole "
        f"number. Correct the row, or remove it{remedy}"
    )


def refuse_missing(where: str, field: str) -> None:
    """Refuse a record that has no value in ``field``.

    Raises:
        DatasetError: always.
    """
    raise DatasetError(
        f"{where}, field {field!r:.60}: the value is missing (None). Fill it in, or remove the "
        f"row; in pandas: dropna(subset=[{field!r}])"
    )


def quoted(field: str) -> str:
    """Return the name of a field for a message, a long one cut."""
    return f"{field!r:.60}"


def refuse_halves(where: str, field: str, text: str) -> None:
    """Refuse ``text`` if it has half of a surrogate pair; ``field`` is its field as shown.

    Raises:
        DatasetError: the message names ``where``, the field and the character.
    """
    # JSON allows half of a surrogate pair, as in an emoji that was cut. No file can hold it.
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            f"{where}, field {field}: character {error.start}, {text[error.start]!r}, is "
            "half of an emoji or of another character. Was the text cut there? Remove it"
        ) from None
