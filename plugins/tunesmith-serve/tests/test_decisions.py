"""``POST /v1/decisions``: the same answers in OpenAI's shape."""

from __future__ import annotations

from typing import Any

import pytest

TEXT = "They were late, and my dog came home with a cut."
CHOICE = {
    "type": "choice",
    "name": "sat",
    "instructions": "Is the customer satisfied?",
    "choices": [{"value": "1", "description": "yes"}, {"value": "0"}],
}
PREDICATE = {"type": "predicate", "instructions": "It is a complaint."}
SCORE = {"type": "score", "instructions": "How angry?",
         "levels": [{"label": "calm"}, {"label": "angry", "description": "shouts"}]}  # fmt: skip


def decide(client: Any, *questions: Any, given: Any = TEXT, **more: Any) -> Any:
    body = {"model": "grooming", "input": given, "questions": list(questions), **more}
    return client.post("/v1/decisions", json=body)


def answers(client: Any, *questions: Any, given: Any = TEXT) -> list[dict[str, Any]]:
    response = decide(client, *questions, given=given)
    assert response.status_code == 200, response.text
    return response.json()["answers"]


def test_both_wires_give_one_answer(client: Any) -> None:
    sat, complaint, angry = answers(client, CHOICE, PREDICATE, SCORE)
    levels = ["calm", "angry: shouts"]
    questions = {
        "sat": {"type": "choice", "criteria": {"1": "yes", "0": None}},
        "complaint": {"type": "noul", "instructions": "It is a complaint."},
        "angry": {"type": "score", "instructions": "How angry?", "criteria": levels},
    }
    body = {"state": TEXT, "model": "grooming", "questions": questions}
    others = client.post("/v1/systemone", json=body).json()["answers"]
    assert (sat["type"], sat["name"], sat["choice"]) == ("choice", "sat", others["sat"]["choice"])
    shares = {one["value"]: one["probability"] for one in sat["probabilities"]}
    assert shares == pytest.approx(others["sat"]["probabilities"], abs=1e-5)
    assert sat["confidence"] == pytest.approx(others["sat"]["confidence"], abs=1e-5)
    assert complaint["probability"] == pytest.approx(others["complaint"]["noul"], abs=1e-5)
    assert complaint["name"] is None
    assert angry["score"] == pytest.approx(others["angry"]["score"], abs=1e-5)
    assert [(one["value"], one["label"]) for one in angry["probabilities"]] == [
        (0, "calm"),
        (1, "angry"),
    ]


def test_a_text_and_a_boolean_that_reads_alike_are_two_choices(client: Any) -> None:
    choices = [{"value": True}, {"value": "true"}, {"value": False}]
    (answer,) = answers(client, {**CHOICE, "choices": choices})
    assert [one["value"] for one in answer["probabilities"]] == [True, "true", False]
    assert any(
        answer["choice"] is one["value"] or answer["choice"] == one["value"] for one in choices
    )
    assert sum(one["probability"] for one in answer["probabilities"]) == pytest.approx(1)


def test_the_content_of_a_lone_message_is_the_state(client: Any) -> None:
    alone = answers(client, CHOICE)
    parts = [{"type": "input_text", "text": TEXT}]
    for content in (TEXT, parts, [{"type": "input_json", "data": {"input": TEXT}}]):
        assert answers(client, CHOICE, given=[{"role": "user", "content": content}]) == alone


def test_several_inputs_are_read_as_json(client: Any) -> None:
    given = [
        {"role": "user", "content": "Where is my dog?"},
        {"type": "function_call", "call_id": "1", "name": "find", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "nowhere"},
    ]
    state = [
        {"role": "user", "content": "Where is my dog?"},
        {"type": "function_call", "call_id": "1", "name": "find", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "nowhere"},
    ]
    body = {"state": state, "model": "grooming",
            "questions": {"q": {"type": "noul", "instructions": "It is a complaint."}}}  # fmt: skip
    other = client.post("/v1/systemone", json=body).json()["answers"]["q"]
    (answer,) = answers(client, PREDICATE, given=given)
    assert answer["probability"] == pytest.approx(other["noul"], abs=1e-5)


def test_the_usage_has_openais_fields(client: Any) -> None:
    usage = decide(client, PREDICATE).json()["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] > 0
    assert usage["output_tokens"] == 0


def asked(question: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"questions": [{**question, **changes}]}


IMAGE = {"type": "input_image", "image_url": "x"}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no questions": ({"questions": []}, "questions"),
    "401 questions": ({"questions": [PREDICATE] * 401}, "questions"),
    "no instructions": ({"questions": [{"type": "predicate"}]}, "questions.0.instructions"),
    "one choice": (asked(CHOICE, choices=[{"value": "a"}]), "questions.0.choices"),
    "twice": (asked(CHOICE, choices=[{"value": "a"}] * 2), "questions.0.choices"),
    "256": (asked(CHOICE, choices=[{"value": str(i)} for i in range(256)]), "questions.0.choices"),
    "11 levels": (
        asked(SCORE, levels=[{"label": str(i)} for i in range(11)]),
        "questions.0.levels",
    ),
    "image": ({"input": [{"role": "user", "content": [IMAGE]}]}, "input.0.content.0.type"),
    "empty input": ({"input": ""}, "input"),
    "unknown key": ({"seed": 1}, "seed"),
}


@pytest.mark.parametrize(("changes", "param"), WRONG.values(), ids=WRONG)
def test_a_wrong_body_gets_400_with_the_parameter(client: Any, changes: Any, param: str) -> None:
    body = {"model": "grooming", "input": TEXT, "questions": [PREDICATE], **changes}
    response = client.post("/v1/decisions", json=body)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"].startswith(param)


def test_an_image_is_refused_by_name(client: Any) -> None:
    response = decide(client, {**PREDICATE, "instructions": [IMAGE]})
    assert response.status_code == 400
    assert "image" in response.json()["error"]["message"]
