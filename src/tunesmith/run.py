"""Run: one execution of an experiment, with its figures, which can be asked again."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tunesmith.backends.shared import SharedBackend
from tunesmith.dataset import INPUT, dataset_of
from tunesmith.pipeline.asking import model_of_run, reopen_backend
from tunesmith.pipeline.deciding import Decider
from tunesmith.progress import Progress
from tunesmith.progress.notebook import fitting
from tunesmith.records import Decision, LearningCurve, Prediction
from tunesmith.report.card import card
from tunesmith.runs.judgment import judge
from tunesmith.runs.record import RunRecord
from tunesmith.runs.run import RunDirectory


class Run(RunDirectory):
    """A run directory that can be asked again.

    A run keeps its connection to the backend, so that a service loads the model once. ``close``,
    or the end of a ``with`` block, closes it. Threads may share a run: :meth:`predict` answers them
    one after the other, and :meth:`decide` together.
    """

    _shared: SharedBackend | None = None

    def __init__(self, directory: Path, record: RunRecord) -> None:
        super().__init__(directory, record)
        self._one_at_a_time = threading.Lock()
        self._connecting = threading.Lock()
        self._deciders: dict[bool, Decider] = {}

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
        backend = self._connected(options).backend
        with self._one_at_a_time:
            found = asked.predict(backend, given, shown)
        shown.ended()
        return found

    def decide(self, texts: Sequence[str], *, base: bool = False) -> list[Decision]:
        """Return the most probable label of each text, with the probabilities of all labels.

        For services: threads that call it at the same time share the calls of the model, and no
        thread's answer depends on another's.

        Args:
            texts: one input each, without the template.
            base: ask the untuned model.

        Raises:
            TypeError: ``texts`` is one text.
            RunError: the run has no deployment yet.
            UnsupportedError: the backend has no label scores for this model.
            PredictionError: a text is empty or too long, or the backend failed.
        """
        if isinstance(texts, str):
            raise TypeError("decide takes a list of texts; for one text: decide([text])[0]")
        return self._decider(base).decide(texts)

    def _decider(self, base: bool) -> Decider:
        shared = self._connected({})
        with self._connecting:
            if base not in self._deciders:
                self._deciders[base] = Decider(model_of_run(self, base=base), shared)
            return self._deciders[base]

    def _connected(self, options: Mapping[str, Any]) -> SharedBackend:
        with self._connecting:
            if self._shared is None:
                self._shared = SharedBackend(reopen_backend(self, options))
            return self._shared

    @property
    def learning_curve(self) -> LearningCurve:
        """The losses of the tuning; empty if nothing was tuned or the backend tells none."""
        return self.record.model.curve if self.record.model else LearningCurve()

    def close(self) -> None:
        """Close the connection to the backend, if there is one."""
        shared, self._shared = self._shared, None
        self._deciders.clear()
        if shared is not None:
            shared.close()
            shared.backend.close()

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


def load(run: Path | str) -> Run:
    """Return a completed run, ready to decide.

    Raises:
        RunError: no run there, unreadable, of another version, or not finished.
    """
    return Run.open(run)
