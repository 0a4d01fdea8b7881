"""A real model behind the emulator calls the right function, through the SDK, unscripted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from service_rest import MODEL_ID

from tunesmith_emulator import Emulator

pytestmark = pytest.mark.slow
REAL = "HuggingFaceTB/SmolLM2-135M-Instruct"


def function(name: str, description: str, **properties: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": [*properties],
    }
    described = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": described}


WEATHER = function("get_weather", "Get weather report for a city", location="string")
ADD = function("add", "Adds a and b.", a="integer", b="integer")
MULTIPLY = function("multiply", "Multiplies a and b.", a="integer", b="integer")


@pytest.fixture(scope="module")
def model() -> Iterator[Any]:
    smollm2 = pytest.importorskip("tunesmith_smollm2.cache")
    if not smollm2.is_available():
        pytest.skip("the weights of SmolLM2 are not installed")
    from ibm_watsonx_ai import APIClient, Credentials
    from ibm_watsonx_ai.foundation_models import ModelInference

    with Emulator("local", stand_in=REAL, chat_prompts=True) as running:
        client = APIClient(Credentials(**running.credentials), project_id=running.project_id)
        yield ModelInference(model_id=MODEL_ID, api_client=client, validate=False)
        client.httpx_client.close()


def said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def calls_of(answer: Any) -> list[tuple[str, Any]]:
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == ""
    return [
        (call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in choice["message"]["tool_calls"]
    ]


def test_the_right_function_is_called_with_the_right_arguments(model: Any) -> None:
    answer = model.chat(messages=said("What is 3 * 12?"), tools=[ADD, MULTIPLY])
    assert calls_of(answer) == [("multiply", {"a": 3, "b": 12})]


def test_a_question_that_needs_no_function_gets_a_text(model: Any) -> None:
    asked = said("Who was the famous painter from Italy?")
    answer = model.chat(messages=asked, tools=[ADD, MULTIPLY], params={"max_tokens": 10})
    assert answer["choices"][0]["message"]["content"]
    assert "tool_calls" not in answer["choices"][0]["message"]


def test_two_requests_are_two_streamed_calls(model: Any) -> None:
    asked = said("What is the weather in Boston and what is 3 + 4?")
    deltas = [
        call
        for chunk in model.chat_stream(messages=asked, tools=[WEATHER, ADD])
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls", [])
    ]
    first, second = (
        "".join(call["function"]["arguments"] for call in deltas if call["index"] == index)
        for index in (0, 1)
    )
    assert [call["function"]["name"] for call in deltas if "id" in call] == ["get_weather", "add"]
    assert json.loads(first) == {"location": "Boston"}
    assert json.loads(second).keys() == {"a", "b"}


def test_a_result_is_answered_and_not_asked_for_again(model: Any) -> None:
    called = model.chat(messages=said("What is 3 + 12?"), tools=[ADD, MULTIPLY])
    message = called["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "15"}
    answer = model.chat(
        messages=[*said("What is 3 + 12?"), message, result], tools=[ADD], params={"max_tokens": 20}
    )
    assert "15" in answer["choices"][0]["message"]["content"]


def test_a_question_is_answered_in_the_models_own_template(model: Any) -> None:
    question = "What is the capital of France?"
    assert "Paris" in model.generate_text(question, params={"max_new_tokens": 10})
    # A prompt whose tokens are asked for is read as it is: this model ends it at once.
    options = {"return_options": {"input_tokens": True}}
    (result,) = model.generate(question, params=options)["results"]
    assert len(result["input_tokens"]) == result["input_token_count"] == 7
    assert result["generated_text"] == ""


def test_json_is_what_was_asked_for(model: Any) -> None:
    params = {"response_format": {"type": "json_object"}}
    answer = model.chat(messages=said("Return this as json: {'a': 1}"), params=params)
    assert json.loads(answer["choices"][0]["message"]["content"]) == {"a": 1}
