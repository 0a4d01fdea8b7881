"""langchain-ibm: WatsonxLLM and ChatWatsonx."""

from __future__ import annotations

from typing import Any

import pytest
from client_programs import run_python
from emulator_direct import Served

GREEDY = {"decoding_method": "greedy", "max_new_tokens": 8}


@pytest.fixture(scope="module")
def answers(served: Served) -> dict[str, Any]:
    return run_python("with_langchain.py", served.settings)


@pytest.mark.parametrize("target", ["model", "deployment"])
def test_llm_returns_the_text_of_the_service(
    served: Served, answers: dict[str, Any], target: str
) -> None:
    where = {"deployment": served.deployment} if target == "deployment" else {}
    expected = [
        served.generated(input=prompt, parameters=GREEDY, **where)["generated_text"]
        for prompt in served.settings["prompts"]
    ]
    llm = answers["llm"][target]
    assert llm["invoke"] == expected[0]
    assert llm["batch"] == expected
    assert "".join(llm["stream"]) == expected[0]


@pytest.mark.parametrize("target", ["model", "deployment"])
def test_chat_returns_the_answer_of_the_service(
    served: Served, answers: dict[str, Any], target: str
) -> None:
    where = {"deployment": served.deployment} if target == "deployment" else {}
    messages = [{"role": "user", "content": served.settings["prompts"][0]}]
    expected = served.chatted(messages=messages, max_tokens=8, temperature=0, **where)
    chat = answers["chat"][target]
    assert chat["invoke"] == expected
    assert "".join(chat["stream"]) == expected
    assert chat["usage"]["input_tokens"] > 0
    assert chat["usage"]["output_tokens"] > 0


def test_tokens_are_counted_by_the_service(served: Served, answers: dict[str, Any]) -> None:
    counted = served.generated(input=served.settings["prompts"][0], parameters=GREEDY)
    assert answers["tokens"] == counted["input_token_count"]
