"""Server-sent events: text generation piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tunesmith.errors import PredictionError
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.inference.sse import event_stream

MODEL = "ibm/granite-13b-instruct-v2"


def body(text: str = "Review: the groomer was gentle", **parameters: Any) -> dict[str, Any]:
    return {"model_id": MODEL, "project_id": "p", "input": text, "parameters": parameters}


def test_a_stream_is_the_generation_in_pieces(local: Any) -> None:
    whole = local.result("Review: the groomer was gentle")
    events = local.events("text/generation_stream", body())
    assert [event["id"] for event in events] == [str(i + 1) for i in range(len(events))]
    assert {event["event"] for event in events} == {"message"}
    greeting, opening, *pieces = (event["data"] for event in events)
    assert greeting == {}
    assert opening["results"] == [
        {
            "generated_text": "",
            "generated_token_count": 0,
            "input_token_count": whole["input_token_count"],
            "stop_reason": "not_finished",
        }
    ]
    results = [piece["results"][0] for piece in pieces]
    assert "".join(result["generated_text"] for result in results) == whole["generated_text"]
    counts = [result["generated_token_count"] for result in results]
    assert counts == sorted(counts)
    assert counts[-1] == whole["generated_token_count"]
    assert {result["input_token_count"] for result in results} == {0}
    reasons = [result["stop_reason"] for result in results]
    assert set(reasons[:-1]) == {"not_finished"}
    assert reasons[-1] == whole["stop_reason"]
    assert all(piece["model_id"] == MODEL and piece["created_at"] for piece in pieces)


def test_a_deployment_streams_its_label(local: Any) -> None:
    events = local.events("deployments/tuned/text/generation_stream", {"input": "Gentle."})
    texts = [event["data"]["results"][0]["generated_text"] for event in events[1:]]
    assert "".join(texts) == local.tuned("Gentle.")["results"][0]["generated_text"]


def test_the_prompt_comes_once_and_each_token_once(local: Any) -> None:
    options = {"input_text": True, "generated_tokens": True, "token_logprobs": True}
    asked = {"max_new_tokens": 5, "min_new_tokens": 5, "return_options": options}
    whole = local.result("Review: the groomer was gentle", **asked)
    events = local.events("text/generation_stream", body(**asked))
    results = [event["data"]["results"][0] for event in events[2:]]
    assert "".join(result["generated_text"] for result in results) == whole["generated_text"]
    tokens = [token for result in results for token in result["generated_tokens"]]
    texts = [token["text"] for token in tokens]
    assert texts == [token["text"] for token in whole["generated_tokens"]]


def test_tokens_of_the_input_come_once_with_its_count(local: Any) -> None:
    options = {"input_tokens": True, "token_logprobs": True}
    asked = {"max_new_tokens": 3, "min_new_tokens": 3, "return_options": options}
    whole = local.result("Review: the groomer was gentle", **asked)
    opening, *rest = local.events("text/generation_stream", body(**asked))[1:]
    assert opening["data"]["results"][0]["input_tokens"] == whole["input_tokens"]
    assert all("input_tokens" not in event["data"]["results"][0] for event in rest)


def test_warnings_ride_on_the_first_chunk(local: Any) -> None:
    events = local.events("text/generation_stream", body(unknown=1))
    having = [i for i, event in enumerate(events) if "system" in event["data"]]
    assert having == [1]


def test_a_refusal_is_a_status_not_an_event(local: Any) -> None:
    error = local.refusal("text/generation_stream", body(max_new_tokens=-1))
    assert error["target"]["name"] == "parameters.max_new_tokens"
    too_long = body("gentle " * 600)
    assert local.refusal("text/generation_stream", too_long)["code"] == "invalid_input_argument"
    assert local.refusal("text/generation_stream", body(""))["code"] == "invalid_input_argument"


async def _text(bodies: Iterator[dict[str, Any]]) -> list[str]:
    response = event_stream(bodies, greet=False)
    return [str(event) async for event in response.body_iterator]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (PredictionError("the device is full"), 400),
        (ServiceError(503, "service_unavailable", "The service is shutting down."), 503),
        (RuntimeError("/a/path inside"), 500),
    ],
)
async def test_an_error_after_the_first_piece_is_an_event(failure: Exception, status: int) -> None:
    def bodies() -> Iterator[dict[str, Any]]:
        yield {"results": []}
        raise failure

    first, last = await _text(bodies())
    assert first == 'id: 1\nevent: message\ndata: {"results": []}\n\n'
    number, name, data = last.removesuffix("\n\n").split("\n")
    assert (number, name) == ("id: 2", "event: error")
    envelope = json.loads(data.removeprefix("data: "))
    assert envelope["status_code"] == status
    assert "inside" not in data


def test_a_stream_stops_generating_if_its_reader_left(local: Any) -> None:
    bodies = local.inference.generate_stream(body(max_new_tokens=200, min_new_tokens=200))
    for _ in range(3):
        next(bodies)
    bodies.close()
    assert next(bodies, None) is None
    assert local.result()["generated_text"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
