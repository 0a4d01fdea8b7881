"""The rendering of a question for a base model: that of transformers' DecisionConfig."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.decision import DecisionConfig, parse_questions
from transformers.decision.template_utils import DECISION_PROMPT
from transformers.pipelines import DecisionPipeline
from transformers.utils.chat_template_utils import _compile_jinja_template

from tunesmith_micro_granite import path
from tunesmith_serve.rendering import lettered
from tunesmith_serve.wires.systemone import SystemOne

QUESTIONS = {
    "noul": {"type": "noul", "instructions": "Is it a complaint?"},
    "told": {"type": "noul", "instructions": ["Is it?", 1], "criteria": {"true": "a é"}},
    "bare": {"type": "noul"},
    "choice": {"type": "choice", "instructions": "Who?", "criteria": {"vet": None, "clerk": "<b>"}},
    "nested": {
        "type": "choice",
        "instructions": {"a": [1, "é"]},
        "criteria": {"x": {}, "y": ["z"]},
    },
    "most": {"type": "choice", "criteria": {f"option {i}": None for i in range(26)}},
    "score": {
        "type": "score",
        "instructions": "How?",
        "criteria": ["fine", {"is": "bad"}, "worst"],
    },
}
STATES: list[Any] = [
    "The groomer cut my dog.\n\nNever again.",
    {"text": "Late, rude — 3 €", "stars": 1},
    ["a", {"b": None}],
]


def bodies() -> list[dict[str, Any]]:
    return [{"state": state, "model": "m", "questions": QUESTIONS} for state in STATES]


@pytest.mark.parametrize("body", bodies())
def test_the_text_is_that_of_transformers(body: dict[str, Any]) -> None:
    template = _compile_jinja_template(DECISION_PROMPT)
    theirs = [
        template.render(state=body["state"], question=question)
        for question in parse_questions(body["questions"], DecisionConfig())
    ]
    asked = SystemOne.model_validate(body).asked()
    assert [lettered(body["state"], question) for question in asked] == theirs


def test_the_probabilities_are_those_of_transformers(service: Any) -> None:
    folder = str(path())
    pipe = DecisionPipeline(
        model=AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval(),
        tokenizer=AutoTokenizer.from_pretrained(folder),
        decision_config=DecisionConfig(),
    )
    for body in bodies():
        asked = SystemOne.model_validate(body).asked()
        decided = asyncio.run(service.decider.decide(None, body["state"], asked))
        theirs = pipe({"state": body["state"], "questions": body["questions"]})
        for question, found, answer in zip(asked, decided.answers, theirs.values(), strict=True):
            if question.kind == "noul":
                expected = [answer["noul"], 1 - answer["noul"]]
            else:
                expected = list(answer["probabilities"].values())
            assert found.probabilities == pytest.approx(expected, abs=1e-5)
