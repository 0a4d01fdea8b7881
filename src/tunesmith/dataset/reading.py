"""Read and check rows. Every error names the file, the row and the field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith.dataset.chat import MESSAGES, chat_rows, has_messages
from tunesmith.dataset.columns import find_label, find_text
from tunesmith.dataset.files import read_json, read_json_lines, read_table
from tunesmith.dataset.rows import Dataset, RowRule, Table
from tunesmith.dataset.streamed import StreamedRows
from tunesmith.dataset.text import Text
from tunesmith.errors import DatasetError
from tunesmith.labels import LabelSet
from tunesmith.records import Row

INPUT, OUTPUT = "input", "output"


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns of text and label. If the defaults are not there, others are found."""

    input: str = INPUT
    output: str = OUTPUT


def load_dataset(
    source: str,
    *,
    input_field: str = INPUT,
    output_field: str = OUTPUT,
    labels: LabelSet | None = None,
    labelled: bool | None = True,
) -> Dataset:
    """Read ``source`` and check every row.

    Args:
        source: a ``.json`` (array of objects), ``.jsonl``, ``.ndjson``, ``.csv``, ``.tsv`` or
            ``.parquet`` file, or ``hf:NAME[:SPLIT]`` on the Hugging Face hub. Rows may also be in
            the chat format of OpenAI's fine-tuning files, with ``messages``.
        input_field: the column that holds the text; by default ``input``, or the one column that
            can be the text by its name and content.
        output_field: the column that holds the label; by default ``output``, or the one column
            that can be the label.
        labels: if given, every output must be one of them or a form of one, and becomes its name.
        labelled: whether the output column is required; None: labels are optional.

    Raises:
        DatasetError: the file or a row of it is wrong; the message names both.
        PluginError: the package ``datasets``, which reads parquet and the hub, is not installed.
    """
    return rows_of(read_table(source), Fields(input_field, output_field), labels, labelled)


def parse_rows(
    text: str,
    source: str,
    *,
    input_field: str = INPUT,
    output_field: str = OUTPUT,
    labelled: bool = False,
) -> Dataset:
    """Read rows from ``text``: a JSON array, JSON lines or, without labels, one input per line.

    Raises:
        DatasetError: the text or a row of it is wrong; the message names ``source`` and the row.
    """
    table = table_of_text(text, source, None if labelled else input_field)
    return rows_of(table, Fields(input_field, output_field), None, labelled)


def table_of_text(text: str, source: str, field: str | None) -> Table:
    """Return the records of a JSON array, of JSON lines, or of lines with one text each.

    A line becomes a record with ``field``; None: lines are refused.

    Raises:
        DatasetError: a place in the text is wrong; the message names it.
    """
    stripped, readable = text.lstrip(), Text(source, text)
    if _is_json_array(stripped):
        return read_json(readable)
    if stripped.startswith("{"):
        return read_json_lines(readable)
    if field is None and stripped:
        raise DatasetError(f"{source}: write a JSON array or JSON lines of input and output")
    lines = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
    return Table(source, [(f"{source}, line {i}", {field: x}) for i, x in enumerate(lines, 1)])


def _is_json_array(text: str) -> bool:
    """Return whether ``text`` is one, or begins as one of objects; a text may begin with [tag]."""
    if re.match(r"\[\s*[{\]]", text):
        return True
    try:
        return text.startswith("[") and isinstance(json.loads(text), list)
    except ValueError:
        return False


def rows_of(
    table: Table, fields: Fields, labels: LabelSet | None, labelled: bool | None
) -> Dataset:
    """Make rows of the records of ``table``.

    Raises:
        DatasetError: a record is wrong, or the columns are not clear.
    """
    streamed, rows = streamed_rows(table, fields, labels, labelled), list[Row]()
    streamed.check(rows.append)
    return Dataset(
        source=table.source,
        rows=tuple(rows),
        notes=streamed.notes,
        columns=streamed.columns,
        chat=streamed.chat,
    )


def streamed_rows(
    table: Table, fields: Fields, labels: LabelSet | None, labelled: bool | None
) -> StreamedRows:
    """Return the rows of ``table``, which are not checked yet; the arguments are as for rows_of.

    Raises:
        DatasetError: there are no rows, or the columns are not clear.
    """
    given, first = table, next(iter(table.records), None)
    if first is None:
        raise DatasetError(f"{table.source}: no rows; add at least one")
    if has_messages(first[1]) and fields.input not in set(first[1]) - {MESSAGES}:
        table = chat_rows(table, answered=labelled)
        fields = Fields()
    rule, notes = _rule(table, fields, labels, labelled)
    return StreamedRows(table, rule, notes, given)


def _rule(
    table: Table, fields: Fields, labels: LabelSet | None, labelled: bool | None
) -> tuple[RowRule, tuple[str, ...]]:
    """Return the rule for rows, with the columns that were found, and a note that names these."""
    records = _Mappings(table)
    first: Mapping[Any, Any] = next(iter(records), {})
    text, label, found = fields.input, fields.output, []
    if text == INPUT and text not in first:
        text = find_text(table.source, records, label)
        found.append(f"the text is column {text!r}")
    if label == OUTPUT and label not in first and labelled is not False:
        label = find_label(table.source, records, text)
        found.append(f"the label is column {label!r}")
    missing = {text, label} - set(first) - ({OUTPUT} if labelled is False else set())
    notes = (f"{table.source}: {', '.join(found)}",) if found and not missing else ()
    rule = RowRule(text, label, labels, labelled, table.class_names, table.chat)
    return rule, notes


@dataclass(frozen=True, slots=True)
class _Mappings:
    """The records that have columns."""

    table: Table

    def __iter__(self) -> Iterator[Mapping[Any, Any]]:
        return (record for _, record in self.table.records if isinstance(record, Mapping))
