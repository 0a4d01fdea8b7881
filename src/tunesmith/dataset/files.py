"""The records of a file or of the hub, by format."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunesmith.dataset.delimited import read_csv, read_tsv
from tunesmith.dataset.rows import HUB, Placed, Reread, Table
from tunesmith.dataset.text import Text
from tunesmith.errors import DatasetError, PluginError, io_problem, near_misses, unreadable

BATCH = 1000
"""Rows of a parquet file in memory at one time."""
BUFFER = 2**16
"""Bytes of a column of it that are read at one time."""


def read_table(source: str) -> Table:
    """Return the records of ``source``, a file or ``hf:NAME[:SPLIT]``.

    They are read from it at each iteration, and only a JSON array is held.

    Raises:
        DatasetError: no such file, an unknown format, or a place in the file is wrong.
        PluginError: the package ``datasets``, which reads parquet and the hub, is not installed.
    """
    if source.startswith(HUB):
        return _hub(source)
    path = Path(source)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DatasetError(f"{source}: unknown format; expected {', '.join(SUFFIXES)} or hf:NAME")
    if not path.is_file():
        near = near_misses(path.name, (p.name for p in path.parent.glob("*.*")))
        raise DatasetError(f"{source}: no such file.{near}")
    if suffix == PARQUET:
        return _parquet(source)
    text = Text(source)
    if text.is_blank():
        raise DatasetError(f"{source}: the file is empty. Write rows into it, or name another")
    return _READERS[suffix](text)


def decoded(source: str, content: bytes) -> str:
    """Return the text of ``content``, which is UTF-8, with or without a mark at its beginning.

    Raises:
        DatasetError: it is not; the message names ``source`` and the place.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(unreadable(error, source)) from None


def read_json(text: Text) -> Table:
    """Read a JSON array of objects."""
    source = text.source
    try:
        value = _parsed(text.whole())
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"{source}: not JSON: {error}. Correct it; if it has one object a line, name it .jsonl"
        ) from None
    except ValueError as error:
        raise DatasetError(f"{source}: {error}") from None
    if not isinstance(value, list):
        raise DatasetError(
            f"{source}: expected a JSON array of objects, found {value!r:.60}. Write [ before the "
            "rows and ] after them"
        )
    return Table(source, [(f"{source}, row {i}", record) for i, record in enumerate(value)])


def read_json_lines(text: Text) -> Table:
    """Read one JSON object a line."""
    return Table(text.source, Reread(lambda: _json_lines(text.source, text)))


def _json_lines(source: str, text: Text) -> Iterator[Placed]:
    for number, line in enumerate(text.lines(), 1):
        if line.strip():
            try:
                yield f"{source}, line {number}", _parsed(line)
            except json.JSONDecodeError as error:
                raise DatasetError(
                    f"{source}, line {number}: not JSON: {error}. Write one object on one line"
                ) from None
            except ValueError as error:
                raise DatasetError(f"{source}, line {number}: {error}") from None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_int=_whole_number)
    except RecursionError:
        raise ValueError(
            "too many brackets inside each other; write a row as an object with texts"
        ) from None


def _whole_number(digits: str) -> int:
    # Python refuses to convert more digits, because it would take long.
    if len(digits) > sys.int_info.default_max_str_digits:
        raise ValueError(f"a number has {len(digits)} digits; write it in quotes")
    return int(digits)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        first, second = [value for key, value in pairs if key == twice][:2]
        raise ValueError(
            f"an object has the key {twice!r:.60} twice, with {first!r:.40} and {second!r:.40}; "
            "keep one"
        )
    return found


def _datasets(source: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise PluginError(
            f"{source}: needs the package datasets; install it with: "
            "pip install 'tunesmith[datasets]'"
        ) from None
    return datasets


def _parquet(source: str) -> Table:
    # Not Dataset.from_parquet: it writes a copy to the cache of the package.
    dataset = _datasets(source).Dataset
    with _parquet_file(source) as file:
        table = of_hugging_face(source, dataset(file.schema_arrow.empty_table()))
    return replace(table, records=Reread(lambda: _parquet_rows(source, dataset)))


def _parquet_rows(source: str, dataset: Callable[[Any], Any]) -> Iterator[Placed]:
    from pyarrow import Table as Arrow  # type: ignore[import-untyped]  # it has no stubs

    number = 0
    with _parquet_file(source) as file:
        for batch in file.iter_batches(BATCH):
            for record in dataset(Arrow.from_batches([batch])):
                yield f"{source}, row {number}", dict(record)
                number += 1


@contextmanager
def _parquet_file(source: str) -> Iterator[Any]:
    from pyarrow import parquet

    try:
        # Otherwise pyarrow reads the columns of a group of rows, often all rows, as a whole.
        with parquet.ParquetFile(source, buffer_size=BUFFER, pre_buffer=False) as file:
            yield file
    except Exception as error:  # noqa: BLE001  # pyarrow raises many kinds
        if isinstance(error, OSError) and error.errno:
            raise DatasetError(io_problem(error, source)) from None
        raise DatasetError(
            f"{source}: cannot be read as parquet: {error}. Check that the file is whole, or save "
            "the rows as .jsonl"
        ) from None


def _hub(source: str) -> Table:
    load_from_hub = _datasets(source).load_dataset
    name, _, split = source.removeprefix(HUB).partition(":")
    try:
        table = load_from_hub(name, split=split or "train")
    except Exception as error:  # noqa: BLE001  # network, missing repository, unknown split
        if isinstance(error, OSError) and error.errno:
            where = "the environment variable HF_HOME names the folder of downloads"
            raise DatasetError(f"{source}: {io_problem(error)}; {where}") from None
        raise DatasetError(
            f"{source}: cannot be loaded from the Hugging Face hub: {error}. "
            "Without a network, download it first and give its file"
        ) from None
    return of_hugging_face(source, table)


def of_hugging_face(source: str, table: Any) -> Table:
    """Return the records of a ``datasets.Dataset``, with the names of its classes."""
    features = getattr(table, "features", None) or {}
    return Table(
        source,
        Reread(lambda: ((f"{source}, row {i}", dict(row)) for i, row in enumerate(table))),
        class_names={
            column: list(feature.names)
            for column, feature in features.items()
            if hasattr(feature, "int2str")
        },
    )


PARQUET = ".parquet"
_READERS: dict[str, Callable[[Text], Table]] = {
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".csv": read_csv,
    ".tsv": read_tsv,
}
SUFFIXES = (*_READERS, PARQUET)
