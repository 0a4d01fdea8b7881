"""Bodies with something wrong anywhere: never a 5xx, and always the wire's own error shape."""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from served_prompts import MICRO

COUNT = 150
"""Bodies for each wire."""
SECONDS = 30
"""The time after which a wire's remaining bodies are left out."""
WRONG: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, "", " ", "x" * 5000, "\x00", "\ud800", "é" * 10,
    "<|end_of_text|>", "{{input}}", [], [[]], ["x"], {}, {"": ""}, {"type": "noul"}, [None] * 300,
    {str(i): i for i in range(300)},
]  # fmt: skip
CHOICE = {"type": "choice", "instructions": "Who?", "criteria": {"0": "a", "1": None}}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/systemone": {
        "state": {"input": "Rude.", "n": [1]},
        "model": "grooming",
        "questions": {
            "c": CHOICE,
            "n": {"type": "noul", "instructions": ["Is it?"], "criteria": {"true": "yes"}},
            "s": {"type": "score", "instructions": "How?", "criteria": ["low", {"l": "high"}]},
        },
    },
    "/v1/decisions": {
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Rude."}]}],
        "model": "grooming",
        "questions": [
            {"type": "choice", "instructions": "?", "choices": [{"value": "0"}, {"value": True}]},
            {"type": "predicate", "instructions": [{"type": "input_json", "data": {}}]},
            {"type": "score", "instructions": "How?", "levels": [{"label": "a"}, {"label": "b"}]},
        ],
    },
    "/v1/chat/completions": {
        "model": MICRO,
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
        "max_tokens": 2, "temperature": 0.5, "top_p": 0.9, "seed": 1, "stop": ["x"],
        "logprobs": True, "top_logprobs": 1, "stream_options": {"include_usage": True},
    },
    "/v1/completions": {
        "model": MICRO, "prompt": ["Hi"], "max_tokens": 2, "logprobs": 1, "stop": "x", "seed": 3,
    },
}  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def mutated(body: dict[str, Any], draw: random.Random) -> Any:
    """Return ``body`` with one to three places replaced, removed or added."""
    for _ in range(draw.randint(1, 3)):
        *path, last = ("body", *draw.choice(list(places(body))))
        root = {"body": copy.deepcopy(body)}
        holder: Any = root
        for key in path:
            holder = holder[key]
        action = draw.choice(["replace", "replace", "remove", "add"])
        if action == "remove" and path:
            del holder[last]
        elif action == "add" and isinstance(holder[last], dict):
            holder[last]["extra"] = draw.choice(WRONG)
        else:
            holder[last] = draw.choice(WRONG)
        body = root["body"]
        if not isinstance(body, dict):
            break
    return body


@pytest.mark.parametrize("path", BODIES)
def test_no_body_is_a_failure_of_the_server(client: Any, path: str) -> None:
    draw, until, seen = random.Random(path), time.monotonic() + SECONDS, set[int]()
    for _ in range(COUNT):
        body = mutated(BODIES[path], draw)
        data = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        response = client.post(path, content=data, headers=headers)
        assert response.status_code < 500, (response.text, body)
        if response.status_code != 200:
            key = "detail" if path == "/v1/systemone" else "error"
            assert set(response.json()) == {key}, body
        seen.add(response.status_code)
        if time.monotonic() > until:
            break
    assert {200} < seen  # some are accepted, and some are refused
