"""Functions, formats and several answers, through the ``openai`` client over the embedded model.

The embedded model understands no question, so that only the structure is asserted here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

import tunesmith
from tunesmith_serve.app import create_app
from tunesmith_serve.server import Server
from tunesmith_serve.service import Service
from tunesmith_serve.settings import Settings

MICRO = "tunesmith/micro-granite"
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}


def function(name: str, **parameters: Any) -> dict[str, Any]:
    described = {"name": name, "description": f"Does {name}.", "parameters": parameters}
    return {"type": "function", "function": described}


WEATHER = function("get_weather", type="object", properties={"city": {"type": "string"}})
SAVE = function("save", **PERSON)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    with tunesmith.connect("local", store=tmp_path_factory.mktemp("store")) as backend:
        service = Service(backend, MICRO, Settings()).load()
        server = Server(create_app(service), "127.0.0.1", 0, envelope=lambda text: text)
        server.start()
        with OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as made:
            yield made
        server.stop()
        service.close()


def ask(client: OpenAI, text: str = "Erick, 27 years old", **fields: Any) -> Any:
    messages: Any = fields.pop("messages", [{"role": "user", "content": text}])
    return client.chat.completions.create(model=MICRO, messages=messages, **fields)


def refusal(client: OpenAI, **fields: Any) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **fields)
    return caught.value


def test_a_required_call_follows_the_schema_of_one_of_the_functions(client: OpenAI) -> None:
    (choice,) = ask(client, tools=[WEATHER, SAVE], tool_choice="required").choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    for call in choice.message.tool_calls:
        arguments = json.loads(call.function.arguments)
        assert call.id
        assert (
            arguments.keys()
            <= {"get_weather": {"city"}, "save": {"name", "age"}}[call.function.name]
        )


def test_a_named_function_is_called(client: OpenAI) -> None:
    choice = {"type": "function", "function": {"name": "save"}}
    (call,) = ask(client, tools=[WEATHER, SAVE], tool_choice=choice).choices[0].message.tool_calls
    assert call.function.name == "save"
    arguments = json.loads(call.function.arguments)
    assert isinstance(arguments["name"], str)
    assert isinstance(arguments["age"], int)


def test_a_stream_of_a_call_joins_to_the_call(client: OpenAI) -> None:
    asked: Any = {"tools": [SAVE], "tool_choice": "required"}
    (whole,) = ask(client, **asked).choices[0].message.tool_calls
    chunks = [c.choices[0] for c in ask(client, **asked, stream=True)]
    assert chunks[0].delta.role == "assistant"
    assert not any(chunk.delta.content for chunk in chunks)
    deltas = [call for chunk in chunks for call in chunk.delta.tool_calls or []]
    assert len(deltas) > 2
    assert {call.index for call in deltas} == {0}
    assert [call.id is not None for call in deltas] == [True] + [False] * (len(deltas) - 1)
    assert deltas[0].function.name == "save"
    assert "".join(call.function.arguments for call in deltas) == whole.function.arguments
    assert chunks[-1].finish_reason == "tool_calls"


def test_nothing_is_called_if_nothing_may_be(client: OpenAI) -> None:
    plain = ask(client, max_tokens=5).choices[0].message
    kept = ask(client, max_tokens=5, tools=[SAVE], tool_choice="none").choices[0].message
    assert kept.tool_calls is None
    assert kept.content == plain.content


def test_a_call_that_does_not_fit_ends_at_the_limit(client: OpenAI) -> None:
    (choice,) = ask(client, tools=[SAVE], tool_choice="required", max_tokens=3).choices
    assert choice.finish_reason == "length"


def test_calls_and_their_results_are_read(client: OpenAI) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "save", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Save Erick."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "saved"},
    ]
    answer = ask(client, messages=messages, tools=[SAVE], max_tokens=5)
    # The one function has been called, and a function is called once for a message.
    assert answer.choices[0].message.tool_calls is None
    assert answer.usage.prompt_tokens > ask(client, "Save Erick.", max_tokens=1).usage.prompt_tokens


@pytest.mark.parametrize("left_out", [False, True])
def test_what_has_a_result_is_not_called_again(client: OpenAI, left_out: bool) -> None:
    fields: dict[str, Any] = {"tools": [WEATHER, SAVE], "tool_choice": "required"}
    user = {"role": "user", "content": "Erick, 27 years old"}
    (call,) = ask(client, messages=[user], **fields).choices[0].message.tool_calls
    answer = {"role": "assistant", "content": ""}
    if not left_out:
        answer["tool_calls"] = [call.model_dump()]
    result = {"role": "tool", "tool_call_id": call.id, "content": "done"}
    (choice,) = ask(client, messages=[user, answer, result], **fields).choices
    called = [one.function.name for one in choice.message.tool_calls or ()]
    assert call.function.name not in called


def test_a_schema_is_followed(client: OpenAI) -> None:
    short = PERSON | {"properties": PERSON["properties"] | {"name": {"enum": ["Ann", "Bo"]}}}
    described = {"name": "person", "schema": short}
    asked: Any = {"response_format": {"type": "json_schema", "json_schema": described}}
    found = json.loads(ask(client, **asked).choices[0].message.content)
    assert found["name"] in ("Ann", "Bo")
    assert found.keys() == {"name", "age"}


@pytest.mark.parametrize(
    ("field", "value", "pattern"),
    [
        ("guided_choice", ["red", "blue\nor green"], "red|blue\nor green"),
        ("guided_regex", "[0-9]{3}-[ab]", "[0-9]{3}-[ab]"),
        ("guided_grammar", 'root ::= rating " stars"\nrating ::= [1-5]', "[1-5] stars"),
        ("guided_grammar", 'start: "a" | "b"', "a|b"),
        ("guided_json", {"enum": ["x", 1]}, '"x"|1'),
    ],
)
def test_a_format_is_kept(client: OpenAI, field: str, value: Any, pattern: str) -> None:
    (choice,) = ask(client, extra_body={field: value}).choices
    assert re.fullmatch(pattern, choice.message.content)
    assert choice.finish_reason == "stop"


def test_several_answers_differ_and_are_repeated_by_their_seed(client: OpenAI) -> None:
    asked: Any = {"n": 3, "temperature": 1.5, "seed": 7, "max_tokens": 6}
    answer = ask(client, **asked)
    texts = [choice.message.content for choice in answer.choices]
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len(set(texts)) > 1
    assert [c.message.content for c in ask(client, **asked).choices] == texts
    streamed = {0: "", 1: "", 2: ""}
    for chunk in ask(client, **asked, stream=True):
        streamed[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert [*streamed.values()] == texts
    alone = ask(client, max_tokens=1)
    assert answer.usage.prompt_tokens == alone.usage.prompt_tokens


def test_penalties_and_biases_change_the_answer(client: OpenAI) -> None:
    long = "Write a review of a bakery."
    plain = ask(client, long, max_tokens=40).choices[0].message.content
    for fields in ({"frequency_penalty": 2}, {"presence_penalty": 2}):
        assert ask(client, long, max_tokens=40, **fields).choices[0].message.content != plain
    (only,) = ask(client, max_tokens=4, logit_bias={"50": 100}).choices
    assert len(set(only.message.content)) < 4


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no tools to require": ({"tool_choice": "required"}, "tool_choice"),
    "another function": (
        {"tools": [SAVE], "tool_choice": {"type": "function", "function": {"name": "x"}}},
        "tool_choice",
    ),
    "a name": ({"tools": [function("a b")]}, "tools[0].function.name"),
    "a type": ({"tools": [{"type": "x"}]}, "tools[0].type"),
    "twice": ({"tools": [SAVE, SAVE]}, "tools"),
    "a schema with not": (
        {"tools": [function("f", type="object", properties={"a": {"not": {}}})],
         "tool_choice": "required"},
        "tools",
    ),
    "a format": ({"response_format": {"type": "xml"}}, "response_format.type"),
    "a regex": ({"extra_body": {"guided_regex": "[a"}}, "guided_regex"),
    "a grammar": ({"extra_body": {"guided_grammar": "start: nothing"}}, "guided_grammar"),
    "two formats": ({"extra_body": {"guided_regex": "a", "guided_choice": ["a"]}}, "guided_"),
    "a token": ({"logit_bias": {"999999": 1}}, "logit_bias"),
    "an effort": ({"reasoning_effort": "huge"}, "reasoning_effort"),
    "a variable": ({"extra_body": {"chat_template_kwargs": {"tokenize": True}}}, ""),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "param"), WRONG.values(), ids=WRONG)
def test_a_wrong_field_is_named(client: OpenAI, fields: dict[str, Any], param: str) -> None:
    for stream in (False, True):
        error: Any = refusal(client, **fields, stream=stream).body
        assert (error["param"] or "").startswith(param), error
        assert error["message"]
