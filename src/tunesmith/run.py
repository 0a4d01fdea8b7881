"""Run: one execution of an experiment, with its figures, which can be asked again."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Self

from tunesmith.backend import Backend
from tunesmith.dataset import INPUT, dataset_of
from tunesmith.pipeline.asking import model_of_run, reopen_backend
from tunesmith.progress import Progress
from tunesmith.progress.notebook import fitting
from tunesmith.records import LearningCurve, Prediction
from tunesmith.report.card import card
from tunesmith.runs.judgment import judge
from tunesmith.runs.record import RunRecord
from tunesmith.runs.run import RunDirectory


class Run(RunDirectory):
    """A run directory that can be asked again.

    A run keeps its connection to the backend, so that a service loads the model once. ``close``,
    or the end of a ``with`` block, closes it. Threads may share a run; they are answered one after
    the other.
    """

    _backend: Backend | None = None

    def __init__(self, directory: Path, record: RunRecord) -> None:
        super().__init__(directory, record)
        self._one_at_a_time = threading.Lock()

    @classmethod
    def open(cls, directory: Path | str) -> Self:
        """Read a completed run.

        Raises:
            RunError: no run there, unreadable, of another version, or not finished.
        """
        return cls.load(directory)

    def predict(
        self,
        rows: Any,
        *,
        base: bool = False,
        input_field: str = INPUT,
        progress: Progress | None = None,
        **options: Any,
    ) -> list[Prediction]:
        """Ask the tuned model, or the prompted one if nothing was tuned, for the labels of rows.

        Args:
            rows: a list of texts, or rows in any form that ``tunesmith.dataset.dataset_of`` takes.
            base: ask the untuned model.
            input_field: the column of the text; by default ``input``, or found by its content.
            progress: gets the progress; by default bars in a notebook.
            **options: options of the backend that replace those of the run; secrets, for example.
                They are used if this is the first prediction.

        Returns:
            One prediction a row, in order: label, text and, if the backend has label scores, the
            probability of each label.

        Raises:
            DatasetError: a row is wrong.
            RunError: the run has no deployment yet.
            PredictionError: the backend failed.
        """
        asked = model_of_run(self, base=base)
        given = dataset_of(rows, input_field=input_field, labelled=False).rows
        shown = fitting(progress)
        with self._one_at_a_time:
            if self._backend is None:
                self._backend = reopen_backend(self, options)
            found = asked.predict(self._backend, given, shown)
        shown.ended()
        return found

    @property
    def learning_curve(self) -> LearningCurve:
        """The losses of the tuning; empty if nothing was tuned or the backend tells none."""
        return self.record.model.curve if self.record.model else LearningCurve()

    def close(self) -> None:
        """Close the connection to the backend, if there is one."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        record = self.record
        return (
            f"<Run {str(self.directory)!r}: {record.status}, {record.experiment['method']['name']} "
            f"on {record.base_model}, backend {record.backend}. {judge(record).headline}>"
        )

    def _repr_html_(self) -> str:
        return card(self)
