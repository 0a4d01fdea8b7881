"""Conformance of tuning: job status, losses, seeds, validation and resumption."""
# ruff: noqa: S101  # a test suite is made of assertions

from __future__ import annotations

import contextlib
import math
import time
from functools import partial
from pathlib import Path

import pytest

from tunesmith.backend import Backend, TuningJob
from tunesmith.errors import NotFoundError, TuningError, UnsupportedError
from tunesmith.records import FINISHED, Deployment, LearningCurve, TunedModel, TuningEvent
from tunesmith.testing.harness import LABELS, Harness, MakeBackend, needs, offered, refused

ORDER = ("queued", "running", "interrupted", "completed")
LONG_SECONDS = 0.1
"""A job that still runs this long after ``cancel`` had time to stop."""


class JobConformance(Harness):
    """A job can be followed, awaited, cancelled, resumed and repeated."""

    def test_job_ends_completed(self, job: TuningJob, model: TunedModel) -> None:
        """Troubleshooting: store the tuned model of a job; make no new record for each call."""
        assert job.id
        assert job.status() == "completed"
        assert job.result() == model
        assert job.wait() == model

    def test_events_are_in_order(self, job: TuningJob) -> None:
        """Troubleshooting: append the final event before you change the status."""
        events = list(job.events())
        times = [event.time for event in events]
        assert times == sorted(times)
        statuses = [e.status for e in events if e.kind == "status" and e.status is not None]
        assert statuses, "no event of kind 'status'"
        assert statuses == sorted(statuses, key=ORDER.index)
        assert statuses[-1] == "completed"
        steps = [event.step for event in events if event.step is not None]
        assert steps == sorted(steps)

    def test_every_event_is_passed_once(self, job: TuningJob) -> None:
        """Troubleshooting: ``events(start)`` counts from the first event of the job."""
        seen: list[TuningEvent] = []
        job.wait(seen.append)
        assert seen == list(job.events())
        assert list(job.events(1)) == seen[1:]
        assert list(job.events(len(seen))) == []

    def test_cancel_after_the_end_does_nothing(self, job: TuningJob, model: TunedModel) -> None:
        """Troubleshooting: return at once if the job is finished."""
        job.cancel()
        assert job.status() == "completed"
        assert job.result().id == model.id

    def test_cancel(self, job: TuningJob) -> None:
        """A cancelled job has the status ``cancelled`` and no model; if not declared, refused.

        If a job ends before it can be cancelled, the test tries again with more rows.

        Troubleshooting: check the stop request before you make the model.
        """
        del job  # skips a backend that tunes nothing
        rows = tuple(self.train_rows)
        for _ in range(self.cancel_attempts):
            job = self.tuner.submit(self.experiment(), rows)
            if not self.declared.cancellable:
                self._cancel_is_refused(job)
                return
            asked = time.monotonic()
            job.cancel()
            if job.status() != "completed":
                self._check_cancelled(job)
                return
            if time.monotonic() - asked < LONG_SECONDS:
                rows = (rows + rows)[: self.declared.max_training_rows]
        pytest.fail(f"no job of {self.cancel_attempts} could be cancelled before it ended")

    def _check_cancelled(self, job: TuningJob) -> None:
        assert job.status() == "cancelled"
        with pytest.raises(TuningError):
            job.wait(timeout=self.timeout_seconds)
        with pytest.raises(TuningError):
            job.result()

    def _cancel_is_refused(self, job: TuningJob) -> None:
        if job.status() in FINISHED:
            pytest.skip("the job ended before cancelling it could be refused")
        with refused("cancellable"):
            job.cancel()
        job.wait(timeout=self.timeout_seconds)

    def test_learning_curve(self, job: TuningJob, model: TunedModel) -> None:
        """Steps and epochs count from 1 to the number of the method; if not declared, no losses.

        Troubleshooting: pass ``num_epochs`` on, and count from 1. An incomplete accumulation at the
        end of an epoch is an optimizer step too.
        """
        if not self.declared.learning_curve:
            assert model.curve == LearningCurve(), "learning_curve is not declared"
            with contextlib.suppress(UnsupportedError):
                assert job.learning_curve() == LearningCurve()
            return
        curve = job.learning_curve()
        assert model.curve == curve
        reported = {e.epoch: e.loss for e in job.events() if e.kind == "epoch"}
        assert reported == {e.epoch: e.loss for e in curve.epochs}, "each epoch is an event"
        assert curve.steps or curve.epochs, "learning_curve is declared, but there are no losses"
        self._check_counts(curve)
        losses = [*(s.loss for s in curve.steps), *(e.loss for e in curve.epochs)]
        assert all(math.isfinite(loss) and loss >= 0 for loss in losses)

    def _check_counts(self, curve: LearningCurve) -> None:
        method = self.experiment().method
        steps, epochs = [s.step for s in curve.steps], [e.epoch for e in curve.epochs]
        assert steps == list(range(1, len(steps) + 1))
        assert epochs == list(range(1, len(epochs) + 1))
        at = [s.epoch for s in curve.steps]
        assert at == sorted(at)
        assert at[:1] in ([], [1])
        assert not steps or method.optimizer_steps(len(self.train_rows)) in (None, len(steps))
        assert not epochs or getattr(method, "num_epochs", None) in (None, len(epochs))

    def test_failed_job(self, failing_job: TuningJob) -> None:
        """A job that fails says so and why, and has no model.

        Troubleshooting: let the error of the work, or of the service, end the job.
        """
        with pytest.raises(TuningError) as caught:
            failing_job.wait(timeout=self.timeout_seconds)
        assert str(caught.value).strip()
        assert failing_job.status() == "failed"
        assert [e.status for e in failing_job.events() if e.kind == "status"][-1] == "failed"
        with pytest.raises(TuningError):
            failing_job.result()

    def test_validation(self, model: TunedModel) -> None:
        """A validation set is used if declared, else refused. It is not trained on.

        Troubleshooting: fill ``EpochLoss.validation_loss``; refuse in ``submit``, not in the job.
        """
        rows = self.train_rows, self.validation_rows
        submit = partial(self.tuner.submit, self.experiment(), *rows)
        submitted = offered(self.declared.validation, "validation", submit)
        if submitted is None:
            return
        curve = submitted.wait(timeout=self.timeout_seconds).curve
        if self.declared.learning_curve:
            assert curve.epochs
            assert all(e.validation_loss is not None for e in curve.epochs)
            steps, without = (_first_epoch(found) for found in (curve, model.curve))
            assert steps == without, "validation rows are trained on"

    def test_each_tuning_is_its_own(self, model: TunedModel, repeated: Deployment) -> None:
        """Troubleshooting: make random ids; do not derive them from the experiment."""
        assert repeated.model.id != model.id
        assert repeated.model.job_id != model.job_id

    def test_same_seed_same_model(
        self, deployment: Deployment, repeated: Deployment, tmp_path: Path
    ) -> None:
        """Troubleshooting: seed every random generator that shuffles, initializes or samples."""
        needs(self.declared.seeded, "seeded")
        pair = deployment, repeated
        assert self.answers(deployment) == self.answers(repeated)
        assert deployment.model.curve == repeated.model.curve
        if self.declared.label_scores:
            scores = [self.predictor.classify(one, self.inputs(), LABELS) for one in pair]
            assert scores[0] == scores[1]
        if self.declared.exports_adapter:
            weights = [self._exported(target.model, tmp_path / target.name) for target in pair]
            assert weights[0] == weights[1]

    def test_another_seed_makes_another_model(
        self, backend: Backend, deployment: Deployment
    ) -> None:
        """Another seed changes the losses, or without losses the probabilities of labels.

        Troubleshooting: pass ``spec.seed`` on. If your method draws nothing, set ``seed_matters``
        to False.
        """
        seen = self.declared.learning_curve or self.declared.label_scores
        needs(self.declared.seeded and self.seed_matters and seen, "a seed that can be seen")
        job = backend.tuner.submit(self.experiment(seed=1), self.train_rows)
        model = job.wait(timeout=self.timeout_seconds)
        if self.declared.learning_curve:
            assert model.curve != deployment.model.curve, "the seed is ignored"
            return
        other = self.deployer.deploy(model, "another seed")
        scores = [
            self.predictor.classify(one, self.inputs(), LABELS) for one in (deployment, other)
        ]
        assert scores[0] != scores[1], "the seed is ignored"

    def test_export(self, model: TunedModel, tmp_path: Path) -> None:
        """Troubleshooting: PEFT reads ``adapter_config.json`` and ``adapter_model.safetensors``."""
        export = partial(self._exported, model, tmp_path)
        weights = offered(self.declared.exports_adapter, "exports_adapter", export)
        if weights is None:
            return
        assert weights
        config = (tmp_path / "adapter_config.json").read_text(encoding="utf-8")
        assert str(Path.home()) not in config
        assert str(tmp_path) not in config

    def test_resume_a_finished_job(
        self, make_backend: MakeBackend, job: TuningJob, model: TunedModel
    ) -> None:
        """A second instance finds the job again; if not declared, ``resume`` is refused.

        Troubleshooting: keep the result and the events of a job in the store.
        """
        if not self.declared.resumable:
            with refused("resumable"):
                self.tuner.resume(job.id)
            return
        with make_backend() as second:
            found = second.tuner.resume(job.id)
            assert found.id == job.id
            assert found.wait(timeout=self.timeout_seconds).id == model.id
            assert [e.kind for e in found.events()] == [e.kind for e in job.events()]
            assert found.status() == "completed"

    def test_resume_an_interrupted_job(
        self, make_backend: MakeBackend, deployment: Deployment, repeated: Deployment
    ) -> None:
        """A resumed job makes the model that an uninterrupted one makes, if equal ones are equal.

        Troubleshooting: checkpoint weights, optimizer, schedule, losses and random state.
        """
        needs(self.declared.resumable, "resumable; see test_resume_a_finished_job")
        with make_backend() as first:
            job_id = first.tuner.submit(self.experiment(), self.train_rows).id
        with make_backend() as second:
            model = second.tuner.resume(job_id).wait(timeout=self.timeout_seconds)
        assert model.job_id == job_id
        if self.declared.seeded and repeated.model.curve == deployment.model.curve:
            assert model.curve == deployment.model.curve
            resumed = self.deployer.deploy(model, "resumed")
            assert self.answers(resumed) == self.answers(deployment)

    def test_unknown_job(self) -> None:
        """Troubleshooting: raise ``NotFoundError`` with the id and a remedy."""
        needs(self.declared.resumable, "resumable; see test_resume_a_finished_job")
        with pytest.raises(NotFoundError, match="nosuchjob"):
            self.tuner.resume("nosuchjob")

    def test_nothing_is_tuned_without_a_method(self, backend: Backend) -> None:
        """A backend that tunes nothing refuses a tuning, and has no deployments.

        Troubleshooting: call ``check_submission`` at the start of ``submit``.
        """
        if self.tunes():
            pytest.skip("the experiment has a method that tunes")
        assert not self.declared.methods, "name a declared method in experiment_values"
        experiment = self.experiment(method={"name": "prompt_tuning"})
        with refused("a method that tunes"):
            backend.tuner.submit(experiment, self.train_rows)
        with refused("resumable"):
            backend.tuner.resume("nosuchjob")
        assert list(backend.deployer.list()) == []
        with pytest.raises(NotFoundError, match="nosuchdeployment"):
            backend.deployer.get("nosuchdeployment")

    def _exported(self, model: TunedModel, directory: Path) -> bytes:
        self.tuner.export(model, directory)
        return (directory / "adapter_model.safetensors").read_bytes()


def _first_epoch(curve: LearningCurve) -> int:
    return sum(step.epoch == 1 for step in curve.steps)
