"""The stages of a run. Each is skipped if the run holds its result, which it records."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tunesmith.atomic import folder_atomically, naming
from tunesmith.backend import Backend, Target
from tunesmith.dataset import ExperimentData
from tunesmith.errors import UnsupportedError
from tunesmith.evaluation.calibration import ScoredRow
from tunesmith.evaluation.comparison import compare
from tunesmith.evaluation.metrics import evaluate
from tunesmith.evaluation.readings import READINGS, held, read_as
from tunesmith.methods import PLACEHOLDER
from tunesmith.pipeline.baselines import measure
from tunesmith.pipeline.calibrate import calibrate, with_calibrated
from tunesmith.pipeline.chat import choose_chat
from tunesmith.pipeline.checks import answers_untuned, submit
from tunesmith.pipeline.predict import classify, predict_base, predict_tuned
from tunesmith.pipeline.prompts import BasePrompts, base_prompts
from tunesmith.progress import SILENT, Progress
from tunesmith.records import Deployment, Prediction, Reading, Row, TunedModel, Usage
from tunesmith.runs.judgment import UNTUNED
from tunesmith.runs.record import Baseline, OtherReading
from tunesmith.runs.run import ADAPTER, RunDirectory
from tunesmith.spec import TuningSpec


@dataclass
class Stages:
    """One run: its settings, its directory, its backend and its rows. A method is a stage."""

    spec: TuningSpec
    run: RunDirectory
    backend: Backend
    data: ExperimentData
    progress: Progress = SILENT
    prepared: object | None = None
    """The return value of ``Tuner.check``; None if this process did not check."""

    def choose_chat(self, wanted: Reading | None) -> None:
        """Decide whether the models read the chat template, if the method leaves that open.

        The experiment asks for the reading ``wanted``.

        Raises:
            UnsupportedError: decisions are asked for, and the service renders conversations itself.
        """
        run = self.run
        if run.record.chat is None and getattr(self.spec.method, "chat", False):
            with self._timed("choose chat") as found:
                rows = self.data.train.rows
                left_out = run.record.left_out
                found["chat"] = choose_chat(self.spec, self.backend, rows, self.progress, left_out)
        chosen = run.record.chat
        if chosen is None:
            return
        if chosen.chat and chosen.text is None and run.record.answer == "decision":
            # The service renders the conversation: no text is there to score a label after.
            if wanted == "decision":
                raise UnsupportedError(
                    f"answer: decision: backend {self.backend.name!r} has no label scores for a "
                    "chat; set answer: text, or method.chat: false"
                )
            run.update(answer="text")
        self.spec = self.spec.asked_in(chosen.chat)

    @contextmanager
    def _timed(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage as ``RunDirectory.stage`` does, and count tokens and scripted answers."""
        before, scripted = self.backend.usage(), self.backend.scripted()
        with self.run.stage(name) as found:
            yield found
            after = self.backend.usage()
            if before is not None and after is not None:
                earlier = self.run.record.usage or Usage()
                found["usage"] = earlier.plus(after.since(before))
            if (new := self.backend.scripted() - scripted) > 0:
                found["scripted"] = self.run.record.scripted + new

    def tune(self) -> TunedModel:
        """Tune, or resume the job that an earlier process started."""
        run, tuner = self.run, self.backend.tuner
        model = run.record.model
        if model is None:
            self.progress.stage("tune")
            with self._timed("tune") as found:
                if run.record.job_id is None:
                    job = submit(self.spec, self.backend, self.data, self.prepared)
                    run.update(job_id=job.id)
                else:
                    job = tuner.resume(run.record.job_id)
                found["model"] = model = job.wait(self.progress.tuning)
        if self.backend.capabilities(self.spec.base_model).exports_adapter:
            place = run.directory / ADAPTER
            with naming(place), folder_atomically(place) as made:
                tuner.export(model, made)
        for note in model.details.get("notes", ()):
            run.note(note)
        return model

    def deploy(self, model: TunedModel) -> Deployment:
        """Deploy the tuned model."""
        run = self.run
        deployment = run.record.deployment
        if deployment is None:
            self.progress.stage("deploy")
            with self._timed("deploy") as found:
                deployment = self.backend.deployer.deploy(model, run.directory.name)
                found["deployment"] = deployment
        return deployment

    def ask_tuned(self, deployment: Deployment) -> list[Prediction]:
        """Ask the tuned model about the test rows."""
        run, rows = self.run, self.data.test_rows().rows
        self.progress.stage("predict tuned")
        with self._timed("predict tuned"):
            return predict_tuned(
                self.spec, self.backend, rows, deployment, self.progress, run.note,
                run.record.answer, run.record.left_out,
            )  # fmt: skip

    def ask_base(self) -> list[Prediction]:
        """Ask the untuned model about the test rows, if the run needs that."""
        spec, backend, run, record = self.spec, self.backend, self.run, self.run.record
        if record.alone and spec.method.tunes:
            return []
        can = backend.capabilities(spec.base_model)
        if not (can.base_inference if record.answer == "text" else answers_untuned(can)):
            run.note(f"backend {backend.name!r} has no untuned model that answers: no base row")
            return []
        template = spec.method.input_template
        if spec.method.tunes and record.base_input == "bare" and template != PLACEHOLDER:
            run.note(
                "the base model read each input unchanged, the tuned model with its template "
                f"{template!r}; base_input: same gives both the same text"
            )
        self.progress.stage("predict base")
        with self._timed("predict base"):
            rows = self.data.test_rows().rows
            prompts = self._base_prompts(rows)
            return predict_base(
                spec, backend, rows, prompts, self.progress, run.note, record.answer,
                record.left_out,
            )  # fmt: skip

    def _base_prompts(self, rows: Sequence[Row]) -> BasePrompts:
        record, train = self.run.record, self.data.train.rows
        deployment, reads = record.deployment, record.base_input
        return base_prompts(self.spec, self.backend, rows, train, deployment, reads)

    def calibrate(
        self, tuned: list[Prediction], base: list[Prediction]
    ) -> tuple[list[Prediction], list[Prediction]]:
        """Return the predictions with calibrated probabilities, and record both calibrations.

        Without validation rows or label scores, they are returned unchanged.
        """
        run, validation = self.run, self.data.validation
        if validation is None or not any(p.probabilities for p in (*tuned[:1], *base[:1])):
            return tuned, base
        self.progress.stage("calibrate")
        with self._timed("calibrate"):
            rows: list[ScoredRow] = []
            tuned, base = (self._calibrated(side, validation.rows, rows) for side in (tuned, base))
            run.write_probabilities(rows)
        return tuned, base

    def _calibrated(
        self, side: list[Prediction], held_out: Sequence[Row], rows: list[ScoredRow]
    ) -> list[Prediction]:
        if not side or side[0].probabilities is None:
            return side
        target: Target = self.spec.base_model
        if side[0].model == "tuned" and self.run.record.deployment is not None:
            target, texts = self.run.record.deployment, [row.input for row in held_out]
        else:
            texts = list(self._base_prompts(held_out).texts)
        shares = classify(self.backend, target, texts, self.spec.labels, self.progress)
        found, scored = calibrate(side, held_out, shares)
        name = "calibration" if side[0].model == "tuned" else "base_calibration"
        self.run.update(**{name: found})
        rows += scored
        return with_calibrated(side, found)

    def evaluate(self, tuned: list[Prediction], base: list[Prediction]) -> None:
        """Score and compare the answers, in both readings if they hold both."""
        first = self.run.record.answer
        other = READINGS[1 - READINGS.index(first)]
        main = self._numbers(tuned, base, first)
        if main is not None:
            self.run.update(evaluations=main.evaluations, comparison=main.comparison)
        self.run.update(other_reading=self._numbers(tuned, base, other))

    def compare_with_baselines(self, tuned: list[Prediction], base: list[Prediction]) -> None:
        """Fit the baselines and compare them with the model that the run is about."""
        self.progress.stage("baselines")
        with self._timed("baselines") as found:
            measured = measure(self.spec, self.data, tuned or base)
            found["baselines"] = (*measured, *self._untuned(tuned, base))

    def _untuned(
        self, tuned: Sequence[Prediction], base: Sequence[Prediction]
    ) -> Iterator[Baseline]:
        """Measure the decision of the untuned model on the text that the tuned model reads.

        Yields nothing if the run already has it as its base row, if nothing was tuned, or if the
        base model has no label scores.
        """
        record = self.run.record
        same = record.base_input == "same"
        # The base model has no probabilities if they cost too much or are not supported.
        scores = bool(base) and base[0].probabilities is not None
        if not tuned or not scores or (same and record.answer == "decision"):
            return
        start = time.monotonic()
        answers = read_as(base if same else self._asked_the_same(tuned), "decision")
        yield Baseline(
            method=UNTUNED,
            evaluation=evaluate(answers, self.spec.labels),
            seconds=round(time.monotonic() - start, 3),
            comparison=compare(tuned, answers, ("tuned", UNTUNED)),
        )

    def _asked_the_same(self, tuned: Sequence[Prediction]) -> list[Prediction]:
        spec, backend, deployment = self.spec, self.backend, self.run.record.deployment
        assert deployment is not None  # noqa: S101  # it has answered
        prompts = backend.predictor.prompts(deployment, [answer.input for answer in tuned])
        shares = classify(backend, spec.base_model, prompts, spec.labels)
        unsaid = {"model": "base", "answer": "text", "text": "", "label": None}
        return [
            answer.model_copy(
                update={**unsaid, "prompt": prompt, "probabilities": one.probabilities}
            )
            for answer, prompt, one in zip(tuned, prompts, shares, strict=True)
        ]

    def _numbers(
        self, tuned: list[Prediction], base: list[Prediction], answer: Reading
    ) -> OtherReading | None:
        sides = [side for side in (tuned, base) if side]
        if any(answer not in held(side) for side in sides):
            return None
        read = [read_as(side, answer) for side in sides]
        return OtherReading(
            answer=answer,
            evaluations={side[0].model: evaluate(side, self.spec.labels) for side in read},
            comparison=compare(read[0], read[1]) if len(read) == 2 else None,
        )
