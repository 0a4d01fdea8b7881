"""The rows of the screening: all are training rows of the published files; no test row is read."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.proof.rows import prepare, sample
from tests.benchmarks.proof.sizes import DATA_SETS, DataSet, Rows
from tests.benchmarks.proof.steps import spoken

from tunesmith.dataset import load_dataset
from tunesmith.labels import LabelSet
from tunesmith.records import Row

TRAIN, VALIDATION = 300, 200
INTENTS = {"banking77": 10}


@dataclass(frozen=True, slots=True)
class Task:
    """One data set, split into validation rows and a pool of training rows."""

    data: DataSet
    labels: LabelSet
    validation: Sequence[Row]
    """The same for all seeds and all starts."""
    pool: Sequence[Row]

    def train(self, seed: int) -> list[Row]:
        """Return the training rows of a seed; they are the same for all starts."""
        rows = list(self.pool)
        random.Random(seed).shuffle(rows)
        return sample(rows, TRAIN)


def tasks(places: Sequence[Path], folder: Path) -> list[Task]:
    """Return the data sets of the proof.

    Args:
        places: folders that may hold the published files.
        folder: where the verified files go.

    Raises:
        NoData: a data set is in none of them.
    """
    return [_task(what, places, folder / what.name) for what in DATA_SETS]


def _task(what: DataSet, places: Sequence[Path], folder: Path) -> Task:
    wanted = Rows(train=None, test=None, labels=INTENTS.get(what.name))
    files = prepare(what, wanted, places, folder)
    rows = _distinct(load_dataset(str(files.train)).rows)
    validation = sample(rows, VALIDATION)
    held_out = {row.input for row in validation}
    pool = [row for row in rows if row.input not in held_out]
    labels = LabelSet.model_validate({label: [spoken(label)] for label in files.labels})
    return Task(what, labels, validation, pool)


def _distinct(rows: Sequence[Row]) -> list[Row]:
    """Return the first row of each text: no text is on both sides of the split."""
    return list({row.input: row for row in reversed(rows)}.values())[::-1]
