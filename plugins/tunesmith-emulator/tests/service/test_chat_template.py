"""Chat with a base model that has a chat template, through the real SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from service_rest import MODEL_ID, Rest

from tunesmith_emulator import Emulator

CHAT = "/ml/v1/text/chat"


@pytest.fixture
def chatty(start: Callable[..., Emulator]) -> Emulator:
    return start("chatty", stand_in="tunesmith/fake")


@pytest.fixture
def rest(chatty: Emulator, rest_for: Callable[..., Rest]) -> Rest:
    return rest_for(chatty)


@pytest.fixture
def model(chatty: Emulator) -> Iterator[Any]:
    """The SDK's own client of a model."""
    from ibm_watsonx_ai import APIClient, Credentials
    from ibm_watsonx_ai.foundation_models import ModelInference

    client = APIClient(Credentials(**chatty.credentials), project_id=chatty.project_id)
    yield ModelInference(model_id=MODEL_ID, api_client=client, validate=False)
    client.httpx_client.close()


def say(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def body(*messages: dict[str, str]) -> dict[str, Any]:
    return {"model_id": MODEL_ID, "messages": list(messages)}


def test_the_model_reads_its_own_template(model: Any) -> None:
    turns = [say("user", "Hi"), say("assistant", "Hello"), say("user", "Is gentle good?")]
    answer = model.chat(messages=turns)
    assert answer["choices"][0]["message"]["content"] == "1"
    read = "<user> Hi </><assistant> Hello </><user> Is gentle good? </><assistant> "
    assert answer["usage"]["prompt_tokens"] == len(read.split())


def test_a_system_message_that_the_template_refuses_is_named(rest: Rest) -> None:
    for path in (CHAT, f"{CHAT}_stream"):
        answer = rest.ask("POST", path, body(say("user", "Hi"), say("system", "Be short.")))
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["target"] == {"type": "field", "name": "messages[1]"}
        assert "no system message" in error["message"]


def test_the_result_of_a_function_is_read_as_a_message_of_the_user(rest: Rest) -> None:
    given = body(say("user", "Rain?"), {"role": "tool", "content": "no", "tool_call_id": "1"})
    answer = rest.ask("POST", CHAT, given).json()
    read = "<user> Rain? </><user> <tool_response> no </tool_response> </><assistant> "
    assert answer["usage"]["prompt_tokens"] == len(read.split())


def test_the_spec_marks_chat_models(
    rest: Rest, emulator: Emulator, rest_for: Callable[..., Rest]
) -> None:
    def marks(client: Rest) -> list[bool]:
        specs = client.get("/ml/v1/foundation_model_specs")["resources"]
        other = ({"id": "embedding"}, {"id": "rerank"})
        texts = [spec for spec in specs if not any(f in other for f in spec["functions"])]
        return [spec["tunesmith"]["chat"] for spec in texts]

    assert all(marks(rest))
    assert not any(marks(rest_for(emulator)))


def test_a_prompt_is_read_as_a_message_if_the_emulator_is_told_to(
    start: Callable[..., Emulator], rest_for: Callable[..., Rest], rest: Rest
) -> None:
    told = rest_for(start("chatty", stand_in="tunesmith/fake", chat_prompts=True))
    path, text = "/ml/v1/text/generation", "Is gentle good?"
    prompt = {"model_id": MODEL_ID, "input": text}

    def results(rest: Rest, **parameters: Any) -> dict[str, Any]:
        (result,) = rest.post(path, prompt | {"parameters": parameters})["results"]
        return dict(result)

    assert results(rest)["input_token_count"] == len(text.split())
    read = results(told, return_options={"input_text": True})
    assert read["input_token_count"] == len(f"<user> {text} </><assistant> ".split())
    assert read["generated_text"].startswith(text)
    streamed = told.ask("POST", f"{path}_stream", prompt)
    assert streamed.status_code == 200
    assert f'"input_token_count": {read["input_token_count"]}' in streamed.text
    specs = "/ml/v1/foundation_model_specs"
    told_of = [
        one.get(specs, filters=f"modelid_{MODEL_ID}")["resources"][0]["tunesmith"]["chat_prompts"]
        for one in (rest, told)
    ]
    assert told_of == [False, True]
