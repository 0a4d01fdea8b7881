"""litellm: the watsonx provider's chat."""

from __future__ import annotations

from typing import Any

import pytest
from client_programs import run_python
from emulator_direct import Served


@pytest.fixture(scope="module")
def answers(served: Served) -> dict[str, Any]:
    return run_python("with_litellm.py", served.settings)


@pytest.mark.parametrize("target", ["model", "deployment", "serving_name"])
def test_chat_returns_the_answer_of_the_service(
    served: Served, answers: dict[str, Any], target: str
) -> None:
    where = {} if target == "model" else {"deployment": served.deployment}
    messages = [{"role": "user", "content": served.settings["prompts"][0]}]
    expected = served.chatted(messages=messages, max_tokens=8, temperature=0, **where)
    assert answers[target]["text"] == expected
    assert "".join(answers[target]["stream"]) == expected
    assert answers[target]["finish_reason"] in {"stop", "length"}
    assert answers[target]["usage"]["completion_tokens"] > 0


def test_an_unknown_model_has_the_error_of_the_service(answers: dict[str, Any]) -> None:
    assert answers["unknown"]["status"] in {400, 404}
    assert "nobody/no-model" in answers["unknown"]["message"]
