"""Tokenization counts tokens, and returns them if asked."""

from __future__ import annotations

from typing import Any

import pytest

BODY = {"model_id": "ibm/granite-13b-instruct-v2", "project_id": "p", "input": "Is it good?"}


@pytest.mark.parametrize("more", [{}, {"parameters": {}}, {"parameters": {"return_tokens": False}}])
def test_the_count_is_that_of_the_generation(local: Any, more: dict[str, Any]) -> None:
    answer = local.post("text/tokenization", {**BODY, **more}).json()
    count = local.result("Is it good?")["input_token_count"]
    assert answer == {"model_id": BODY["model_id"], "result": {"token_count": count}}


def test_the_tokens_are_spelled_on_request(local: Any) -> None:
    body = {**BODY, "parameters": {"return_tokens": True}}
    result = local.post("text/tokenization", body).json()["result"]
    assert len(result["tokens"]) == result["token_count"] == 4
    assert result["tokens"][0] == "Is"


@pytest.mark.parametrize("asked", ["yes", 1, None])
def test_anything_but_true_and_false_is_refused(local: Any, asked: object) -> None:
    error = local.refusal("text/tokenization", {**BODY, "parameters": {"return_tokens": asked}})
    assert error["target"]["name"] == "parameters.return_tokens"


def test_an_unknown_model_has_no_tokenizer(local: Any) -> None:
    local.refusal("text/tokenization", {**BODY, "model_id": "ibm/none"}, 404)
