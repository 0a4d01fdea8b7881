"""Which data an experiment uses, loaded, checked and split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import field_validator

from tunesmith.dataset import (
    HUB,
    Dataset,
    check_training_rows,
    load_dataset,
    stratified_split,
)
from tunesmith.errors import ExperimentError
from tunesmith.labels import LabelSet
from tunesmith.records import Record


class DataSpec(Record):
    """Where the rows are. A path, or ``hf:NAME[:SPLIT]`` for the Hugging Face hub."""

    train: str
    test: str | None = None
    validation: float | str | None = None
    """A fraction of the training rows (seeded, stratified), or a file of its own."""
    input_field: str = "input"
    output_field: str = "output"

    @field_validator("validation")
    @classmethod
    def _fraction(cls, value: float | str | None) -> float | str | None:
        if isinstance(value, float) and not 0 < value < 1:
            raise ValueError("must be a fraction between 0 and 1, or a file")
        return value

    def relative_to(self, folder: Path) -> DataSpec:
        """Return the same data with relative paths taken from ``folder``."""
        changes = {}
        for name in ("train", "test", "validation"):
            value = getattr(self, name)
            if isinstance(value, str) and not value.startswith(HUB):
                changes[name] = str(folder / value)
        return self.model_copy(update=changes)


@dataclass(frozen=True, slots=True)
class ExperimentData:
    """The rows of an experiment. ``test`` is None where only tuning was asked for."""

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    training_file: Dataset
    """What ``train`` was read from: where ``validation`` is a fraction, both of them."""

    def parts(self) -> dict[str, Dataset]:
        """Return the parts that are there, by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}

    def test_rows(self) -> Dataset:
        """Return the test rows.

        Raises:
            ExperimentError: the experiment names none.
        """
        if self.test is None:
            raise ExperimentError("data.test: no test file; a run needs one to evaluate on")
        return self.test


def load_data(spec: DataSpec, labels: LabelSet, seed: int, *, test: bool = True) -> ExperimentData:
    """Load, check and split what ``spec`` names.

    Raises:
        DatasetError: a file or a row is wrong.
        ExperimentError: ``test`` is asked for and not named.
    """

    def load(source: str) -> Dataset:
        return load_dataset(
            source, input_field=spec.input_field, output_field=spec.output_field, labels=labels
        )

    training_file = train = load(spec.train)
    check_training_rows(train, labels)
    validation = None
    if isinstance(spec.validation, str):
        validation = load(spec.validation)
    elif spec.validation is not None:
        train, validation = stratified_split(train, spec.validation, seed)
    held_out = load(spec.test) if spec.test is not None else None
    data = ExperimentData(train, validation, held_out, training_file)
    if test:
        data.test_rows()
    return data
