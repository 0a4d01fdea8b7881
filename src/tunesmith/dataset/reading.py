"""Read and check rows. Every error names the file, the row and the field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tunesmith.dataset.chat import MESSAGES, chat_rows, has_messages
from tunesmith.dataset.columns import find_label, find_text
from tunesmith.dataset.files import read_json, read_json_lines, read_table
from tunesmith.dataset.rows import Dataset, RowRule, Table, refuse_missing, shown
from tunesmith.errors import DatasetError
from tunesmith.labels import LabelSet

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
    stripped = text.lstrip()
    if _is_json_array(stripped):
        return read_json(source, text)
    if stripped.startswith("{"):
        return read_json_lines(source, text)
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
    records = list(table.records)
    table = replace(table, records=records)
    if not records:
        raise DatasetError(f"{table.source}: no rows; add at least one")
    if has_messages(records[0][1]) and fields.input not in set(records[0][1]) - {MESSAGES}:
        table = chat_rows(table, answered=labelled)
        fields = Fields()
    rule, notes = _rule(table, fields, labels, labelled)
    _check_labels(table, rule)
    rows = tuple(rule.row(where, record) for where, record in table.records)
    return Dataset(
        source=table.source,
        rows=rows,
        notes=(*table.notes, *notes, *_stripped(table, rule)),
        columns=(rule.input_field, rule.output_field),
        chat=table.chat,
    )


def _rule(
    table: Table, fields: Fields, labels: LabelSet | None, labelled: bool | None
) -> tuple[RowRule, tuple[str, ...]]:
    """Return the rule for rows, with the columns that were found, and a note that names these."""
    records = [record for _, record in table.records if isinstance(record, Mapping)]
    first: Mapping[Any, Any] = records[0] if records else {}
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


def _check_labels(table: Table, rule: RowRule) -> None:
    """Refuse a missing label, and labels of which some are numbers and some texts (1, "1")."""
    field = rule.output_field
    pairs = [(w, r[field]) for w, r in table.records if isinstance(r, Mapping) and field in r]
    if rule.labelled is False:
        return
    for where, value in pairs:
        if value is None and rule.labelled:
            refuse_missing(where, field)
    texts = [pair for pair in pairs if isinstance(pair[1], str)]
    numbers = [pair for pair in pairs if isinstance(pair[1], int | float)]
    if texts and numbers:
        (first, text), (second, number) = texts[0], numbers[0]
        raise DatasetError(
            f"{first}, field {field!r:.60}: {text!r:.60} is text, and {number!r} ({second}) is a "
            "number. Write all labels as text; in pandas: astype(str)"
        )


def _stripped(table: Table, rule: RowRule) -> tuple[str, ...]:
    """Return a note about labels that had white space at an end."""
    values = ((where, record.get(rule.output_field)) for where, record in table.records)
    places = [where for where, value in values if isinstance(value, str) and value != value.strip()]
    if rule.labelled is False or not places:
        return ()
    return (
        f"{table.source}: white space at the ends of labels was removed in {len(places)} rows: "
        f"{shown((place.rpartition(', ')[2] for place in places), 3)}",
    )
