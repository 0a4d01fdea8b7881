"""DataSpec: the sources of an experiment's rows. load_data reads, checks and splits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import field_validator, model_validator

from tunesmith.atomic import write_atomically
from tunesmith.dataset.memory import dataset_of
from tunesmith.dataset.reading import INPUT, OUTPUT, load_dataset
from tunesmith.dataset.rows import HUB, Dataset
from tunesmith.dataset.sampling import check_training_rows, stratified_split
from tunesmith.errors import ExperimentError
from tunesmith.labels import LabelSet
from tunesmith.records import Record, json_lines

PARTS = ("train", "test", "validation")
FIELDS = ("input_field", "output_field")


class DataSpec(Record):
    """The sources of the rows: paths, ``hf:NAME[:SPLIT]`` for the Hugging Face hub, or rows.

    In Python, rows in memory may be given in place of a path, in each form that
    ``tunesmith.dataset.dataset_of`` takes. They become a :class:`Dataset`.
    """

    train: str | Dataset
    test: str | Dataset | None = None
    validation: float | str | Dataset | None = None
    """A fraction of the training rows (seeded, stratified), or separate rows."""
    input_field: str = INPUT
    """The column of the text; by default ``input``, or found by its name and content."""
    output_field: str = OUTPUT
    """The column of the label; by default ``output``, or found by its name and content."""

    @model_validator(mode="before")
    @classmethod
    def _rows_in_memory(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        fields = {name: values[name] for name in FIELDS if name in values}
        changes: dict[str, Any] = {}
        for name in PARTS:
            value = values.get(name)
            if isinstance(value, Path):
                changes[name] = str(value)
            elif value is not None and not isinstance(value, str | int | float):
                changes[name] = dataset_of(value, f"data.{name}", **fields)
        return {**values, **changes}

    @field_validator("validation")
    @classmethod
    def _fraction(cls, value: float | str | Dataset | None) -> float | str | Dataset | None:
        if isinstance(value, float) and not 0 < value < 1:
            raise ValueError("must be a fraction between 0 and 1, or a file")
        return value

    def read(
        self,
        source: str | Dataset,
        labels: LabelSet | None = None,
        *,
        labelled: bool | None = True,
    ) -> Dataset:
        """Read ``source`` with the columns of this spec, as :func:`load_dataset` does."""
        if isinstance(source, Dataset):
            return source.labelled_with(labels) if labels else source
        fields = {"input_field": self.input_field, "output_field": self.output_field}
        return load_dataset(source, labels=labels, labelled=labelled, **fields)

    def relative_to(self, folder: Path) -> DataSpec:
        """Return the same data with relative paths taken from ``folder``."""
        changes = {
            name: str(folder / value)
            for name in PARTS
            if isinstance(value := getattr(self, name), str) and not value.startswith(HUB)
        }
        return self.model_copy(update=changes)

    def saved_in(self, folder: Path) -> DataSpec:
        """Write rows in memory to files in ``folder``, and return the same data as paths.

        Raises:
            OSError: the folder cannot be written.
        """
        changes: dict[str, str] = {}
        for name in PARTS:
            value = getattr(self, name)
            if isinstance(value, Dataset):
                folder.mkdir(parents=True, exist_ok=True)
                file = folder / f"{name}.jsonl"
                write_atomically(file, json_lines(value.rows))
                changes[name] = str(file)
        if len(changes) == sum(isinstance(getattr(self, name), str | Dataset) for name in PARTS):
            changes |= dict(zip(FIELDS, (INPUT, OUTPUT), strict=True))
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
            raise ExperimentError("data.test: no test rows; a run needs them to evaluate on")
        return self.test

    @property
    def notes(self) -> tuple[str, ...]:
        """The readers' notes about all parts, without repeats."""
        parts = (self.training_file, self.validation, self.test)
        return tuple(dict.fromkeys(note for part in parts if part for note in part.notes))


def load_data(spec: DataSpec, labels: LabelSet, seed: int, *, test: bool = True) -> ExperimentData:
    """Load, check and split the data that ``spec`` names.

    Raises:
        DatasetError: a file or a row is wrong.
        ExperimentError: ``test`` is True and ``spec`` names no test file.
    """
    training_file = train = spec.read(spec.train, labels)
    check_training_rows(train, labels)
    validation = None
    if isinstance(spec.validation, str | Dataset):
        validation = spec.read(spec.validation, labels)
    elif spec.validation is not None:
        train, validation = stratified_split(train, spec.validation, seed)
    held_out = spec.read(spec.test, labels) if spec.test is not None else None
    data = ExperimentData(train, validation, held_out, training_file)
    if test:
        data.test_rows()
    return data
