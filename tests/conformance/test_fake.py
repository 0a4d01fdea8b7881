"""The fake backend passes the suite, with all capabilities, with no optional one, and as others."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tunesmith.errors import UnsupportedError
from tunesmith.testing.conformance import BackendConformance
from tunesmith.testing.fake import FAKE_MODEL, FakeBackend, FakeOptions, FakePredictor

EXPERIMENT = {
    "base_model": FAKE_MODEL,
    "method": {
        "name": "prompt_tuning",
        "num_epochs": 60,
        "batch_size": 3,
        "accumulate_steps": 2,
        "verbalizer": "classify {0, 1} {{input}} =",
    },
}
PROMPTING = {"base_model": FAKE_MODEL, "method": {"name": "zero_shot"}}


class PlainFake(FakeBackend):
    declares: ClassVar = {
        "base_inference": False,
        "base_label_scores": False,
        "generation_parameters": frozenset(),
        "label_scores": False,
        "max_training_rows": 100,
        "resumable": False,
        "streaming": False,
        "tokenize": False,
        "validation": False,
    }


class PromptedFake(FakeBackend):
    """Tunes nothing: the base model writes and decides."""

    declares: ClassVar = {"methods": (), "hyperparameters": {}, "auto_settings": frozenset(),
                          "resumable": False, "cancellable": False, "validation": False,
                          "label_scores": False, "learning_curve": False}  # fmt: skip


class NoText(FakePredictor):
    def generate(self, target, inputs, params=None):
        raise UnsupportedError("inference: this backend writes no text, it only decides")

    def stream(self, target, text, params=None):
        raise UnsupportedError("streaming: this backend writes no text")


class DecidingFake(FakeBackend):
    """Writes no text: tuned and untuned model give probabilities of labels."""

    declares: ClassVar = {"inference": False, "base_inference": False, "streaming": False,
                          "generation_parameters": frozenset()}  # fmt: skip

    @property
    def predictor(self):
        return NoText(self)


class PromptedDecidingFake(DecidingFake):
    """Tunes nothing and writes nothing: the base model decides."""

    declares: ClassVar = {**PromptedFake.declares, **DecidingFake.declares}


class TestFake(BackendConformance):
    backend_class = FakeBackend
    experiment_values: ClassVar = EXPERIMENT

    @pytest.fixture
    @classmethod
    def failing_job(cls, tmp_path):
        with FakeBackend(FakeOptions(store=tmp_path, fail="tune")) as backend:
            yield backend.tuner.submit(cls.experiment(), cls.train_rows)


class TestPlainFake(BackendConformance):
    backend_class = PlainFake
    experiment_values: ClassVar = EXPERIMENT


class TestPromptedFake(BackendConformance):
    backend_class = PromptedFake
    experiment_values: ClassVar = PROMPTING


class TestDecidingFake(BackendConformance):
    backend_class = DecidingFake
    experiment_values: ClassVar = EXPERIMENT


class TestPromptedDecidingFake(BackendConformance):
    backend_class = PromptedDecidingFake
    experiment_values: ClassVar = PROMPTING
