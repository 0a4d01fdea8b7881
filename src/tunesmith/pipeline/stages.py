"""The stages of a run. Each is skipped if the run holds its result, which it records."""

from __future__ import annotations

from tunesmith.errors import UnsupportedError
from tunesmith.evaluation.comparison import compare
from tunesmith.evaluation.metrics import evaluate
from tunesmith.evaluation.readings import READINGS, held, read_as
from tunesmith.methods import PLACEHOLDER
from tunesmith.pipeline import baselines
from tunesmith.pipeline.calibrate import calibrated
from tunesmith.pipeline.chat import choose_chat
from tunesmith.pipeline.checks import submit
from tunesmith.pipeline.context import Context
from tunesmith.pipeline.predict import predict_base, predict_tuned
from tunesmith.pipeline.prompts import base_prompts
from tunesmith.records import Deployment, Prediction, Reading, TunedModel
from tunesmith.runs.record import OtherReading
from tunesmith.runs.run import ADAPTER


class Stages(Context):
    """The stages of one run."""

    def choose_chat(self, wanted: Reading | None) -> None:
        """Decide whether the models read the chat template, if the method leaves that open.

        Args:
            wanted: the reading of answers that the experiment asks for.

        Raises:
            UnsupportedError: decisions are asked for, and the service renders conversations itself.
        """
        run = self.run
        if run.record.chat is None and getattr(self.spec.method, "chat", False):
            with run.stage("choose chat"):
                rows = self.data.train.rows
                run.update(chat=choose_chat(self.spec, self.backend, rows, self.progress))
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

    def tune(self) -> TunedModel:
        """Tune, or resume the job that an earlier process started."""
        run = self.run
        if run.record.model is None:
            self.progress.stage("tune")
            with run.stage("tune"):
                if run.record.job_id is None:
                    job = submit(self.spec, self.backend, self.data, self.prepared)
                    run.update(job_id=job.id)
                else:
                    job = self.backend.tuner.resume(run.record.job_id)
                run.update(model=job.wait(self.progress.tuning))
        model = run.record.model
        assert model is not None  # noqa: S101  # set above, or by an earlier process
        if self.backend.capabilities(self.spec.base_model).exports_adapter:
            self.backend.tuner.export(model, run.directory / ADAPTER)
        for note in model.details.get("notes", ()):
            run.note(note)
        return model

    def deploy(self, model: TunedModel) -> Deployment:
        """Deploy the tuned model."""
        run = self.run
        if run.record.deployment is None:
            self.progress.stage("deploy")
            with run.stage("deploy"):
                name = run.directory.name
                run.update(deployment=self.backend.deployer.deploy(model, name))
        deployment = run.record.deployment
        assert deployment is not None  # noqa: S101  # set above, or by an earlier process
        return deployment

    def ask_tuned(self, deployment: Deployment) -> list[Prediction]:
        """Ask the tuned model about the test rows."""
        self.progress.stage("predict tuned")
        with self.run.stage("predict tuned"):
            return predict_tuned(
                self.spec, self.backend, self.data.test_rows().rows, deployment,
                self.progress, self.run.note, self.run.record.answer,
            )  # fmt: skip

    def ask_base(self) -> list[Prediction]:
        """Ask the untuned model about the test rows, if the run needs that."""
        run, method, record = self.run, self.spec.method, self.run.record
        if record.alone and method.tunes:
            return []
        if not self.backend.capabilities(self.spec.base_model).base_inference:
            name = self.backend.name
            run.note(f"backend {name!r} has no untuned model that generates: no base row")
            return []
        bare = method.tunes and record.base_input == "bare"
        if bare and method.input_template != PLACEHOLDER:
            run.note(
                "the base model read each input unchanged, the tuned model with its template "
                f"{method.input_template!r}; base_input: same gives both the same text"
            )
        self.progress.stage("predict base")
        with run.stage("predict base"):
            rows = self.data.test_rows().rows
            prompts = base_prompts(
                self.spec, self.backend, rows, self.data.train.rows,
                record.deployment, record.base_input,
            )  # fmt: skip
            return predict_base(
                self.spec, self.backend, rows, prompts, self.progress, run.note, record.answer
            )

    def calibrate(
        self, tuned: list[Prediction], base: list[Prediction]
    ) -> tuple[list[Prediction], list[Prediction]]:
        """Calibrate the probabilities on validation rows, if there are both."""
        if self.run.record.alone:
            return tuned, base
        return calibrated(self, tuned, base)

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
        if self.run.record.alone:
            return
        self.progress.stage("baselines")
        with self.run.stage("baselines"):
            found = baselines.measure(self.spec, self.data, tuned or base)
            untuned = baselines.measure_untuned(self, tuned, base)
            self.run.update(baselines=(*found, *untuned))

    def _numbers(
        self, tuned: list[Prediction], base: list[Prediction], answer: Reading
    ) -> OtherReading | None:
        sides = {"tuned": tuned, "base": base}
        if any(side and answer not in held(side) for side in sides.values()):
            return None
        read = {role: read_as(side, answer) for role, side in sides.items() if side}
        both = tuned and base
        return OtherReading(
            answer=answer,
            evaluations={role: evaluate(side, self.spec.labels) for role, side in read.items()},
            comparison=compare(read["tuned"], read["base"]) if both else None,
        )
