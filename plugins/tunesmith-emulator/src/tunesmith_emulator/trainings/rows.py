"""Reads the training rows of an uploaded file. Errors name the file and the row."""

from __future__ import annotations

from pathlib import Path

from tunesmith.dataset import Dataset, parse_rows
from tunesmith.errors import DatasetError
from tunesmith.labels import LabelSet
from tunesmith.records import Row


def read_rows(name: str, file: Path, limit: int) -> Dataset:
    """Return the rows of an uploaded JSON array or JSON Lines file.

    Args:
        name: the client's name of the file, for errors.
        file: the stored bytes.
        limit: the largest number of rows.

    Raises:
        DatasetError: the file or a row is wrong; the message names both.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{name}: not UTF-8 text: {error.reason} at byte {error.start}"
        ) from None
    rows = parse_rows(text, name, labelled=True)
    if len(rows) > limit:
        raise DatasetError(f"{name}: {len(rows)} rows; a tuning takes at most {limit}")
    # Labels are compared without white space at their ends, so it is removed before tuning.
    return rows.model_copy(update={"rows": tuple(_stripped(row) for row in rows.rows)})


def labels_of(rows: Dataset) -> LabelSet:
    """Return the distinct outputs as labels, because requests name no labels.

    Raises:
        DatasetError: all outputs are the same.
    """
    outputs = sorted({str(row.output) for row in rows.rows})
    if len(outputs) < 2:
        raise DatasetError(
            f"{rows.source}: every output is {outputs[0]!r}; give rows of at least two outputs"
        )
    return LabelSet.model_validate(outputs)


def _stripped(row: Row) -> Row:
    return Row(input=row.input, output=str(row.output).strip())
