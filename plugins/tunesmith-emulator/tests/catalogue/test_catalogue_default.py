"""The default catalogue: every model is available, although a stand-in answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from catalogue_questions import TUNABLE, Make, functions_of, ids, spec_of, stages_of

from tunesmith.plugins import registry
from tunesmith_emulator.catalogue.model import catalogue_file
from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.envelope import ServiceError

OWN = "tunesmith/micro-granite"
ARTICLE, NOTEBOOK = "ibm/granite-3-8b-instruct", "ibm/granite-13b-instruct-v2"


def test_the_articles_and_the_notebooks_model_can_both_be_tuned(today: Catalogue) -> None:
    tunable = ids(today, TUNABLE)
    assert {ARTICLE, NOTEBOOK, OWN, "google/flan-t5-xl"} <= tunable
    assert "ibm/granite-4-h-small" not in tunable


def test_models_that_the_service_never_offered_are_marked_as_additions(today: Catalogue) -> None:
    article, notebook, own = (spec_of(today, i) for i in (ARTICLE, NOTEBOOK, OWN))
    assert article["tunesmith"]["addition"]
    assert own["tunesmith"]["addition"]
    assert not notebook["tunesmith"]["addition"]
    assert "addition of this emulator" in article["long_description"]
    assert own["provider"] == "tunesmith"


def test_there_is_no_stand_in_if_no_base_model_answers(make: Make) -> None:
    specs = make(backend="sklearn").specs()
    assert {spec["tunesmith"]["stand_in"] for spec in specs} == {None}
    assert {spec["tunesmith"]["stand_in_method"] for spec in specs} == {"tfidf_logreg"}


def test_nothing_is_deprecated_or_withdrawn(today: Catalogue) -> None:
    assert ids(today) == ids(today, "lifecycle_available") == ids(today, "!lifecycle_withdrawn")
    assert stages_of(today, NOTEBOOK) == {"available": "2023-12-01"}
    assert stages_of(today, OWN) == {"available": None}
    assert today.find(NOTEBOOK).warnings == []


def test_every_entry_is_marked_as_emulated_and_names_the_answering_model(make: Make) -> None:
    embedded = {name for name, entry in registry().base_models().items() if entry.path}
    for spec in make(seed=7).specs():
        ours = spec["tunesmith"]
        assert ours["emulated"] is True
        assert (ours["backend"], ours["seed"], ours["stand_in_method"]) == ("local", 7, None)
        assert ours["stand_in"] == (None if spec["model_id"] in embedded else OWN)


def test_an_entry_has_the_recorded_shape(today: Catalogue) -> None:
    spec = spec_of(today, NOTEBOOK)
    assert spec["functions"] == [
        {"id": "lora_fine_tune_trainable"},  # the backend can, and every model is available
        {"id": "prompt_tune_inferable"},
        {"id": "prompt_tune_trainable"},
        {"id": "text_generation"},
    ]
    assert spec["model_limits"] == {
        # Of the stand-in; the real model has 8192 and 8191.
        "max_sequence_length": 1024,
        "max_output_tokens": 1023,
        "training_data_max_records": 10000,
    }
    assert spec["limits"]["lite"] == {"call_time": "5m0s", "max_output_tokens": 1023}
    assert spec["task_ids"] == [task["id"] for task in spec["tasks"]]
    rates = spec["training_parameters"]["learning_rate"]
    assert rates == {"default": 0.0002, "min": 0.00001, "max": 0.5}
    assert spec["training_parameters"]["num_virtual_tokens"] == {
        "supported": [20, 50, 100],
        "default": 100,
    }


def test_a_task_lists_tuning_and_its_defaults(today: Catalogue) -> None:
    tasks = {task["id"]: task for task in spec_of(today, NOTEBOOK)["tasks"]}
    assert tasks["classification"]["tags"] == ["function_prompt_tune_trainable"]
    assert tasks["classification"]["ratings"] == {"quality": 3}
    assert tasks["classification"]["training_parameters"]["learning_rate"]["default"] == 0.0006
    assert "tags" not in tasks["extraction"]
    entry = today.find(NOTEBOOK)
    assert entry.parameters_for("classification") == tasks["classification"]["training_parameters"]
    assert entry.parameters_for("extraction") == entry.training_parameters


def test_a_model_without_prompt_tuning_shows_nothing_of_it(today: Catalogue) -> None:
    spec = spec_of(today, "ibm/granite-4-h-small")
    assert "training_parameters" not in spec
    assert "training_data_max_records" not in spec["model_limits"]
    assert not any("tags" in task for task in spec["tasks"])
    functions = functions_of(today, "ibm/granite-4-h-small")
    assert functions == {"lora_fine_tune_trainable", "text_chat", "text_generation"}


def test_a_backend_without_base_inference_offers_tuning_only(make: Make) -> None:
    catalogue = make(backend="sklearn")
    assert functions_of(catalogue, NOTEBOOK) == {"prompt_tune_inferable", "prompt_tune_trainable"}
    assert functions_of(catalogue, "ibm/granite-4-h-small") == set()
    assert ids(catalogue, "function_text_generation,function_text_chat:or") == set()


def test_the_method_that_replaces_prompt_tuning_is_named(make: Make) -> None:
    ours = spec_of(make(backend="sklearn"), NOTEBOOK)["tunesmith"]
    assert ours["stand_in_method"] == "tfidf_logreg"


def test_a_found_entry_has_the_requirements_of_a_training(today: Catalogue) -> None:
    entry = today.find(ARTICLE)
    assert (entry.model_id, entry.served_by, entry.tunable) == (ARTICLE, OWN, True)
    assert (entry.max_sequence_length, entry.max_new_tokens) == (131072, 8192)
    assert entry.training_parameters["num_epochs"] == {"default": 20, "min": 1, "max": 50}
    assert today.find(OWN).served_by == OWN


def test_an_unknown_model_is_not_found_and_near_misses_are_named(today: Catalogue) -> None:
    with pytest.raises(ServiceError, match="ibm/granite-13b-instruct-v2") as refused:
        today.find("ibm/granite-13b-instruct")
    assert (refused.value.status, refused.value.code) == (404, "model_not_supported")


def test_configuration_names_the_answering_model(make: Make) -> None:
    folder = Path(str(_micro_granite()))
    catalogue = make(models={NOTEBOOK: str(folder)}, stand_in="tunesmith/micro-granite")
    assert catalogue.served_by(NOTEBOOK) == str(folder)
    assert catalogue.served_by(ARTICLE) == OWN
    assert catalogue.find(NOTEBOOK).tunable


def test_a_path_of_this_machine_is_not_shown(make: Make) -> None:
    folder = Path(str(_micro_granite()))
    assert spec_of(make(models={NOTEBOOK: str(folder)}), NOTEBOOK)["tunesmith"]["stand_in"] == (
        folder.name
    )


def test_the_same_weights_under_their_own_name_are_no_stand_in(make: Make) -> None:
    models = {
        "google/flan-t5-xl": "google/flan-t5-xl",
        "ibm/granite-3-3-8b-instruct": "ibm-granite/granite-3.3-8b-instruct",
        NOTEBOOK: "ibm-granite/granite-3.3-8b-instruct",
    }
    catalogue = make(backend="sklearn", models=models)
    assert catalogue.stand_in("google/flan-t5-xl") is None
    assert catalogue.stand_in("ibm/granite-3-3-8b-instruct") is None
    assert catalogue.stand_in(NOTEBOOK) == "ibm-granite/granite-3.3-8b-instruct"


def test_a_missing_model_is_an_error_and_does_not_affect_the_others(make: Make) -> None:
    options = {"offline": True}
    catalogue = make(backend_options=options, models={NOTEBOOK: "nobody/no-such-model"})
    spec = spec_of(catalogue, NOTEBOOK)
    assert spec["functions"] == []
    assert "nobody/no-such-model" in spec["tunesmith"]["problem"]
    assert ARTICLE in ids(catalogue, TUNABLE)
    with pytest.raises(ServiceError, match="nobody/no-such-model") as refused:
        catalogue.find(NOTEBOOK)
    assert refused.value.status == 404


def test_tasks_have_the_labels_that_the_sdk_makes_names_of(today: Catalogue) -> None:
    labels = {task["task_id"]: task["label"] for task in today.tasks()}
    assert labels["classification"] == "Classification"
    assert labels["retrieval_augmented_generation"] == "Retrieval-Augmented Generation"
    assert {t for m in catalogue_file().models for t in m.tasks} <= set(labels)


def _micro_granite() -> Path:
    from tunesmith.plugins import import_target

    entry = registry().base_models()[OWN]
    assert entry.path is not None
    return import_target(entry.path)()
