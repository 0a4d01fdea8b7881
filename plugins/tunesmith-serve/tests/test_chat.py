"""Chat and completions, whole and streamed, against the predictor."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tunesmith.records import Message
from tunesmith.spec import GenerationParams

MICRO = "tunesmith/micro-granite"
ASKED = "Write a review of a bakery."
USER = [{"role": "user", "content": ASKED}]


def chat(client: Any, messages: Any = USER, **fields: Any) -> Any:
    body = {"model": MICRO, "messages": messages, "max_tokens": 8, **fields}
    return client.post("/v1/chat/completions", json=body)


def chunks(response: Any) -> list[dict[str, Any]]:
    lines = [line for line in response.text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


def test_a_chat_of_the_base_model_is_its_generation(client: Any, tuned: Any) -> None:
    predictor = tuned.backend.predictor
    text = predictor.chat_text(MICRO, [Message(role="user", content=ASKED)])
    (expected,) = predictor.generate(MICRO, [text], GenerationParams(max_new_tokens=8))
    body = chat(client).json()
    (choice,) = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": expected.text, "refusal": None}
    assert choice["finish_reason"] == "length"
    assert body["usage"]["prompt_tokens"] == expected.input_token_count
    assert body["usage"]["completion_tokens"] == 8


def test_a_chat_with_a_prompt_is_its_label(client: Any, tuned: Any) -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": tuned.texts[0]},
    ]
    found = chat(client, messages, model="grooming").json()["choices"][0]["message"]["content"]
    from tunesmith.runs.run import RunDirectory

    deployment = RunDirectory.load(tuned.grooming).record.deployment
    assert found == tuned.backend.predictor.generate(deployment, [tuned.texts[0]])[0].text


def test_the_pieces_of_a_stream_are_the_whole(client: Any) -> None:
    whole = chat(client, logprobs=True, top_logprobs=2).json()
    options = {"stream": True, "stream_options": {"include_usage": True}}
    *pieces, last = chunks(chat(client, logprobs=True, top_logprobs=2, **options))
    assert (
        "".join(one["choices"][0]["delta"]["content"] for one in pieces)
        == (whole["choices"][0]["message"]["content"])
    )
    assert pieces[0]["choices"][0]["delta"]["role"] == "assistant"
    assert pieces[-1]["choices"][0]["finish_reason"] == "length"
    assert last["usage"] == whole["usage"]
    tokens = [token for one in pieces for token in one["choices"][0]["logprobs"]["content"]]
    expected = whole["choices"][0]["logprobs"]["content"]
    assert [one["token"] for one in tokens] == [one["token"] for one in expected]
    assert "".join(one["token"] for one in tokens) == whole["choices"][0]["message"]["content"]
    for found, token in zip(tokens, expected, strict=True):
        assert found["logprob"] == pytest.approx(token["logprob"], abs=1e-4)
        assert len(found["top_logprobs"]) == 2


def test_a_stop_sequence_ends_the_text_and_is_left_out(client: Any) -> None:
    text = chat(client).json()["choices"][0]["message"]["content"]
    word = text.split()[1]
    stopped = chat(client, stop=word).json()["choices"][0]
    assert stopped["message"]["content"] == text[: text.index(word)]
    assert stopped["finish_reason"] == "stop"


def test_a_seed_repeats_a_sample(client: Any) -> None:
    texts = {chat(client, temperature=1.5, seed=3).json()["choices"][0]["message"]["content"]
             for _ in range(3)}  # fmt: skip
    assert len(texts) == 1


def test_completions_of_several_texts(client: Any, tuned: Any) -> None:
    texts = ["A bakery", "My dog"]
    body = {"model": "jev-latest", "prompt": texts, "max_tokens": 4, "logprobs": 1}
    answer = client.post("/v1/completions", json=body).json()
    params = GenerationParams(max_new_tokens=4)
    expected = tuned.backend.predictor.generate(MICRO, texts, params)
    assert [one["text"] for one in answer["choices"]] == [one.text for one in expected]
    assert [one["index"] for one in answer["choices"]] == [0, 1]
    logprobs = answer["choices"][0]["logprobs"]
    assert "".join(logprobs["tokens"]) == answer["choices"][0]["text"]
    assert (
        len(logprobs["tokens"])
        == len(logprobs["text_offset"])
        == len(logprobs["top_logprobs"])
        == 4
    )


def test_a_streamed_completion_is_the_whole(client: Any) -> None:
    body = {"model": "jev-latest", "prompt": "A bakery", "max_tokens": 4}
    whole = client.post("/v1/completions", json=body).json()["choices"][0]["text"]
    pieces = chunks(client.post("/v1/completions", json={**body, "stream": True}))
    assert "".join(one["choices"][0]["text"] for one in pieces) == whole


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "tools": ({"tools": [{"type": "function"}]}, "tools[0].function"),
    "format": ({"response_format": {"type": "xml"}}, "response_format"),
    "n": ({"n": 9}, "n"),
    "penalty": ({"frequency_penalty": 3}, "frequency_penalty"),
    "image": ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages"),
    "role": ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
    "no messages": ({"messages": []}, "messages"),
    "hot": ({"temperature": 3}, "temperature"),
    "no tokens": ({"max_tokens": 0}, "max_tokens"),
    "top without logprobs": ({"top_logprobs": 3}, "top_logprobs"),
    "empty stop": ({"stop": [""]}, "stop"),
    "unknown": ({"foo": 1}, "foo"),
}


@pytest.mark.parametrize(("changes", "param"), WRONG.values(), ids=WRONG)
def test_a_wrong_body_gets_400_with_the_parameter(client: Any, changes: Any, param: str) -> None:
    response = chat(client, **{"messages": USER, **changes})
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["param"].startswith(param), error


def test_values_without_effect_are_accepted(client: Any) -> None:
    harmless = {
        "n": 1,
        "tools": [],
        "frequency_penalty": 0,
        "response_format": {"type": "text"},
        "user": "me",
    }
    assert chat(client, **harmless).json()["choices"] == chat(client).json()["choices"]


def test_a_text_that_does_not_fit_is_refused_before_a_stream_begins(client: Any) -> None:
    for stream in (False, True):
        response = chat(client, [{"role": "user", "content": "word " * 2000}], stream=stream)
        assert response.status_code == 400
        assert response.json()["error"]["code"] == "context_length_exceeded"


def test_without_a_limit_the_base_model_writes_as_far_as_it_has_room(client: Any) -> None:
    long = [{"role": "user", "content": "word " * 990}]
    body = client.post("/v1/chat/completions", json={"model": MICRO, "messages": long}).json()
    assert body["usage"]["total_tokens"] <= 1024


def test_models_are_listed_for_both_kinds_of_clients(client: Any) -> None:
    body = client.get("/v1/models").json()
    assert [one["id"] for one in body["data"]] == ["grooming", "other", MICRO, "jev-latest"]
    assert all(set(one) == {"name", "description", "release_date"} for one in body["models"])
    assert client.get(f"/v1/models/{MICRO}").json()["id"] == MICRO
    assert client.get("/v1/models/nope").json()["error"]["code"] == "model_not_found"
