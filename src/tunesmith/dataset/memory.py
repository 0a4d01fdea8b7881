"""Rows that are in memory: lists, columns, DataFrames, and Datasets of Hugging Face."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunesmith.dataset.files import of_hugging_face
from tunesmith.dataset.reading import INPUT, OUTPUT, Fields, rows_of
from tunesmith.dataset.rows import Dataset, Table
from tunesmith.errors import DatasetError
from tunesmith.labels import LabelSet
from tunesmith.records import Row

ACCEPTED = (
    "a list of {'input': TEXT, 'output': LABEL}, a list of (TEXT, LABEL), a pair of lists "
    "(TEXTS, LABELS), a dict of columns, a DataFrame, or a datasets.Dataset"
)


def dataset_of(
    value: Any,
    name: str = "rows",
    *,
    input_field: str = INPUT,
    output_field: str = OUTPUT,
    labels: LabelSet | None = None,
    labelled: bool | None = True,
) -> Dataset:
    """Make a dataset of rows in memory.

    Args:
        value: a list of mappings, of (text, label) pairs, of ``Row`` or, without labels, of texts;
            a pair of lists; a mapping of columns; a DataFrame of pandas or polars; a table of
            pyarrow; or a ``datasets.Dataset``.
        name: the name of the value in notes and errors.
        input_field: as for ``load_dataset``.
        output_field: as for ``load_dataset``.
        labels: as for ``load_dataset``.
        labelled: as for ``load_dataset``.

    Raises:
        DatasetError: another type of object, or a row is wrong; the message names row and column.
    """
    if isinstance(value, Dataset):
        return value
    table = _table(value, name)
    return rows_of(table, Fields(input_field, output_field), labels, labelled)


def _table(value: Any, name: str) -> Table:
    kind = type(value).__name__
    source = f"{name} ({kind})"
    if isinstance(value, Mapping) and hasattr(value, "num_rows"):
        parts = ", ".join(map(repr, value))
        raise DatasetError(
            f"{source}: it has the parts {parts}; give one of them, such as "
            f"dataset[{next(iter(value))!r}]"
        )
    if hasattr(value, "features") and hasattr(value, "column_names"):
        return of_hugging_face(source, value)
    if hasattr(value, "to_pylist"):
        return _records(source, value.to_pylist())
    if hasattr(value, "iter_rows") and hasattr(value, "columns"):
        return _records(source, value.iter_rows(named=True))
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return _columns(source, _of_pandas(source, value))
    if isinstance(value, Mapping):
        return _columns(source, value)
    pair = isinstance(value, tuple) and len(value) == 2
    if pair and not isinstance(value[0], str | Mapping | Row):
        return _columns(source, {"input": value[0], "output": value[1]})
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return _records(source, value)
    raise DatasetError(f"{source}: not rows; give {ACCEPTED}")


def _records(source: str, values: Iterable[Any]) -> Table:
    return Table(source, [(f"{source}, row {i}", _record(one)) for i, one in enumerate(values)])


def _record(value: Any) -> Any:
    if isinstance(value, Row):
        return {"input": value.input, "output": value.output}
    if isinstance(value, str) or _is_missing(value):
        return {"input": _plain(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and len(value) == 2:
        return {"input": _plain(value[0]), "output": _plain(value[1])}
    return value


def _of_pandas(source: str, frame: Any) -> dict[str, list[Any]]:
    names = [str(name) for name in frame.columns]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DatasetError(f"{source}: two columns are named {twice!r}; rename one")
    return {name: frame.iloc[:, place].tolist() for place, name in enumerate(names)}


def _columns(source: str, columns: Mapping[Any, Iterable[Any]]) -> Table:
    lists = {str(name): [_plain(one) for one in values] for name, values in columns.items()}
    sizes = {name: len(values) for name, values in lists.items()}
    if len(set(sizes.values())) > 1:
        raise DatasetError(f"{source}: the columns have unequal lengths: {sizes}")
    rows = zip(*lists.values(), strict=True)
    return _records(source, (dict(zip(lists, row, strict=True)) for row in rows))


def _plain(value: Any) -> Any:
    """Return a scalar of numpy as Python's, and a missing value of any library as None."""
    if not isinstance(value, str | int | float | list | dict) and hasattr(value, "item"):
        value = value.item()
    return None if _is_missing(value) else value


def _is_missing(value: Any) -> bool:
    names = ("NoneType", "NAType", "NaTType")
    # Only NaN differs from itself.
    return type(value).__name__ in names or (isinstance(value, float) and value != value)
