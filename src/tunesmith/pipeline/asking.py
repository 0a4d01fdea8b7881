"""A model that was tuned or prompted before, asked again: that of a run or of a deployment."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tunesmith.backend import Backend
from tunesmith.backends.connect import open_backend
from tunesmith.backends.options import REDACTED, default_store
from tunesmith.dataset import DataSpec, load_data
from tunesmith.errors import RunError
from tunesmith.evaluation.calibration import Calibration
from tunesmith.evaluation.readings import chosen_reading
from tunesmith.pipeline.answerable import LeftOut, check_readings, notes
from tunesmith.pipeline.calibrate import with_calibrated
from tunesmith.pipeline.predict import CHUNK, Note, predict_base, predict_tuned
from tunesmith.pipeline.prompts import base_prompter
from tunesmith.progress import Progress
from tunesmith.records import BaseInput, Deployment, Prediction, Reading, Row
from tunesmith.runs.run import RunDirectory
from tunesmith.spec import TuningSpec

CHECKED = 10_000
"""Rows that are checked together, before the first is asked."""
Ask = Callable[[Sequence[Row]], list[Prediction]]
"""Asks for some rows; their numbers count from 0."""


@dataclass(frozen=True, slots=True)
class AskedModel:
    """A model that answers, with the settings of its run."""

    spec: TuningSpec
    data: DataSpec
    """The data of the run. Its columns are those of new rows, too."""
    deployment: Deployment | None
    """The deployment of the tuned model, if there is one."""
    base: bool
    """Whether the untuned model is asked."""
    answer: Reading | None = None
    base_input: BaseInput = "same"
    calibration: Calibration | None = None

    @property
    def key(self) -> str:
        """Names the model and its settings; an equal key gives equal answers."""
        return repr((self.spec, self.deployment, self.base, self.answer, self.base_input,
                     self.calibration))  # fmt: skip

    def predict(
        self,
        backend: Backend,
        rows: Sequence[Row],
        progress: Progress,
        note: Note = lambda text: None,
    ) -> list[Prediction]:
        """Return the predictions for ``rows``, calibrated if the run has a calibration.

        Args:
            backend: of the model.
            rows: all rows.
            progress: gets the stage, and the number of rows that are answered.
            note: gets a sentence about a reading that is left out.

        Raises:
            ExperimentError: a label cannot be the answer with these settings.
            TunesmithError: the backend failed.
        """
        ask = self.asker(backend, rows, progress, note)
        return [one for part in answers_for(rows, ask, len(rows), progress) for one in part]

    def asker(
        self,
        backend: Backend,
        rows: Iterable[Row],
        progress: Progress,
        note: Note = lambda text: None,
    ) -> Ask:
        """Check that the rows can be asked, and return the function that asks for some of them.

        The arguments and the errors are those of :meth:`predict`. ``rows`` are iterated once.
        """
        progress.stage("predict tuned" if self.tuned else "predict base")
        spec, calibration = self.spec, self.calibration
        answer = chosen_reading(
            self.answer, spec.method, backend.capabilities(spec.base_model), backend.name
        )
        examples = self.examples()
        left_out = self._left_out(backend, rows, examples, answer)
        for sentence in notes(left_out):
            note(sentence)
        ask = self._plain_asker(backend, examples, answer, left_out)
        if calibration is None:
            return ask
        return lambda part: with_calibrated(ask(part), calibration)

    @property
    def tuned(self) -> Deployment | None:
        """The deployment that is asked; None if the untuned model is."""
        return None if self.base else self.deployment

    def _left_out(
        self, backend: Backend, rows: Iterable[Row], examples: Sequence[Row], answer: Reading
    ) -> LeftOut:
        """Check the rows, some at a time; a reading left out for some rows is left out for all."""
        # To count tokens, a remote backend would take requests for each label.
        remote = backend.capabilities(self.spec.base_model).remote
        inputs = iter(()) if remote else (row.input for row in rows)
        reads = self.base_input if self.base else "same"
        left_out: LeftOut = {}
        part = list(islice(inputs, CHECKED))
        while True:
            found = check_readings(self.spec, backend, part, examples, answer, reads)
            left_out = {**found, **left_out}
            if not (part := list(islice(inputs, CHECKED))):
                return left_out

    def _plain_asker(
        self, backend: Backend, examples: Sequence[Row], answer: Reading, left_out: LeftOut
    ) -> Ask:
        """Return the function that asks for rows, without calibration."""
        spec, of = self.spec, self.deployment
        if (tuned := self.tuned) is not None:
            return lambda rows: predict_tuned(
                spec, backend, rows, tuned, answer=answer, left_out=left_out
            )
        prompter = base_prompter(spec, backend, examples, of, self.base_input)
        return lambda rows: predict_base(
            spec,
            backend,
            rows,
            prompter([row.input for row in rows]),
            answer=answer,
            left_out=left_out,
        )

    def examples(self) -> tuple[Row, ...]:
        """Return the training rows, if the method puts some of them into the prompt."""
        spec = self.spec
        if spec.method.tunes:
            return ()
        return load_data(self.data, spec.labels, spec.seed, test=False).train.rows


def answers_for(
    rows: Iterable[Row], ask: Ask, total: int, progress: Progress, start: int = 0
) -> Iterator[list[Prediction]]:
    """Yield the predictions for ``rows``, some at a time, as soon as they are there.

    Args:
        rows: those of ``total`` from the number ``start`` on.
        ask: asks for some rows.
        total: the number of all rows.
        progress: gets the number of rows that are answered.
        start: the number of the first row.
    """
    left = iter(rows)
    while part := list(islice(left, CHUNK)):
        answers = ask(part)
        yield [one.model_copy(update={"row": n}) for n, one in enumerate(answers, start)]
        start += len(part)
        progress.predicted(start, total)


def model_of_deployment(
    deployment: Deployment, *, base: bool, generation: Mapping[str, Any], source: str
) -> AskedModel:
    """Return the model of ``deployment``, or with ``base`` the untuned one.

    Raises:
        ExperimentError: a parameter in ``generation`` is unknown or wrong.
    """
    values = {
        "base_model": deployment.base_model,
        "method": deployment.model.method,
        "labels": deployment.model.labels.model_dump(),
        "generation": generation,
    }
    spec = TuningSpec.from_values(values, source=source)
    return AskedModel(spec, DataSpec(train=source), deployment, base)


def model_of_run(
    run: RunDirectory, *, base: bool = False, generation: Mapping[str, Any] | None = None
) -> AskedModel:
    """Return the model that ``run`` is about, or with ``base`` the untuned one.

    Args:
        run: the run; it need not be finished.
        base: ask the untuned model.
        generation: parameters that replace those of the run.

    Raises:
        RunError: the run has no deployment yet.
        ExperimentError: a generation parameter is unknown or wrong.
    """
    record, values = run.record, run.record.experiment
    known = {name: values[name] for name in TuningSpec.model_fields if name in values}
    known["generation"] = {**values["generation"], **(generation or {})}
    spec = TuningSpec.from_values(known, source=str(run.directory))
    if record.chat is not None:
        spec = spec.asked_in(record.chat.chat)
    if record.deployment is None and spec.method.tunes and not base:
        raise RunError(
            f"{run.directory}: the run has no deployment yet; continue it with: "
            f"tunesmith resume {shlex.quote(str(run.directory))}"
        )
    untuned = base or record.deployment is None
    return AskedModel(
        spec,
        DataSpec.model_validate(values["data"]),
        record.deployment,
        base,
        # Records from before there was a choice judged text, and their base model read bare inputs.
        values.get("answer", "text"),
        values.get("base_input", "bare"),
        record.base_calibration if untuned else record.calibration,
    )


def reopen_backend(run: RunDirectory, given: Mapping[str, Any]) -> Backend:
    """Connect to the backend of ``run`` with its recorded options, overridden by ``given``.

    Secrets are not recorded. They come from ``given``, the environment or the options file.
    """
    name, recorded, runs_dir = run.record.backend, run.record.options, run.directory.parent
    options = {key: value for key, value in recorded.items() if value not in (None, REDACTED)}
    # The default store is beside the run. The recorded path is relative to the working directory
    # of that time: from another folder it leads nowhere, or to the store of other runs.
    beside, recorded_store = default_store(runs_dir, name), Path(options.get("store", ""))
    default = default_store(Path(), name)  # as a trial of a sweep records it
    if options.get("store", str(default)) == str(default) or (
        recorded_store.parts[-len(default.parts) :] == default.parts and beside.is_dir()
    ):
        options["store"] = str(beside)
    return open_backend(name, {**options, **given}, runs_dir)
