"""Over a backend that honors no generation parameter: defaults pass, the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest

TEXT = "Rude, dirty, and they hurt my dog. Never again."
MODEL = "ibm/granite-13b-instruct-v2"


def messages(answer: dict[str, Any]) -> list[str]:
    return [warning["message"] for warning in answer["system"]["warnings"]]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"decoding_method": "greedy", "max_new_tokens": 20, "min_new_tokens": 0},
        {"repetition_penalty": 1.0, "temperature": 1.0, "top_p": 1.0, "stop_sequences": []},
        {"truncate_input_tokens": 0, "include_stop_sequence": True, "random_seed": 4},
        {"return_options": {"generated_tokens": False}},
        {"decoding_method": "sample", "temperature": 0},
    ],
)
def test_values_that_change_nothing_are_accepted(sklearn: Any, parameters: dict[str, Any]) -> None:
    assert sklearn.tuned(TEXT, **parameters)["results"] == sklearn.tuned(TEXT)["results"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decoding_method", "sample"),
        ("max_new_tokens", 0),
        ("min_new_tokens", 1),
        ("stop_sequences", ["a"]),
        ("repetition_penalty", 1.1),
        ("truncate_input_tokens", 5),
        ("time_limit", 1000),
        ("length_penalty", {"decay_factor": 1.5}),
        ("return_options", {"generated_tokens": True, "token_logprobs": True}),
    ],
)
def test_values_that_would_change_something_are_refused(
    sklearn: Any, name: str, value: object
) -> None:
    body = {"input": TEXT, "parameters": {name: value}}
    error = sklearn.refusal("deployments/tuned/text/generation", body)
    assert error["target"]["name"] == f"parameters.{name}"
    assert "'sklearn'" in error["message"]


def test_the_tokens_of_a_text_classifier_are_words(sklearn: Any) -> None:
    answer = sklearn.tuned(TEXT)
    (result,) = answer["results"]
    assert result == {
        "generated_text": "0",
        "generated_token_count": 1,
        "input_token_count": len(TEXT.split()),
        "stop_reason": "eos_token",
    }
    assert "system" not in answer


def test_a_limit_that_is_not_applied_has_a_note(sklearn: Any) -> None:
    assert "system" not in sklearn.tuned(TEXT, max_new_tokens=2)  # "0" and its end fit
    assert any("not applied" in text for text in messages(sklearn.tuned(TEXT, max_new_tokens=1)))


def test_the_prompt_can_be_shown_by_any_backend(sklearn: Any) -> None:
    result = sklearn.tuned(TEXT, return_options={"input_text": True})["results"][0]
    assert result["generated_text"] == TEXT + "0"


def test_without_a_base_model_only_deployments_answer(sklearn: Any) -> None:
    for path, body in (
        ("text/generation", {"input": "a"}),
        ("text/generation_stream", {"input": "a"}),
        ("text/chat", {"messages": [{"role": "user", "content": "a"}]}),
        ("text/tokenization", {"input": "a"}),
    ):
        error = sklearn.refusal(path, {"model_id": MODEL, "project_id": "p", **body})
        assert error["code"] == "unsupported"
        assert "'sklearn'" in error["message"]


def test_a_backend_that_cannot_stream_sends_one_piece(sklearn: Any) -> None:
    events = sklearn.events("deployments/tuned/text/generation_stream", {"input": TEXT})
    texts = [event["data"]["results"][0]["generated_text"] for event in events[1:]]
    assert texts == ["", "0"]
    assert events[-1]["data"]["results"][0]["stop_reason"] == "eos_token"


def test_chat_answers_with_the_label(sklearn: Any) -> None:
    body = {"messages": [{"role": "user", "content": TEXT}], "max_tokens": 50, "temperature": 0}
    answer = sklearn.post("deployments/tuned/text/chat", body).json()
    assert answer["choices"][0]["message"]["content"] == "0"
    assert answer["usage"] == {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("temperature", 0.7, "temperature"),
        ("seed", 7, "temperature"),
        ("stop", ["a"], "stop"),
        ("logprobs", True, "logprobs"),
        ("time_limit", 100, "time_limit"),
    ],
)
def test_chat_parameters_that_the_backend_lacks_are_refused(
    sklearn: Any, field: str, value: object, named: str
) -> None:
    body = {"messages": [{"role": "user", "content": TEXT}], field: value}
    error = sklearn.refusal("deployments/tuned/text/chat", body)
    assert error["target"]["name"] == named
