"""The fake backend passes the suite, with all capabilities and with no optional one."""

from __future__ import annotations

from typing import ClassVar

from tunesmith.testing.conformance import BackendConformance
from tunesmith.testing.fake import FAKE_MODEL, FakeBackend

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


class TestFake(BackendConformance):
    backend_class = FakeBackend
    experiment_values: ClassVar = EXPERIMENT


class TestPlainFake(BackendConformance):
    backend_class = PlainFake
    experiment_values: ClassVar = EXPERIMENT
