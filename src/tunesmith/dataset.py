"""Read, check and split data. Every error names the file, the row and the field."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import field_validator

from tunesmith.errors import DatasetError, ExperimentError, PluginError, near_misses
from tunesmith.labels import LabelSet
from tunesmith.records import Record, Row
from tunesmith.splits import stratified_part

HUB = "hf:"
SUFFIXES = (".json", ".jsonl", ".csv", ".parquet")


class Dataset(Record):
    """Rows and their source."""

    source: str
    """The file, or ``hf:NAME[:SPLIT]``."""
    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def inputs(self) -> list[str]:
        """The inputs, in order."""
        return [row.input for row in self.rows]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over inputs and outputs in order; equal data have equal fingerprints."""
        lines = (json.dumps([row.input, row.output], ensure_ascii=False) for row in self.rows)
        return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def load_dataset(
    source: str,
    *,
    input_field: str = "input",
    output_field: str = "output",
    labels: LabelSet | None = None,
    labelled: bool | None = True,
) -> Dataset:
    """Read ``source`` and check every row.

    Args:
        source: a ``.json`` (array of objects), ``.jsonl``, ``.csv`` or ``.parquet`` file, or
            ``hf:NAME[:SPLIT]`` on the Hugging Face hub.
        input_field: the column that holds the text.
        output_field: the column that holds the label.
        labels: if given, every output must be one of them.
        labelled: whether the output column is required; None: labels are optional.

    Raises:
        DatasetError: the file or a row of it is wrong; the message names both.
        PluginError: the package ``datasets``, which reads parquet and the hub, is not installed.
    """
    remedy = " Set data.input_field or data.output_field for other names"
    rows = tuple(
        _row(where, record, input_field, output_field, labels, labelled, remedy)
        for where, record in _records(source)
    )
    if not rows:
        raise DatasetError(f"{source}: no rows; expected objects with {input_field!r}")
    return Dataset(source=source, rows=rows)


def parse_rows(
    text: str, source: str, *, input_field: str = "input", labelled: bool = False
) -> Dataset:
    """Read rows from ``text``: a JSON array, JSON lines or, without labels, one input per line.

    Raises:
        DatasetError: the text or a row of it is wrong; the message names ``source`` and the row.
    """
    stripped = text.lstrip()
    if stripped.startswith("["):
        records = _json(source, text)
    elif stripped.startswith("{"):
        records = _json_lines(source, text)
    elif labelled and stripped:
        raise DatasetError(f"{source}: expected a JSON array or JSON lines of input and output")
    else:
        lines = [line for line in text.splitlines() if line.strip()]
        records = ((f"{source}, line {i}", {input_field: x}) for i, x in enumerate(lines, 1))
    rows = tuple(_row(w, r, input_field, "output", None, labelled) for w, r in records)
    if not rows:
        raise DatasetError(f"{source}: no rows")
    return Dataset(source=source, rows=rows)


def check_training_rows(data: Dataset, labels: LabelSet) -> None:
    """Refuse training rows that hold fewer than two classes.

    Raises:
        DatasetError: all rows have one label; the message names it and those that are missing.
    """
    counts = Counter(row.output for row in data.rows)
    if len(counts) < 2:
        missing = ", ".join(repr(label) for label in labels if label not in counts)
        raise DatasetError(
            f"{data.source}: all {len(data)} rows have the output {data.rows[0].output!r}; "
            f"a classifier needs rows of other labels too ({missing})"
        )


def stratified_split(data: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Split off ``fraction`` of the rows, every label in proportion, rows in file order.

    Rows with equal input stay in one part. A copy of a training row never validates it.

    Raises:
        DatasetError: a label has too few distinct rows.
    """
    firsts: dict[str, str | None] = {}
    for row in data.rows:
        firsts.setdefault(row.input, row.output)
    inputs = list(firsts)
    try:
        drawn = stratified_part([str(firsts[i]) for i in inputs], fraction, seed)
    except ValueError as error:
        raise DatasetError(
            f"{data.source}: cannot split off {fraction:g} of {len(inputs)} distinct rows with "
            f"every label in it ({error}); give data.validation a file or more rows"
        ) from None
    chosen = {inputs[row] for row in drawn}
    rest = tuple(row for row in data.rows if row.input not in chosen)
    part = tuple(row for row in data.rows if row.input in chosen)
    name = f"{data.source} ({fraction:g})"
    return Dataset(source=data.source, rows=rest), Dataset(source=name, rows=part)


def stratified_sample(rows: Sequence[Row], size: int, seed: int) -> list[Row]:
    """Draw at most ``size`` rows, every label in turn, the same for the same seed."""
    rng = random.Random(seed)
    by_label: dict[str | None, list[Row]] = {}
    for row in rows:
        by_label.setdefault(row.output, []).append(row)
    shuffled = [rng.sample(group, len(group)) for group in by_label.values()]
    turns = (group[turn] for turn in range(size) for group in shuffled if turn < len(group))
    return list(islice(turns, size))


def few_shot_examples(
    rows: Sequence[Row], labels: LabelSet, per_label: int, seed: int
) -> list[Row]:
    """Draw ``per_label`` rows of every label, interleaved, the same for the same seed.

    Raises:
        DatasetError: a label has fewer rows than that.
    """
    rng = random.Random(seed)
    drawn = []
    for label in labels:
        own = [row for row in rows if row.output == label]
        if len(own) < per_label:
            raise DatasetError(
                f"few_shot: {per_label} examples of {label!r} asked for, "
                f"{len(own)} training rows have it"
            )
        drawn.append(rng.sample(own, per_label))
    return [row for group in zip(*drawn, strict=True) for row in group]


def _row(
    where: str,
    record: Any,
    input_field: str,
    output_field: str,
    labels: LabelSet | None,
    labelled: bool | None,
    remedy: str = "",
) -> Row:
    if not isinstance(record, dict):
        raise DatasetError(
            f"{where}: expected an object with {input_field!r}, found {record!r:.60}"
        )
    for field in (input_field, output_field) if labelled else (input_field,):
        if field not in record:
            raise DatasetError(
                f"{where}: no field {field!r}; it has {', '.join(map(repr, record)) or 'none'}."
                f"{near_misses(field, map(str, record))}{remedy}"
            )
    text = record[input_field]
    if not isinstance(text, str) or not text.strip():
        raise DatasetError(f"{where}, field {input_field!r}: must be text that is not empty")
    value = record.get(output_field)
    blank = value is None or (isinstance(value, str) and not value.strip())
    if labelled is False or (labelled is None and blank):
        return Row(input=text)
    if blank or isinstance(value, bool) or not isinstance(value, str | int):
        raise DatasetError(
            f"{where}, field {output_field!r}: {value!r} is not a label; it must be text"
        )
    output = str(value)
    if labels is not None and output not in labels:
        raise DatasetError(
            f"{where}, field {output_field!r}: {output!r} is not one of the labels "
            f"{', '.join(map(repr, labels))}.{near_misses(output, labels)} "
            "Correct the row, or add the label to 'labels'"
        )
    return Row(input=text, output=output)


def _records(source: str) -> Iterator[tuple[str, Any]]:
    if source.startswith(HUB):
        return _table(source)
    path = Path(source)
    if path.suffix not in SUFFIXES:
        raise DatasetError(f"{source}: unknown format; expected {', '.join(SUFFIXES)} or hf:NAME")
    if not path.is_file():
        near = near_misses(path.name, (p.name for p in path.parent.glob("*.*")))
        raise DatasetError(f"{source}: no such file.{near}")
    if path.suffix == ".parquet":
        return _table(source)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{source}: cannot be read as UTF-8 text: {error}") from None
    if not text.strip():
        raise DatasetError(f"{source}: the file is empty")
    return {".json": _json, ".jsonl": _json_lines, ".csv": _csv}[path.suffix](source, text)


def _json(source: str, text: str) -> Iterator[tuple[str, Any]]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"{source}: not JSON: {error}. Is it JSON lines? Name it .jsonl"
        ) from None
    if not isinstance(value, list):
        raise DatasetError(f"{source}: expected a JSON array of objects, found an object or value")
    return ((f"{source}, row {i}", record) for i, record in enumerate(value))


def _json_lines(source: str, text: str) -> Iterator[tuple[str, Any]]:
    # Not str.splitlines: it also splits at U+2028 and others, which JSON allows in a text.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"{source}, line {number}", json.loads(line)
            except json.JSONDecodeError as error:
                raise DatasetError(f"{source}, line {number}: not JSON: {error}") from None


def _csv(source: str, text: str) -> Iterator[tuple[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for record in reader:
            # DictReader stores surplus fields under the key None, and missing fields as None.
            if None in record or None in record.values():
                raise DatasetError(
                    f"{source}, line {reader.line_num}: not {len(reader.fieldnames or ())} "
                    "columns; quote a field that holds a comma"
                )
            yield f"{source}, line {reader.line_num}", record
    except csv.Error as error:
        raise DatasetError(f"{source}, line {reader.line_num}: not CSV: {error}") from None


def _table(source: str) -> Iterator[tuple[str, Any]]:
    """Read a parquet file or the hub with the package ``datasets``, which is optional."""
    try:
        import datasets
    except ImportError:
        raise PluginError(
            f"{source}: needs the package datasets; install it with: "
            "pip install 'tunesmith[datasets]'"
        ) from None
    name, _, split = source.removeprefix(HUB).partition(":")
    try:
        if source.startswith(HUB):
            table = datasets.load_dataset(name, split=split or "train")
        else:
            table = datasets.Dataset.from_parquet(source, keep_in_memory=True)
    except Exception as error:  # noqa: BLE001  # pyarrow and the network raise many kinds
        if not source.startswith(HUB):
            raise DatasetError(f"{source}: not a parquet file: {error}") from None
        raise DatasetError(
            f"{source}: cannot be loaded from the Hugging Face hub: {error}. "
            "Without a network, download it first and give its file"
        ) from None
    return ((f"{source}, row {i}", dict(record)) for i, record in enumerate(table))


class DataSpec(Record):
    """The sources of the rows: paths, or ``hf:NAME[:SPLIT]`` for the Hugging Face hub."""

    train: str
    test: str | None = None
    validation: float | str | None = None
    """A fraction of the training rows (seeded, stratified), or a separate file."""
    input_field: str = "input"
    output_field: str = "output"

    @field_validator("validation")
    @classmethod
    def _fraction(cls, value: float | str | None) -> float | str | None:
        if isinstance(value, float) and not 0 < value < 1:
            raise ValueError("must be a fraction between 0 and 1, or a file")
        return value

    def read(
        self, source: str, labels: LabelSet | None = None, *, labelled: bool | None = True
    ) -> Dataset:
        """Read ``source`` with the columns of this spec, as :func:`load_dataset` does."""
        fields = {"input_field": self.input_field, "output_field": self.output_field}
        return load_dataset(source, labels=labels, labelled=labelled, **fields)

    def relative_to(self, folder: Path) -> DataSpec:
        """Return the same data with relative paths taken from ``folder``."""
        changes = {
            name: str(folder / value)
            for name in ("train", "test", "validation")
            if isinstance(value := getattr(self, name), str) and not value.startswith(HUB)
        }
        return self.model_copy(update=changes)


@dataclass(frozen=True, slots=True)
class ExperimentData:
    """The rows of an experiment. ``test`` is None if only tuning was asked for."""

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    training_file: Dataset
    """The rows of the training file; if ``validation`` is a fraction, they include its rows."""

    def parts(self) -> dict[str, Dataset]:
        """Return the existing parts by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}

    def test_rows(self) -> Dataset:
        """Return the test rows.

        Raises:
            ExperimentError: the experiment has none.
        """
        if self.test is None:
            raise ExperimentError("data.test: no test file; a run needs one to evaluate on")
        return self.test


def load_data(spec: DataSpec, labels: LabelSet, seed: int, *, test: bool = True) -> ExperimentData:
    """Load, check and split the data that ``spec`` names.

    Raises:
        DatasetError: a file or a row is wrong.
        ExperimentError: ``test`` is True and ``spec`` names no test file.
    """
    training_file = train = spec.read(spec.train, labels)
    check_training_rows(train, labels)
    validation = None
    if isinstance(spec.validation, str):
        validation = spec.read(spec.validation, labels)
    elif spec.validation is not None:
        train, validation = stratified_split(train, spec.validation, seed)
    held_out = spec.read(spec.test, labels) if spec.test is not None else None
    data = ExperimentData(train, validation, held_out, training_file)
    if test:
        data.test_rows()
    return data
