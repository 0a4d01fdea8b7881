"""What ``Tuner.check`` returns reaches ``Tuner.submit``, and a backend gets no more than a spec."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith import Experiment
from tunesmith.spec import TuningSpec
from tunesmith.testing.fake import FakeBackend, FakeTuner


class OldTuner(FakeTuner):
    def submit(self, spec, train, validation=None):
        return super().submit(spec, train, validation)


class OldBackend(FakeBackend):
    """Its check returns nothing, and its submit takes no preparation."""

    @property
    def tuner(self) -> OldTuner:
        return OldTuner(self)


class PreparingTuner(FakeTuner):
    taken: list[object]

    def check(self, spec, train, validation=None):
        super().check(spec, train, validation)
        return (spec, tuple(train))

    def submit(self, spec, train, validation=None, *, prepared=None):
        type(self).taken.append(prepared)
        return super().submit(spec, train, validation)


class PreparingBackend(FakeBackend):
    @property
    def tuner(self) -> PreparingTuner:
        return PreparingTuner(self)


def test_a_backend_without_a_preparation_runs(experiment: Experiment, tmp_path: Path) -> None:
    run = experiment.run(OldBackend(), runs_dir=tmp_path)
    assert run.record.status == "completed"


def test_the_preparation_of_the_check_is_submitted(experiment: Experiment, tmp_path: Path) -> None:
    PreparingTuner.taken = []
    experiment.run(PreparingBackend(), runs_dir=tmp_path)
    ((spec, rows),) = PreparingTuner.taken
    assert spec == experiment
    assert rows


def test_a_backend_that_reads_the_data_gets_an_error() -> None:
    spec = TuningSpec.from_values({"labels": ["0", "1"]})
    with pytest.raises(AttributeError, match="gets the rows as arguments of"):
        spec.data  # noqa: B018  # the access is the test
    with pytest.raises(AttributeError, match="no_such_name"):
        spec.no_such_name  # noqa: B018


def test_an_experiment_is_a_spec(experiment: Experiment) -> None:
    assert isinstance(experiment, TuningSpec)
    assert set(TuningSpec.model_fields) == {
        "name", "base_model", "method", "labels", "generation", "seed",
    }  # fmt: skip
