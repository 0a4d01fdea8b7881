"""Guardrails: what the rules find, and answers to the real SDK with them."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from service_rest import MODEL_ID, Rest, refusal

from tunesmith_emulator import Emulator
from tunesmith_emulator.guardrails.detectors import detect

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's imports cause warnings
    from ibm_watsonx_ai import APIClient, Credentials
    from ibm_watsonx_ai.foundation_models import ModelInference
    from ibm_watsonx_ai.foundation_models.moderations import Guardian
    from ibm_watsonx_ai.foundation_models.utils.utils import (
        HAPDetectionWarning,
        PIIDetectionWarning,
    )

MAIL = "Write to jo.doe@example.com or call 333-452-3123."


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        (MAIL, ["EmailAddress", "PhoneNumber"]),
        ("My number is 3334523123", ["PhoneNumber"]),
        ("pay with 4111 1111 1111 1111", ["BankAccountNumber.CreditCardNumber"]),
        ("pay with 4111 1111 1111 1112", []),
        ("078-05-1120", ["NationalNumber.SocialSecurityNumber.US"]),
        ("000-05-1120", []),
        ("It is 2026-10-14, version 1.2.3, and 12345 people came.", []),
    ],
)
def test_personal_data_is_found_by_its_form(text: str, entities: list[str]) -> None:
    assert [one.entity for one in detect("pii", text)] == entities


def test_positions_are_those_of_the_service() -> None:
    (one,) = detect("pii", "My phone number is 3334523123")  # recorded
    assert (one.start, one.end, one.score) == (19, 29, 0.8)


def test_harmful_words_are_whole_words() -> None:
    assert [one.word for one in detect("hap", "I hate this damn world.")] == ["damn"]
    assert detect("hap", "Classic assessments in Scunthorpe") == []


def test_guardian_lists_detections(sdk: Any) -> None:
    guardian = Guardian(api_client=sdk, detectors={"pii": {}, "hap": {"threshold": 0.4}})
    found = guardian.detect(f"Damn! {MAIL}")["detections"]
    assert [(d["detection_type"], d["detection"]) for d in found] == [
        ("hap", "has_HAP"), ("pii", "EmailAddress"), ("pii", "PhoneNumber"),
    ]  # fmt: skip
    assert guardian.detect(MAIL, {"pii": {"threshold": 0.9}})["detections"] == []


def test_granite_guardian_is_refused(rest: Rest) -> None:
    body = {"input": "a", "detectors": {"granite_guardian": {"threshold": 0.4}}}
    error = refusal(rest.ask("POST", "/ml/v1/text/detection", body), 400)
    assert error["code"] == "unsupported"
    assert error["target"]["name"] == "detectors.granite_guardian"
    nothing = refusal(rest.ask("POST", "/ml/v1/text/detection", {"input": "a"}), 400)
    assert nothing["target"]["name"] == "detectors"


@pytest.fixture
def model(local: Emulator) -> Iterator[ModelInference]:
    client = APIClient(Credentials(**local.credentials), project_id=local.project_id)
    yield ModelInference(model_id=MODEL_ID, api_client=client)
    gc.collect()  # what the SDK leaves open complains now, in its own test


@pytest.mark.filterwarnings(
    "ignore:guardrails are rules here",
    "ignore:Unsuitable input:ibm_watsonx_ai.utils.warnings.WatsonxAPIWarning",
)
def test_nothing_is_generated_for_unsuitable_input(model: ModelInference) -> None:
    with pytest.warns(HAPDetectionWarning, match="Unsuitable input detected"):
        text = model.generate_text("This damn dog", guardrails=True)
    assert text == ""
    pii = {"input": True, "output": False}
    with pytest.warns(PIIDetectionWarning, match="Unsuitable input detected"):
        model.generate_text(MAIL, guardrails=True, guardrails_pii_params=pii)
    answer = model.generate(MAIL, guardrails=True, guardrails_pii_params=pii)
    (result,) = answer["results"]
    assert result["generated_token_count"] == 0
    assert result["input_token_count"] > 0
    first, _ = result["moderations"]["pii"]
    assert (first["entity"], first["word"], first["input"]) == (
        "EmailAddress", "jo.doe@example.com", True,
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore:guardrails are rules here")
def test_a_suitable_answer_is_as_without_guardrails(model: ModelInference) -> None:
    prompt = "What color sunflower is?"
    answer = model.generate(prompt, guardrails=True)
    (result,) = answer["results"]
    assert result["moderations"] == {}
    assert result["generated_text"] == model.generate_text(prompt)
    assert "".join(model.generate_text_stream(prompt, guardrails=True)) == result["generated_text"]


def test_the_output_is_looked_at_and_masked(local: Emulator, rest_for: Callable[..., Rest]) -> None:
    # The embedded model echoes its input in the answer if asked to, so the echo is not output.
    rest = rest_for(local)
    side = {"input": {"enabled": False}, "output": {"enabled": True}}
    body = {
        "model_id": MODEL_ID,
        "input": MAIL,
        "parameters": {"return_options": {"input_text": True}},
        "moderations": {"pii": side},
    }
    (result,) = rest.post("/ml/v1/text/generation", body)["results"]
    assert result["generated_text"].startswith(MAIL)


def test_a_mask_hides_what_is_found() -> None:
    from tunesmith_emulator.guardrails.moderations import Moderations

    side = {"output": {"enabled": True}}
    guard = Moderations.read({"pii": {**side, "mask": {"remove_entity_value": True}}})
    text, found = guard.in_output(MAIL)
    assert text == f"Write to {'*' * 18} or call {'*' * 12}."
    assert "word" not in found["pii"][0]
    assert Moderations.read({"pii": side}).in_output(MAIL)[0] == MAIL
    ranged = Moderations.read(
        {"pii": {"input": {"enabled": True}}, "input_ranges": [{"start": 0, "end": 30}]}
    )
    assert [one["entity"] for one in ranged.in_input(MAIL)["pii"]] == ["EmailAddress"]
