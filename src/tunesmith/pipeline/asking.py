"""A model that was tuned or prompted before, asked again: that of a run or of a deployment."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.backend import Backend
from tunesmith.backends.connect import open_backend
from tunesmith.backends.options import REDACTED, default_store
from tunesmith.dataset import DataSpec, load_data
from tunesmith.errors import RunError
from tunesmith.evaluation.calibration import Calibration
from tunesmith.evaluation.readings import chosen_reading
from tunesmith.pipeline.answerable import check_readings, notes
from tunesmith.pipeline.calibrate import with_calibrated
from tunesmith.pipeline.predict import CHUNK, Note, predict_base, predict_tuned
from tunesmith.pipeline.prompts import base_prompts
from tunesmith.progress import Progress
from tunesmith.records import BaseInput, Deployment, Prediction, Reading, Row
from tunesmith.runs.run import RunDirectory
from tunesmith.spec import TuningSpec

Keep = Callable[[Sequence[Prediction]], None]
Ask = Callable[[int, int], list[Prediction]]


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
        rows: tuple[Row, ...],
        progress: Progress,
        note: Note = lambda text: None,
        *,
        kept: Sequence[Prediction] = (),
        keep: Keep = lambda answers: None,
    ) -> list[Prediction]:
        """Return the predictions for ``rows``, calibrated if the run has a calibration.

        Args:
            backend: of the model.
            rows: all rows.
            progress: gets the stage, and the number of rows that are answered.
            note: gets a sentence about a reading that is left out.
            kept: the predictions for the first rows, which are not asked again.
            keep: gets further predictions, as soon as they are there.

        Raises:
            ExperimentError: a label cannot be the answer with these settings.
            TunesmithError: the backend failed.
        """
        progress.stage("predict tuned" if self.tuned else "predict base")
        ask, found = self._asker(backend, rows, note), list(kept)
        while len(found) < len(rows):
            answers = ask(len(found), len(found) + CHUNK)
            if self.calibration:
                answers = with_calibrated(answers, self.calibration)
            answers = [
                one.model_copy(update={"row": number})
                for number, one in enumerate(answers, len(found))
            ]
            keep(answers)
            found += answers
            progress.predicted(len(found), len(rows))
        return found

    @property
    def tuned(self) -> Deployment | None:
        """The deployment that is asked; None if the untuned model is."""
        return None if self.base else self.deployment

    def _asker(self, backend: Backend, rows: Sequence[Row], note: Note) -> Ask:
        """Return the function that asks for the rows from one number to before another."""
        spec, of = self.spec, self.deployment
        can = backend.capabilities(spec.base_model)
        answer = chosen_reading(self.answer, spec.method, can, backend.name)
        examples = self.examples()
        # To count tokens, a remote backend would take requests for each label.
        inputs = [] if can.remote else [row.input for row in rows]
        reads = self.base_input if self.base else "same"
        left_out = check_readings(spec, backend, inputs, examples, answer, reads)
        for sentence in notes(left_out):
            note(sentence)
        if (tuned := self.tuned) is not None:
            return lambda start, end: predict_tuned(
                spec, backend, rows[start:end], tuned, answer=answer, left_out=left_out
            )
        prompts = base_prompts(spec, backend, rows, examples, of, self.base_input)
        return lambda start, end: predict_base(
            spec,
            backend,
            rows[start:end],
            prompts.part(start, end),
            answer=answer,
            left_out=left_out,
        )

    def examples(self) -> tuple[Row, ...]:
        """Return the training rows, if the method puts some of them into the prompt."""
        spec = self.spec
        if spec.method.tunes:
            return ()
        return load_data(self.data, spec.labels, spec.seed, test=False).train.rows


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
