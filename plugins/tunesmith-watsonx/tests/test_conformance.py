"""The watsonx backend runs the suite that every backend runs, against the emulator."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tunesmith.spec import GenerationParams
from tunesmith.testing.conformance import BackendConformance
from tunesmith_emulator import Emulator
from tunesmith_watsonx.backend import WatsonxBackend
from tunesmith_watsonx.options import WatsonxOptions


class OverEmulator(BackendConformance):
    """One emulator for the class; every instance of the backend has the same store."""

    backend_class = WatsonxBackend
    emulated_backend: ClassVar[str]
    experiment_values: ClassVar = {
        "base_model": "ibm/granite-13b-instruct-v2",
        "method": {
            "name": "prompt_tuning",
            "num_epochs": 2,
            "learning_rate": 0.01,
            "batch_size": 4,
            "accumulate_steps": 2,
            "max_input_tokens": 64,
            "max_output_tokens": 8,
        },
    }

    @pytest.fixture(scope="class")
    @classmethod
    def emulator(cls):
        with Emulator(backend=cls.emulated_backend, seed=0) as emulator:
            emulator.set_pace(running=0.3)  # long enough for a training to be cancelled
            yield emulator

    @pytest.fixture(scope="class")
    @classmethod
    def make_backend(cls, store, emulator):
        given = {**emulator.credentials, "project_id": emulator.project_id, "store": store}
        options = WatsonxOptions.model_validate(given)
        return lambda: WatsonxBackend(options)


class TestOverLocal(OverEmulator):
    emulated_backend = "local"

    def test_the_stand_in_is_named(self, model):
        assert model.stand_in == "tunesmith/micro-granite"

    def test_tokens_are_returned_if_asked_for(self, backend, deployment):
        options = {"generated_tokens": True, "token_logprobs": True, "top_n_tokens": 2}
        params = GenerationParams(return_options=options)
        generation = backend.predictor.generate(deployment, ["Great!"], params)[0]
        assert len(generation.tokens) == generation.generated_token_count
        assert all(len(token.top_tokens) == 2 for token in generation.tokens)
        assert generation.tokens[0].logprob <= generation.tokens[0].top_tokens[0].logprob <= 0

    def test_the_curve_ends_as_the_summary_of_the_sdk(self, backend, model):
        connection = backend._connection
        with connection.tune_experiment() as tuning, connection.call("summary"):
            summary = tuning.runs.get_tuner(model.job_id).summary()
        assert model.curve.epochs[-1].loss == summary["loss"].iloc[0]


class TestOverSklearn(OverEmulator):
    emulated_backend = "sklearn"
