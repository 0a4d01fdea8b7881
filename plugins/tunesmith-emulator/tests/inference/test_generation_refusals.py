"""Text generation refuses wrong requests with the envelope, before it generates anything."""

from __future__ import annotations

from typing import Any

import pytest

MODEL = "ibm/granite-13b-instruct-v2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decoding_method", "beam"),
        ("max_new_tokens", -1),
        ("max_new_tokens", "20"),
        ("max_new_tokens", 2.5),
        ("max_new_tokens", True),
        ("min_new_tokens", -1),
        ("min_new_tokens", 21),
        ("stop_sequences", "stop"),
        ("stop_sequences", [1]),
        ("stop_sequences", [""]),
        ("stop_sequences", ["x", ""]),
        ("stop_sequences", list("abcdefg")),
        ("temperature", 2.1),
        ("temperature", "hot"),
        ("top_k", 0),
        ("top_k", 101),
        ("top_p", 0),
        ("top_p", 1.1),
        ("repetition_penalty", 0.9),
        ("repetition_penalty", 2.1),
        ("random_seed", 0),
        ("random_seed", 2**32),
        ("truncate_input_tokens", -1),
        ("time_limit", 0),
        ("time_limit", "1s"),
        ("length_penalty", {"decay_factor": 1.0}),
        ("length_penalty", {"start_index": -1}),
        ("length_penalty", {"factor": 2}),
        ("length_penalty", 2.0),
        ("include_stop_sequence", "yes"),
        ("return_options", {"generated_tokens": 1}),
        ("return_options", {"generated_tokens": True, "top_n_tokens": 6}),
        ("return_options", {"everything": True}),
        ("return_options", True),
        ("prompt_variables", {"name": "x"}),
    ],
)
def test_a_wrong_value_is_refused_by_name(local: Any, name: str, value: object) -> None:
    error = local.refused_parameter(**{name: value})
    assert error["target"] == {"type": "field", "name": f"parameters.{name}"}
    assert name in error["message"]
    assert error["code"] == "invalid_request_entity"


def test_tokens_that_the_backend_does_not_give_are_refused(sklearn: Any) -> None:
    for option in ("generated_tokens", "input_tokens"):
        asked = {"input": "Gentle.", "parameters": {"return_options": {option: True}}}
        for path in ("text/generation", "text/generation_stream"):
            error = sklearn.refusal(f"deployments/tuned/{path}", asked)
            assert error["target"] == {"type": "field", "name": "parameters.return_options"}
            assert option in error["message"]


def test_more_new_tokens_than_the_model_has_are_refused(local: Any) -> None:
    error = local.refused_parameter(max_new_tokens=257)
    assert error["code"] == "invalid_input_argument"
    assert f"Invalid input argument for Model '{MODEL}'" in error["message"]
    assert "257" in error["message"]
    assert "256" in error["message"]


def test_input_and_new_tokens_must_fit_together(local: Any) -> None:
    text = "gentle " * 400  # about one token a word; 512 fit
    assert local.result(text, max_new_tokens=5)["input_token_count"] > 400
    body = {"model_id": MODEL, "project_id": "p", "input": text,
            "parameters": {"max_new_tokens": 200}}  # fmt: skip
    error = local.refusal("text/generation", body)
    assert error["code"] == "invalid_input_argument"
    assert "512" in error["message"]


def test_a_huge_prompt_is_refused_unread(local: Any) -> None:
    before = local.engine.statistics
    body = {"model_id": MODEL, "project_id": "p", "input": "x" * 7_000_000}
    error = local.refusal("text/generation", body)
    assert "7000000 characters" in error["message"]
    deployed = {"input": "x" * 7_000_000}
    assert local.refusal("deployments/tuned/text/generation", deployed)
    chat = {"messages": [{"role": "user", "content": "x" * 7_000_000}]}
    assert local.refusal("deployments/tuned/text/chat", chat)
    assert local.refusal("text/tokenization", body)
    assert local.engine.statistics == before


def test_ten_megabytes_are_refused_by_their_length(local: Any) -> None:
    body = {"model_id": MODEL, "project_id": "p", "input": "x" * 10_000_000}
    assert local.refusal("text/generation", body, 413)["code"] == "request_entity_too_large"


def test_an_empty_prompt_of_a_base_model_is_refused(local: Any) -> None:
    body = {"model_id": MODEL, "project_id": "p", "input": ""}
    assert local.refusal("text/generation", body)["code"] == "invalid_input_argument"


@pytest.mark.parametrize("given", [None, 5, ["a"], {"text": "a"}])
def test_an_input_that_is_no_text_is_refused(local: Any, given: object) -> None:
    body = {"model_id": MODEL, "project_id": "p", "input": given}
    assert local.refusal("text/generation", body)["target"]["name"] == "input"


@pytest.mark.parametrize("given", [[], "greedy", 3])
def test_parameters_that_are_no_object_are_refused(local: Any, given: object) -> None:
    body = {"model_id": MODEL, "project_id": "p", "input": "a", "parameters": given}
    assert local.refusal("text/generation", body)["target"]["name"] == "parameters"


def test_unknown_models_and_deployments_are_not_found(local: Any) -> None:
    body = {"model_id": "ibm/none", "project_id": "p", "input": "a"}
    assert local.refusal("text/generation", body, 404)["code"] == "model_not_supported"
    for path in ("generation", "generation_stream", "chat", "chat_stream"):
        given = {"input": "a", "messages": [{"role": "user", "content": "a"}]}
        error = local.refusal(f"deployments/none/text/{path}", given, 404)
        assert error["code"] == "deployment_not_found"


def test_a_base_model_needs_a_scope_and_a_name(local: Any) -> None:
    assert "project_id" in local.refusal("text/generation", {"model_id": MODEL})["message"]
    error = local.refusal("text/generation", {"project_id": "p", "input": "a"})
    assert error["target"]["name"] == "model_id"


@pytest.mark.parametrize("named", ["model_id", "model", "space_id", "project_id"])
@pytest.mark.parametrize("path", ["generation", "generation_stream", "chat", "chat_stream"])
def test_a_deployment_takes_no_model_and_no_scope(local: Any, path: str, named: str) -> None:
    asked = {"input": "a", "messages": [{"role": "user", "content": "a"}]}
    for none in (None, ""):
        given = asked | {named: none}
        assert local.post(f"deployments/tuned/text/{path}", given).status_code == 200
    error = local.refusal(f"deployments/tuned/text/{path}", asked | {named: "x"})
    assert error["code"] == "json_validation_error"
    assert repr(named) in error["message"]


@pytest.mark.parametrize(
    ("moderations", "field"),
    [
        ({"granite_guardian": {"input": {"enabled": True}}}, "moderations.granite_guardian"),
        ({"hap": {"input": {"threshold": 2}}}, "moderations.hap.input.threshold"),
        ({"pii": {"output": {"enabled": "yes"}}}, "moderations.pii.output.enabled"),
        (True, "moderations"),
    ],
)
def test_wrong_moderations_are_refused(local: Any, moderations: object, field: str) -> None:
    body = {"model_id": MODEL, "project_id": "p", "input": "a", "moderations": moderations}
    assert local.refusal("text/generation", body)["target"]["name"] == field


def test_moderations_that_are_off_are_no_matter(local: Any) -> None:
    off = {"hap": {"input": {"enabled": False}, "output": {"enabled": False}}}
    body = {"input": "a", "moderations": off}
    assert local.post("deployments/tuned/text/generation", body).status_code == 200


def test_crypto_is_refused(local: Any) -> None:
    body = {"input": "a", "crypto": {"key_ref": "crn"}}
    assert local.refusal("deployments/tuned/text/generation", body)["target"]["name"] == "crypto"


def test_a_deployment_that_the_backend_lost_is_not_found(local: Any) -> None:
    served = local.ready["tuned"]
    lost = served.target.model_copy(update={"id": "00000000-0000-0000-0000-000000000000"})
    local.ready["lost"] = type(served)(lost)
    try:
        error = local.refusal("deployments/lost/text/generation", {"input": "a"}, 404)
    finally:
        del local.ready["lost"]
    assert error["code"] == "not_found"
