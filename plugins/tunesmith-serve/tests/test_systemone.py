"""``POST /v1/systemone``: who answers, from which probabilities, and what is refused."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from served_prompts import client_of, record_of

from tunesmith_serve.questions import choice_confidence, score_confidence

CHOICE = {
    "type": "choice",
    "instructions": "Is the customer satisfied?",
    "criteria": {"1": "yes", "0": None},
}
NOUL = {"type": "noul", "instructions": "Is it a complaint?"}
SCORE = {"type": "score", "instructions": "How angry?", "criteria": ["calm", "angry", "furious"]}
MANY = {
    "type": "choice",
    "instructions": "Which queue?",
    "criteria": {f"queue {i}": None for i in range(40)},
}


def ask(client: Any, state: Any, model: str = "jev-latest", **questions: Any) -> dict[str, Any]:
    body = {"state": state, "model": model, "questions": questions}
    response = client.post("/v1/systemone", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def refused(client: Any, **changes: Any) -> Any:
    body = {"state": "Rude.", "model": "grooming", "questions": {"q": NOUL}, **changes}
    response = client.post("/v1/systemone", json={k: v for k, v in body.items() if v is not ...})
    assert 400 <= response.status_code < 500, response.text
    return response


def test_a_choice_of_its_labels_is_answered_by_the_prompt(client: Any, tuned: Any) -> None:
    """Labels equal to the predictor's, probabilities within 1e-5, calibrated as the run was."""
    run = record_of(tuned.grooming)
    expected = tuned.backend.predictor.classify(run.deployment, tuned.texts, ["0", "1"])
    for text, shares in zip(tuned.texts, expected, strict=True):
        answer = ask(client, text, "grooming", q=CHOICE)["answers"]["q"]
        assert answer["x_answered_by"] == "grooming"
        assert answer["x_ignored"] == ["instructions", "descriptions"]
        assert answer["x_raw_probabilities"] == pytest.approx(shares.probabilities, abs=1e-5)
        calibrated = run.calibration.apply(shares.probabilities)
        assert answer["probabilities"] == pytest.approx(calibrated, abs=1e-5)
        assert answer["choice"] == max(calibrated, key=calibrated.__getitem__)
        assert answer["x_abstain_below"] == run.calibration.threshold


def test_a_prompt_without_calibration_answers_raw(client: Any, tuned: Any) -> None:
    answer = ask(client, tuned.texts[0], "other", q=CHOICE)["answers"]["q"]
    assert answer["probabilities"] == answer["x_raw_probabilities"]
    assert answer["x_abstain_below"] is None


@pytest.mark.parametrize("question", [NOUL, SCORE, {**CHOICE, "criteria": {"1": None, "2": None}}])
def test_every_other_question_is_answered_by_the_base_model(client: Any, question: Any) -> None:
    asked = ask(client, "Rude.", "grooming", q=question)["answers"]["q"]
    assert asked["x_answered_by"] == "base"
    assert asked == ask(client, "Rude.", q=question)["answers"]["q"]


def test_the_default_answers_as_jev_latest(serving: Any) -> None:
    client = client_of(serving(default="other"))
    found = ask(client, "Rude.", q=CHOICE)
    assert found["model"] == "other"
    assert found["answers"]["q"]["x_answered_by"] == "other"


def test_the_input_field_of_an_object_is_the_input(client: Any, tuned: Any) -> None:
    text = tuned.texts[0]
    alone = ask(client, text, "grooming", q=CHOICE)
    assert ask(client, {"input": text, "id": 7}, "grooming", q=CHOICE) == alone
    others = {"text": "a é", "n": [1, 2]}
    compact = json.dumps(others, ensure_ascii=False, separators=(",", ":"))
    as_text = ask(client, compact, "grooming", q=CHOICE)
    assert ask(client, others, "grooming", q=CHOICE) == as_text


def test_more_options_than_letters_are_read_as_continuations(client: Any) -> None:
    answer = ask(client, "Rude.", q=MANY)["answers"]["q"]
    assert answer["x_reading"] == "continuations"
    assert list(answer["probabilities"]) == list(MANY["criteria"])
    assert sum(answer["probabilities"].values()) == pytest.approx(1)


def test_a_rendering_that_is_too_long_is_read_as_continuations(client: Any) -> None:
    long = {"a": "word " * 1100, "b": None}
    question = {**CHOICE, "criteria": long}
    assert ask(client, "Rude.", q=question)["answers"]["q"]["x_reading"] == "continuations"


def test_a_state_that_is_too_long_is_refused(client: Any) -> None:
    response = refused(client, state="word " * 2000)
    assert response.status_code == 413
    assert "1024 tokens" in response.json()["detail"]["message"]


def test_names_order_and_company_change_no_answer(client: Any, tuned: Any) -> None:
    questions = {
        "a": CHOICE,
        "b": NOUL,
        "c": SCORE,
        "d": MANY,
        "e": {**NOUL, "criteria": {"true": "bad"}},
    }
    for text in tuned.texts[:3]:
        alone = {
            name: ask(client, text, "grooming", q=q)["answers"]["q"]
            for name, q in questions.items()
        }
        names = list(questions)
        random.Random(0).shuffle(names)
        together = ask(client, text, "grooming", **{f"{n} ü": questions[n] for n in names})[
            "answers"
        ]
        for name in names:
            assert_equal(together[f"{name} ü"], alone[name])


def assert_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.get("choice") == expected.get("choice")
    for key in ("noul", "score"):
        assert found.get(key, 0) == pytest.approx(expected.get(key, 0), abs=1e-5)
    shares = expected.get("probabilities", {})
    assert found.get("probabilities", {}) == pytest.approx(shares, abs=1e-5)


def test_the_usage_counts_the_tokens_of_the_prompt(client: Any, tuned: Any) -> None:
    predictor, text = tuned.backend.predictor, tuned.texts[0]
    deployment = record_of(tuned.grooming).deployment
    (read,) = predictor.prompts(deployment, [text])
    usage = ask(client, text, "grooming", q=CHOICE)["usage"]
    assert usage == {
        "input_tokens": len(predictor.tokenize(deployment, [read])[0]),
        "output_tokens": 0,
    }


def test_confidence_is_that_of_the_reference() -> None:
    assert choice_confidence([1.0, 0, 0]) == 1
    assert choice_confidence([1 / 3] * 3) == pytest.approx(0)
    assert choice_confidence([0.5, 0.3, 0.2]) == pytest.approx(0.25)
    assert score_confidence([0, 1.0, 0]) == 1
    assert score_confidence([0.25] * 4) == 0
    assert score_confidence([0.1, 0.8, 0.1]) == pytest.approx(1 - 0.2 / (2 / 3))


WRONG = {
    "no state": {"state": ...},
    "empty state": {"state": ""},
    "null state": {"state": None},
    "number as state": {"state": 3},
    "no questions": {"questions": {}},
    "empty id": {"questions": {"": NOUL}},
    "unknown type": {"questions": {"q": {"type": "boolean"}}},
    "no type": {"questions": {"q": {}}},
    "unknown key": {"questions": {"q": {**NOUL, "extra": 1}}},
    "one option": {"questions": {"q": {**CHOICE, "criteria": {"a": None}}}},
    "256 options": {"questions": {"q": {**CHOICE, "criteria": {str(i): None for i in range(256)}}}},
    "empty option": {"questions": {"q": {**CHOICE, "criteria": {"": None, "a": None}}}},
    "options as list": {"questions": {"q": {**CHOICE, "criteria": ["a", "b"]}}},
    "11 levels": {"questions": {"q": {**SCORE, "criteria": ["x"] * 11}}},
    "null level": {"questions": {"q": {**SCORE, "criteria": ["x", None]}}},
    "levels as map": {"questions": {"q": {**SCORE, "criteria": {"0": "x", "1": "y"}}}},
    "maybe as noul": {"questions": {"q": {**NOUL, "criteria": {"maybe": "x"}}}},
    "401 questions": {"questions": {str(i): NOUL for i in range(401)}},
    "model as number": {"model": 3},
    "deep state": {"state": json.loads("[" * 100 + "1" + "]" * 100)},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_a_wrong_body_is_named_with_its_place(client: Any, changes: Any) -> None:
    response = refused(client, **changes)
    assert response.status_code == 422
    (first, *_) = response.json()["detail"]
    assert set(first) == {"loc", "msg", "type"}
    assert first["loc"][0] == "body"


RAW = {
    "cut": b'{"state": "x"',
    "nan": b'{"state": "x", "model": "grooming", "questions": {}, "x": NaN}',
    "twice": b'{"state": "x", "model": "grooming", "questions": {"q": {"type": "choice", '
             b'"criteria": {"a": null, "a": null, "b": null}}}}',
    "deep": b"[" * 100_000,
    "latin": '{"state": "é"}'.encode("latin-1"),
    "array": b"[]",
    "empty": b"",
    "long number": b'{"state": ' + b"9" * 10_000 + b"}",
    "lone surrogate": b'{"state": "\\ud800", "model": "grooming", '
                      b'"questions": {"q": {"type": "noul"}}}',
}  # fmt: skip


@pytest.mark.parametrize("data", RAW.values(), ids=RAW)
def test_a_body_that_is_no_json_is_refused(client: Any, data: bytes) -> None:
    response = client.post(
        "/v1/systemone", content=data, headers={"content-type": "application/json"}
    )
    assert response.status_code == 422, response.text
    assert isinstance(response.json()["detail"], list)


def test_other_refusals_have_a_type_and_a_message(client: Any, serving: Any) -> None:
    unknown = refused(client, model="groming")
    assert unknown.status_code == 404
    assert unknown.json()["detail"]["error_type"] == "not_found"
    assert "Did you mean 'grooming'?" in unknown.json()["detail"]["message"]
    response = client.post("/v1/systemone", content=b"{}", headers={"content-type": "text/plain"})
    assert response.status_code == 415
    small = client_of(serving(max_body_bytes=100))
    assert refused(small, state="x" * 200).status_code == 413


def test_unknown_keys_are_ignored_at_the_top(client: Any) -> None:
    body = {"state": "Rude.", "model": "jev-latest", "questions": {"q": NOUL}, "seed": 7}
    assert client.post("/v1/systemone", json=body).status_code == 200
