"""The local backend runs the suite that every backend runs."""

from __future__ import annotations

from typing import ClassVar

from tunesmith.testing.conformance import BackendConformance
from tunesmith_local.backend import LocalBackend


class TestLocal(BackendConformance):
    backend_class = LocalBackend
    backend_options: ClassVar = {"device": "cpu", "offline": True}
    experiment_values: ClassVar = {
        "base_model": "tunesmith/micro-granite",
        "method": {
            "name": "prompt_tuning",
            "num_virtual_tokens": 8,
            "num_epochs": 6,
            "learning_rate": 0.01,
            "batch_size": 4,
            "accumulate_steps": 2,
            "init_method": "sample_vocab",
            "max_output_tokens": 8,
            "search_epochs": 20,
        },
    }
