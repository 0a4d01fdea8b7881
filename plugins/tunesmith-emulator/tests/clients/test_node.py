"""IBM's Node SDK: what it creates, lists, asks and deletes."""

from __future__ import annotations

from typing import Any

import pytest
from client_programs import run_node
from emulator_direct import MODEL_ID, Served, tuning

GREEDY = {"decoding_method": "greedy", "max_new_tokens": 8}


@pytest.fixture(scope="module")
def answers(served: Served) -> dict[str, Any]:
    settings = {**served.settings, "prompt_tuning": tuning(num_epochs=1)}
    return run_node("with_node.mjs", settings)


def test_generation_is_the_services(served: Served, answers: dict[str, Any]) -> None:
    prompt = served.settings["prompts"][0]
    base = served.generated(input=prompt, parameters=GREEDY)["generated_text"]
    tuned = served.generated(input=prompt, parameters=GREEDY, deployment=served.deployment)
    generation = answers["generation"]
    assert generation["model"] == "".join(generation["stream"]) == base
    assert generation["by_id"] == generation["by_name"] == tuned["generated_text"]
    assert "".join(generation["by_id_stream"]) == tuned["generated_text"]


def test_chat_is_the_services(served: Served, answers: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": served.settings["prompts"][0]}]
    ask = {"messages": messages, "max_tokens": 8, "temperature": 0}
    chat = answers["chat"]
    assert chat["model"] == "".join(chat["stream"]) == served.chatted(**ask)
    assert chat["deployment"] == served.chatted(deployment=served.deployment, **ask)


def test_tokens_are_counted_by_the_service(served: Served, answers: dict[str, Any]) -> None:
    prompt = served.settings["prompts"][0]
    expected = served.generated(input=prompt, parameters=GREEDY)["input_token_count"]
    assert answers["tokens"]["token_count"] == expected


def test_the_catalogue_is_listed(answers: dict[str, Any]) -> None:
    assert MODEL_ID in answers["specs"]
    assert "classification" in answers["tasks"]


def test_a_training_lives_and_is_deleted(answers: dict[str, Any]) -> None:
    training = answers["training"]
    assert training["created"] == 201
    assert training["state"] == "completed"
    assert training["echoed"]["num_epochs"] == 1
    assert training["echoed"]["base_model"]["model_id"] == MODEL_ID
    assert training["listed"]
    assert training["total"] >= 2, "the one that is served, and this one"
    assert training["deleted"] == 204
    assert training["gone"]["status"] == 404


def test_a_deployment_answers_under_its_serving_name(
    served: Served, answers: dict[str, Any]
) -> None:
    deployment = answers["deployment"]
    assert deployment["created"] == 202
    assert deployment["state"] == "ready"
    assert deployment["listed"] == [deployment["id"]]
    assert deployment["text"] == answers["generation"]["by_id"], "the same tuned model"
    assert deployment["deleted"] == 204


def test_refusals_carry_the_services_message(answers: dict[str, Any]) -> None:
    assert answers["unknown_model"]["status"] in {400, 404}
    assert "nobody/no-model" in answers["unknown_model"]["message"]
    assert answers["unknown_training"]["status"] == 404
