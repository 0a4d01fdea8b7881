"""Behavior of the fake backend beyond the suite, on which unit tests of the core depend."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.dataset import DataSpec
from tunesmith.errors import DeploymentError, NotFoundError, PredictionError, TuningError
from tunesmith.experiment import Experiment
from tunesmith.spec import GenerationParams
from tunesmith.testing.fake import FAKE_MODEL, FakeBackend, FakeOptions
from tunesmith.testing.rows import TEST, TRAIN, VALIDATION

INPUTS = [row.input for row in TEST]
EXPECTED = [row.output for row in TEST]


def experiment(**method: object) -> Experiment:
    settings = {"num_epochs": 20, "batch_size": 4, "accumulate_steps": 1, **method}
    return Experiment.model_validate(
        {
            "base_model": FAKE_MODEL,
            "data": DataSpec(train="train.json"),
            "labels": ["0", "1"],
            "method": {"name": "prompt_tuning", **settings},
        }
    )


def answers(backend: FakeBackend, model, **params: object) -> list[str]:
    deployment = backend.deployer.deploy(model, "x")
    found = backend.predictor.generate(deployment, INPUTS, GenerationParams.model_validate(params))
    return [generation.text for generation in found]


def test_it_learns() -> None:
    backend = FakeBackend()
    model = backend.tuner.tune(experiment(), TRAIN)
    assert answers(backend, model) == EXPECTED
    assert model.curve.epochs[-1].loss < model.curve.epochs[0].loss / 2


def test_more_epochs_and_another_seed_change_the_model() -> None:
    backend = FakeBackend()
    base = experiment(learning_rate=0.1)
    curves = [
        backend.tuner.tune(e, TRAIN).curve
        for e in (base, base.model_copy(update={"seed": 1}), experiment(learning_rate=0.2))
    ]
    assert len({curve.epochs[-1].loss for curve in curves}) == 3


@pytest.mark.parametrize(
    "settings",
    [
        {"num_virtual_tokens": 5},
        {"init_method": "text", "init_text": "good or bad"},
        {"init_method": "sample_vocab"},
        {"lr_schedule": "constant"},
        {"accumulate_steps": 2},
        {"batch_size": 2},
        {"max_input_tokens": 3},
        {"verbalizer": "great {{input}}"},
    ],
)
def test_no_hyperparameter_is_ignored(settings: dict[str, object]) -> None:
    backend = FakeBackend()
    plain = backend.tuner.tune(experiment(), TRAIN).curve
    assert backend.tuner.tune(experiment(**settings), TRAIN).curve != plain


def test_early_stopping_keeps_the_best_epoch() -> None:
    backend = FakeBackend()
    # Wrong validation labels: the loss on them only rises, so the first epoch is the best.
    wrong = [row.model_copy(update={"output": str(1 - int(row.output))}) for row in VALIDATION]
    curve = backend.tuner.tune(experiment(early_stopping_patience=3), TRAIN, wrong).curve
    assert curve.best_epoch == 1
    assert len(curve.epochs) == 4


def test_base_model_answers_by_its_list() -> None:
    found = FakeBackend().predictor.generate(FAKE_MODEL, ["A great and happy dog", "bad and rude"])
    assert [generation.text for generation in found] == ["1", "0"]


def test_stand_in_is_named() -> None:
    backend = FakeBackend()
    assert backend.base_model("tunesmith/micro-granite").stand_in == FAKE_MODEL
    assert backend.base_model(FAKE_MODEL).stand_in is None
    with pytest.raises(NotFoundError, match="Did you mean 'tunesmith/fake'"):
        backend.base_model("tunesmith/fak")


def test_stop_reasons() -> None:
    backend = FakeBackend()
    model = backend.tuner.tune(experiment(), TRAIN)
    deployment = backend.deployer.deploy(model, "x")

    def reason(**params: object) -> str:
        asked = GenerationParams.model_validate(params)
        return backend.predictor.generate(deployment, ["Great!"], asked)[0].stop_reason

    assert reason() == "eos_token"
    assert reason(max_new_tokens=1) == "max_tokens"
    assert reason(stop_sequences=("1",)) == "stop_sequence"


def test_sampling_differs_by_seed_and_repeats() -> None:
    backend = FakeBackend()
    model = backend.tuner.tune(experiment(num_epochs=1, learning_rate=0.001), TRAIN)
    drawn = [
        tuple(answers(backend, model, decoding_method="sample", random_seed=seed))
        for seed in (1, 1, 2, 3, 4)
    ]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_interrupted_job_continues_with_the_same_result(tmp_path: Path) -> None:
    slow = experiment(num_epochs=40)
    first = FakeBackend(FakeOptions(store=tmp_path, step_seconds=0.005))
    job = first.tuner.submit(slow, TRAIN)
    first.close()
    assert job.status() == "interrupted"
    done = len(job.learning_curve().epochs)
    second = FakeBackend(FakeOptions(store=tmp_path))
    model = second.tuner.resume(job.id).wait()
    assert 0 < done < 40
    assert model.curve == second.tuner.tune(slow, TRAIN).curve


@pytest.mark.parametrize(
    ("stage", "error"),
    [("tune", TuningError), ("deploy", DeploymentError), ("predict", PredictionError)],
)
def test_it_fails_at_the_given_stage(stage: str, error: type[Exception], tmp_path: Path) -> None:
    backend = FakeBackend(FakeOptions(store=tmp_path, fail=stage))
    with pytest.raises(error, match=stage):
        answers(backend, backend.tuner.tune(experiment(), TRAIN))


def test_instances_without_options_share_nothing() -> None:
    one, other = FakeBackend(), FakeBackend()
    one.deployer.deploy(one.tuner.tune(experiment(), TRAIN), "x")
    assert other.deployer.list() == ()
