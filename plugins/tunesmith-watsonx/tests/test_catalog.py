"""The backend declares what the service advertises for a model."""

from __future__ import annotations

import pytest

from tunesmith.spec import CHAT_PARAMETERS, GenerationParams
from tunesmith_watsonx.catalog import Spec

TUNABLE = {
    "model_id": "ibm/granite-13b-instruct-v2",
    "label": "granite-13b-instruct-v2",
    "short_description": "A model for business.",
    "functions": [{"id": "prompt_tune_trainable"}, {"id": "text_generation"}],
    "model_limits": {"max_sequence_length": 8192, "training_data_max_records": 10000},
    "lifecycle": [
        {"id": "available", "start_date": "2023-12-01"},
        {
            "id": "withdrawn",
            "start_date": "2025-10-15",
            "alternative_model_ids": ["ibm/granite-3-3-8b-instruct"],
        },
    ],
    "training_parameters": {
        "init_method": {"supported": ["random", "text"], "default": "random"},
        "num_virtual_tokens": {"supported": [20, 50, 100], "default": 100},
        "num_epochs": {"default": 20, "min": 1, "max": 50},
        "learning_rate": {"default": 0.3, "min": 0.00001, "max": 0.5},
        "batch_size": {"default": 16, "min": 1, "max": 16},
        "accumulate_steps": {"default": 16, "min": 1, "max": 128},
        "max_input_tokens": {"default": 256, "min": 1, "max": 256},
        "max_output_tokens": {"default": 128, "min": 1, "max": 128},
    },
}
EMULATED = {
    "emulated": True,
    "stand_in": "tunesmith/micro-granite",
    "backend": "local",
    "seed": 0,
    "stand_in_method": "tfidf_logreg",
}


def spec(**changes):
    return Spec(TUNABLE["model_id"], {**TUNABLE, **changes})


def test_ranges_are_those_of_the_service():
    ranges = spec().capabilities.hyperparameters
    assert ranges["learning_rate"].minimum == 1e-5
    assert ranges["num_epochs"].maximum == 50
    assert ranges["init_method"].choices == ("random", "text")


def test_the_sdk_cannot_set_the_number_of_virtual_tokens():
    allowed = spec().capabilities.hyperparameters["num_virtual_tokens"]
    assert allowed.accepts(100)
    assert not allowed.accepts(50)


@pytest.mark.parametrize("name", ["optimizer", "lr_schedule", "early_stopping_patience"])
def test_parameters_unknown_to_the_service_are_not_declared(name):
    assert name not in spec().capabilities.hyperparameters


def test_documented_ranges_apply_if_the_service_lists_none():
    ranges = spec(training_parameters={}).capabilities.hyperparameters
    assert (ranges["learning_rate"].minimum, ranges["learning_rate"].maximum) == (1e-5, 0.5)


def test_declared_abilities():
    capabilities = spec().capabilities
    assert capabilities.methods == ("prompt_tuning",)
    assert capabilities.max_training_rows == 10000
    assert capabilities.generation_parameters == (
        set(GenerationParams.model_fields) - CHAT_PARAMETERS
    )
    declared = {capabilities.seeded, capabilities.validation, capabilities.label_scores}
    assert declared == {False}


def test_the_real_service_costs_money_and_an_emulator_does_not():
    real, emulated = spec().capabilities, spec(tunesmith=EMULATED).capabilities
    assert (real.remote, real.costs_money, real.emulated) == (True, True, False)
    assert (emulated.remote, emulated.costs_money, emulated.emulated) == (True, False, True)


def test_an_emulator_can_report_the_capabilities_of_its_backend():
    told = {**EMULATED, "generation_parameters": ["max_new_tokens"], "tokenize": False}
    capabilities = spec(tunesmith=told).capabilities
    assert capabilities.generation_parameters == {"max_new_tokens"}
    assert not capabilities.tokenize
    assert not capabilities.learning_curve


def test_a_model_that_is_not_tunable_offers_no_method():
    only_text = spec(functions=[{"id": "text_generation"}]).capabilities
    assert only_text.methods == ()
    assert only_text.hyperparameters == {}
    assert only_text.base_inference
    assert not spec(functions=[{"id": "embedding"}]).capabilities.base_inference


def test_the_stand_in_is_named():
    assert spec(tunesmith=EMULATED).info.stand_in == "tunesmith/micro-granite"
    assert spec().info.stand_in is None


def test_notes_for_the_reader_of_a_run():
    assert spec(tunesmith=EMULATED, lifecycle=[]).notes() == [
        "made through the emulator over 'local'",
        "the emulator tuned with the method 'tfidf_logreg' in its place",
    ]
    assert spec().notes() == [
        "the service lists 'ibm/granite-13b-instruct-v2' as withdrawn from 2025-10-15 "
        "(alternatives: ibm/granite-3-3-8b-instruct)"
    ]
