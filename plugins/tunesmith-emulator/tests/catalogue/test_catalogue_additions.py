"""A catalogue that the user extends: new ids, other facts, every id."""

from __future__ import annotations

from pathlib import Path

import pytest
from catalogue_questions import TUNABLE, Make, functions_of, ids, spec_of, stages_of

from tunesmith.errors import ExperimentError
from tunesmith_emulator.catalogue.additions import parse_models, read_models
from tunesmith_emulator.emulator import Emulator
from tunesmith_emulator.envelope import ServiceError

OWN = "tunesmith/micro-granite"
NEW, KNOWN = "acme/house-model-2", "ibm/granite-13b-instruct-v2"


def test_a_new_id_is_listed_and_found_with_the_model_that_answers(make: Make) -> None:
    catalogue = make(models={NEW: OWN})
    spec = spec_of(catalogue, NEW)
    assert (spec["provider"], spec["label"]) == ("acme", "house-model-2")
    assert spec["tunesmith"]["stand_in"] == OWN
    assert "added to the catalogue" in spec["long_description"]
    assert functions_of(catalogue, NEW) >= {"text_chat", "text_generation"}
    assert catalogue.find(NEW).served_by == OWN
    assert catalogue.added == {NEW: ""}


def test_a_new_id_is_available_and_tunable_on_every_day(make: Make) -> None:
    catalogue = make("2026-06-01", models={NEW: OWN})
    assert NEW in ids(catalogue, TUNABLE)
    assert stages_of(catalogue, NEW) == {"available": None}
    assert spec_of(catalogue, NEW)["tunesmith"]["addition"]
    assert catalogue.find(NEW).warnings == []


def test_given_facts_are_advertised_and_applied(make: Make) -> None:
    facts = {"base": OWN, "max_sequence_length": 300, "max_output_tokens": 40, "chat": False}
    catalogue = make(models={NEW: facts, KNOWN: facts})
    for model_id in (NEW, KNOWN):
        limits = spec_of(catalogue, model_id)["model_limits"]
        assert (limits["max_sequence_length"], limits["max_output_tokens"]) == (300, 40)
        assert "text_chat" not in functions_of(catalogue, model_id)
        entry = catalogue.find(model_id)
        assert (entry.max_sequence_length, entry.max_new_tokens) == (300, 40)
    assert spec_of(catalogue, KNOWN)["provider"] == "IBM"
    assert stages_of(catalogue, KNOWN) == {"available": "2023-12-01"}


def test_an_advertised_length_is_no_more_than_the_answering_model_reads(make: Make) -> None:
    catalogue = make(models={NEW: {"base": OWN, "max_sequence_length": 100_000}})
    assert spec_of(catalogue, NEW)["model_limits"]["max_sequence_length"] == 1024


def test_without_a_base_the_stand_in_answers(make: Make) -> None:
    catalogue = make(models={NEW: {"provider": "Acme"}}, stand_in=OWN)
    assert catalogue.served_by(NEW) == OWN


def test_every_id_is_served_if_asked_for_and_listed_from_then_on(make: Make) -> None:
    catalogue = make(any_model=True)
    assert NEW not in ids(catalogue)
    assert catalogue.find(NEW).served_by == OWN
    assert NEW in ids(catalogue)
    assert ids(catalogue, "modelid_acme/another") == {"acme/another"}
    catalogue.reset()
    assert NEW not in ids(catalogue)


def test_every_id_does_not_mean_every_text_or_another_day(make: Make) -> None:
    catalogue = make("2026-06-01", any_model=True)
    with pytest.raises(ServiceError, match="no such model"):
        catalogue.find("not an id")
    with pytest.raises(ServiceError, match="withdrawn on 2025-10-15"):
        catalogue.find(KNOWN)


def test_a_near_miss_is_named_but_served(make: Make) -> None:
    near = make(models={"ibm/granite-3.8b-instruct": OWN}).added["ibm/granite-3.8b-instruct"]
    assert "Did you mean 'ibm/granite-3-8b-instruct'" in near


def test_the_option_has_facts_behind_the_base() -> None:
    assert parse_models([f"{NEW}={OWN},max_sequence_length=4096,chat=false", "x=a,b/c"]) == {
        NEW: {"base": OWN, "max_sequence_length": 4096, "chat": False},
        "x": {"base": "a,b/c"},
    }
    with pytest.raises(ExperimentError, match=r"--model acme: expected ID=NAME"):
        parse_models(["acme"])
    with pytest.raises(ExperimentError, match="x is there twice"):
        parse_models(["x=a", "x=b"])


def test_a_wrong_fact_is_named() -> None:
    with pytest.raises(ExperimentError, match="max_sequence_length"):
        Emulator(models={NEW: {"base": OWN, "max_sequence_length": "long"}})
    with pytest.raises(ExperimentError, match="no such key"):
        Emulator(models=parse_models([f"{NEW}={OWN},color=red"]))
    with pytest.raises(ExperimentError, match=r"models\.not an id"):
        Emulator(models={"not an id": OWN})


def test_a_file_has_many_models(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(f"models:\n  {NEW}: {OWN}\n  {KNOWN}: {{max_output_tokens: 5}}\n")
    models = read_models(file)
    assert models[NEW].base == OWN
    assert models[KNOWN].facts == {"max_output_tokens": 5}
    file.write_text(f"models:\n  {NEW}: {{max_output_tokens: none}}\n")
    with pytest.raises(ExperimentError, match=rf"models.yaml: models.{NEW}.max_output_tokens"):
        read_models(file)
    with pytest.raises(ExperimentError, match=r"model.yaml: no such file. Did you mean 'models"):
        read_models(tmp_path / "model.yaml")


def test_the_catalogue_has_the_ids_of_the_recorded_lists(make: Make) -> None:
    """The text models of the eu-de answer of mid-2025, and of the us-south list of April 2026."""
    assert ids(make("2025-06-25"), "!lifecycle_withdrawn") >= {
        "core42/jais-13b-chat", "google/flan-t5-xxl", "ibm/granite-20b-code-instruct",
        "ibm/granite-3-2b-instruct", "meta-llama/llama-3-2-90b-vision-instruct",
        "mistralai/mistral-large", "mistralai/mixtral-8x7b-instruct-v01", "mistralai/pixtral-12b",
    }  # fmt: skip
    assert ids(make("2026-04-20"), "!lifecycle_withdrawn") == {
        "ibm/granite-3-1-8b-base", "ibm/granite-4-h-small", "ibm/granite-8b-code-instruct",
        "ibm/granite-guardian-3-8b", "meta-llama/llama-3-1-70b-gptq", "meta-llama/llama-3-1-8b",
        "meta-llama/llama-3-2-11b-vision-instruct", "meta-llama/llama-3-3-70b-instruct",
        "meta-llama/llama-4-maverick-17b-128e-instruct-fp8",
        "meta-llama/llama-guard-3-11b-vision", "mistral-large-2512",
        "mistralai/mistral-medium-2505", "mistralai/mistral-small-3-1-24b-instruct-2503",
        "openai/gpt-oss-120b",
    }  # fmt: skip


def test_a_model_that_only_is_tuned_is_not_advertised_for_text(make: Make) -> None:
    catalogue = make()
    assert functions_of(catalogue, "ibm/granite-3-1-8b-base") == {"lora_fine_tune_trainable"}
