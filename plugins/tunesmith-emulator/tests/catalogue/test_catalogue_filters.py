"""``[!]KIND_VALUE[,…][:and|:or]``."""

from __future__ import annotations

import pytest

from tunesmith_emulator.catalogue.filters import parse
from tunesmith_emulator.envelope import ServiceError

FACTS = {
    "modelid": frozenset({"ibm/granite-3-8b-instruct"}),
    "provider": frozenset({"IBM"}),
    "source": frozenset({"IBM"}),
    "input_tier": frozenset({"class_1"}),
    "output_tier": frozenset({"class_2"}),
    "tier": frozenset({"class_1", "class_2"}),
    "task": frozenset({"classification", "retrieval_augmented_generation"}),
    "lifecycle": frozenset({"deprecated"}),
    "function": frozenset({"text_generation", "prompt_tune_trainable"}),
}


@pytest.mark.parametrize(
    "text",
    [
        "modelid_ibm/granite-3-8b-instruct",
        "provider_IBM",
        "source_IBM",
        "input_tier_class_1",
        "output_tier_class_2",
        "tier_class_1",
        "tier_class_2",
        "task_retrieval_augmented_generation",
        "lifecycle_deprecated",
        "function_prompt_tune_trainable",
        "!lifecycle_withdrawn",
        "function_prompt_tune_trainable,!lifecycle_withdrawn:and",
        "provider_Meta,provider_IBM:or",
        "provider_Meta,provider_IBM",
    ],
)
def test_matches(text: str) -> None:
    assert parse(text)(FACTS)


@pytest.mark.parametrize(
    "text",
    [
        "modelid_ibm/granite",
        "provider_ibm",
        "input_tier_class_2",
        "output_tier_class_1",
        "task_code",
        "lifecycle_available",
        "!lifecycle_deprecated",
        "provider_IBM,task_code:and",
        "provider_Meta,task_code:or",
        "!provider_IBM,task_code",
    ],
)
def test_does_not_match(text: str) -> None:
    assert not parse(text)(FACTS)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("granite", "'granite'"),
        ("colour_red", "'colour_red'"),
        ("provider_", "'provider_'"),
        ("!", "'!'"),
        ("", "''"),
        ("provider_IBM,", "''"),
        ("provider_IBM:xor", "'xor'"),
        ("provider_IBM:and:or", "'and:or'"),
        ("provider_IBM\nprovider_Meta", "provider_Meta"),
    ],
)
def test_a_malformed_filter_is_refused_and_named(text: str, named: str) -> None:
    with pytest.raises(ServiceError) as refused:
        parse(text)
    (error,) = refused.value.body()["errors"]
    assert refused.value.status == 400
    assert error["target"] == {"type": "parameter", "name": "filters"}
    assert named in error["message"]
