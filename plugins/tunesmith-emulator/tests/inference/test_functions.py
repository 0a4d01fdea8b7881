"""Functions and formats in the shape of the service, over the embedded model.

The embedded model understands no question, so that only the structure is asserted here.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

MODEL = "ibm/granite-13b-instruct-v2"
SAVE = {
    "type": "function",
    "function": {
        "name": "save",
        "description": "Saves a person.",
        "parameters": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            "required": ["name", "age"],
        },
    },
}
ECHO = {"type": "function", "function": {"name": "echo"}}


def chat_body(text: str, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model_id": MODEL, "project_id": "p", "messages": messages, **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_choice_option": "required"},
        {"tool_choice": "required"},
        {"tool_choice": {"type": "function", "function": {"name": "save"}}},
    ],
)
def test_a_call_has_the_shape_of_the_service(local: Any, fields: dict[str, Any]) -> None:
    answer = local.chat("Erick, 27 years old", tools=[SAVE], **fields)
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == ""
    (call,) = choice["message"]["tool_calls"]
    assert call["type"] == "function"
    assert call["id"]
    assert call["function"]["name"] == "save"
    arguments = json.loads(call["function"]["arguments"])
    assert isinstance(arguments["name"], str)
    assert isinstance(arguments["age"], int)


def test_a_stream_of_a_call_joins_to_the_call(local: Any) -> None:
    body = chat_body("Erick", tools=[SAVE], tool_choice_option="required")
    (whole,) = local.chat("Erick", tools=[SAVE], tool_choice_option="required")["choices"]
    *events, last = [event["data"] for event in local.events("text/chat_stream", body)]
    deltas = [
        call for event in events for call in event["choices"][0]["delta"].get("tool_calls", [])
    ]
    joined = "".join(call["function"]["arguments"] for call in deltas)
    assert joined == whole["message"]["tool_calls"][0]["function"]["arguments"]
    assert [call.get("id") is not None for call in deltas] == [True] + [False] * (len(deltas) - 1)
    assert deltas[0]["function"]["name"] == "save"
    assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert last["usage"]["completion_tokens"] > 0


def test_a_call_is_streamed_in_one_piece_if_the_service_does_so(local: Any) -> None:
    local.entries["acme/whole"] = replace(local.entries[MODEL], whole_calls=True)
    body = chat_body("Erick", tools=[SAVE], tool_choice_option="required")
    by_token, whole = (
        [
            call
            for event in local.events("text/chat_stream", body | {"model_id": model})
            for choice in event["data"]["choices"]
            for call in choice["delta"].get("tool_calls", [])
        ]
        for model in (MODEL, "acme/whole")
    )
    joined = "".join(call["function"]["arguments"] for call in by_token)
    assert len(by_token) > 2
    assert [call["function"] for call in whole] == [
        {"name": "save", "arguments": ""},
        {"name": "", "arguments": joined},
    ]
    assert whole[0]["id"]
    assert [call["index"] for call in whole] == [0, 0]


def test_a_function_without_parameters_gets_an_empty_object(local: Any) -> None:
    answer = local.chat("Echo!", tools=[ECHO], tool_choice="required")
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {}


def test_a_tuned_model_keeps_a_format_and_calls_nothing(local: Any) -> None:
    body = {"messages": [{"role": "user", "content": "Gentle."}]}
    path = "deployments/tuned/text/chat"
    guided = local.post(path, {**body, "guided_choice": ["maybe"]}).json()
    assert guided["choices"][0]["message"]["content"] == "maybe"
    error = local.refusal(path, {**body, "tools": [SAVE], "tool_choice": "required"})
    assert error["code"] == "unsupported"
    assert error["target"]["name"] == "tool_choice"


def test_several_choices_are_counted_once_for_the_prompt(local: Any) -> None:
    answer = local.chat("Write a review.", n=2, temperature=1.5, seed=3, max_tokens=5)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    one = local.chat("Write a review.", max_tokens=5)
    assert answer["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]
    asked = chat_body("Write a review.", n=2, temperature=1.5, seed=3, max_tokens=5)
    texts = ["", ""]
    for event in local.events("text/chat_stream", asked)[:-1]:
        (choice,) = event["data"]["choices"]
        texts[choice["index"]] += choice["delta"].get("content", "")
    assert texts == [choice["message"]["content"] for choice in answer["choices"]]


def test_a_schema_that_cannot_be_kept_is_refused_with_field_and_reason(local: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"not": {"const": 1}}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    for path in ("text/chat", "text/chat_stream"):
        error = local.refusal(path, chat_body("Hi", response_format=wanted))
        assert error["target"]["name"] == "response_format"
        assert "not" in error["message"]


def test_a_backend_without_constraints_refuses_by_name(sklearn: Any) -> None:
    body = {"messages": [{"role": "user", "content": "Gentle."}], "guided_choice": ["a"]}
    error = sklearn.refusal("deployments/tuned/text/chat", body)
    assert error["target"]["name"] == "guided_choice"
