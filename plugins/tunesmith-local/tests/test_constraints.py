"""Constrained decoding on random models: the structure is certain, whatever the model prefers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import torch

from tunesmith.errors import ExperimentError
from tunesmith.spec import Constraint, GenerationParams
from tunesmith_local.engine.constraints import Masks
from tunesmith_local.engine.encoding import encode_prompt
from tunesmith_local.engine.generation import generate, stream
from tunesmith_local.engine.sampling import Decoding, penalize
from tunesmith_local.model.loading import BaseLM

GetBase = Callable[[str], BaseLM]
TEXTS = ("The dog", "x", "A much longer text than the others")
OBJECT = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "n": {"enum": [1, 22, 333]}},
    "required": ["ok", "n"],
    "additionalProperties": False,
}


def written(base: BaseLM, constraint: Constraint, **params: object) -> list[str]:
    asked = GenerationParams.model_validate(
        {"max_new_tokens": 60, **params, "constraint": constraint}
    )
    found = generate(base, None, [encode_prompt(base.tokenizer, text) for text in TEXTS], asked)
    assert {one.stop_reason for one in found} == {"eos_token"}
    return [one.text for one in found]


@pytest.mark.parametrize("kind", ["granite", "hybrid-mamba", "t5"])
def test_every_row_is_one_of_the_choices(base_lm: GetBase, kind: str) -> None:
    choices = ("yes", "yes and no", 'a "quoted"\nline')
    texts = written(base_lm(kind), Constraint(kind="choice", value=choices))
    assert set(texts) <= set(choices)


def test_a_regular_expression_and_a_grammar_hold_for_the_whole_text(base_lm: GetBase) -> None:
    base = base_lm("granite")
    for text in written(base, Constraint(kind="regex", value="[ab]{4}-[0-9]")):
        assert re.fullmatch("[ab]{4}-[0-9]", text)
    schema = OBJECT | {"x-guidance": {"whitespace_flexible": False}}  # llguidance's own key
    grammar = 'start: "<" %json ' + json.dumps(schema) + ' ">"'
    for text in written(base, Constraint(kind="grammar", value=grammar)):
        assert json.loads(text[1:-1]).keys() == {"ok", "n"}


def test_sampling_is_constrained_too_and_repeated_by_its_seed(base_lm: GetBase) -> None:
    base, schema = base_lm("granite"), Constraint(kind="json_schema", value=OBJECT)
    drawn = [
        written(base, schema, decoding_method="sample", temperature=2.0, random_seed=seed)
        for seed in (1, 2, 1)
    ]
    assert drawn[0] == drawn[2]
    for text in drawn[0] + drawn[1]:
        value = json.loads(text)
        assert value["n"] in (1, 22, 333)
        assert isinstance(value["ok"], bool)


def test_a_temperature_near_zero_is_greedy(base_lm: GetBase) -> None:
    base, schema = base_lm("granite"), Constraint(kind="json_schema", value=OBJECT)
    cold = written(base, schema, decoding_method="sample", temperature=1e-300, random_seed=1)
    assert cold == written(base, schema)


def test_a_stream_is_the_same_text_in_pieces(base_lm: GetBase) -> None:
    base = base_lm("granite")
    params = GenerationParams(
        max_new_tokens=60, constraint=Constraint(kind="json_schema", value=OBJECT)
    )
    prompt = encode_prompt(base.tokenizer, TEXTS[0])
    pieces = [*stream(base, None, prompt, params)]
    assert len(pieces) > 3
    (whole,) = generate(base, None, [prompt], params)
    assert "".join(piece.text for piece in pieces) == whole.text


def test_a_constraint_that_does_not_end_in_time_ends_at_the_limit(base_lm: GetBase) -> None:
    base = base_lm("granite")
    params = GenerationParams(max_new_tokens=4, constraint=Constraint(kind="regex", value="a{9}"))
    (found,) = generate(base, None, [encode_prompt(base.tokenizer, "x")], params)
    assert (found.text, found.stop_reason) == ("aaaa", "max_tokens")


def test_a_minimum_length_does_not_break_the_structure(base_lm: GetBase) -> None:
    texts = written(base_lm("granite"), Constraint(kind="regex", value="ab"), min_new_tokens=10)
    assert set(texts) == {"ab"}


def test_the_masks_of_rows_are_their_own(base_lm: GetBase) -> None:
    base = base_lm("granite")
    masks = Masks(base, Constraint(kind="choice", value=("ax", "by")), 2)
    spell = base.tokenizer.convert_tokens_to_ids
    a, b, x, y = (int(spell(letter)) for letter in "abxy")
    scores = torch.zeros(2, base.score_count)
    assert allowed(masks.apply(scores)) == [{a, b}, {a, b}]
    masks.advance([a, b])
    assert allowed(masks.apply(scores)) == [{x}, {y}]
    masks.advance([x, y])
    assert allowed(masks.apply(scores)) == [set(base.end_ids)] * 2


def allowed(scores: torch.Tensor) -> list[set[int]]:
    return [{*row.isfinite().nonzero().flatten().tolist()} for row in scores]


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (Constraint(kind="json_schema", value={"not": {}}), "json schema cannot be kept.*not"),
        (Constraint(kind="regex", value="(?=a)b"), "regex cannot be kept.*look-around"),
        (Constraint(kind="regex", value="[a"), "regex cannot be kept.*unclosed"),
        (Constraint(kind="grammar", value="start: nothing"), "grammar cannot be kept.*nothing"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(
    base_lm: GetBase, constraint: Constraint, reason: str
) -> None:
    with pytest.raises(ExperimentError, match=f"^generation.constraint: this {reason}"):
        written(base_lm("granite"), constraint)


def test_penalties_of_frequency_and_presence_are_those_of_openai() -> None:
    scores = torch.zeros(2, 4)
    decoding = Decoding(frequency_penalty=0.5, presence_penalty=1.0, logit_bias={3: 2.0})
    found = penalize(scores, [[1, 1, 2], [0, 0, 0]], decoding, [])
    assert found.tolist() == [[0.0, -2.0, -1.5, 2.0], [-2.5, 0.0, 0.0, 2.0]]


def test_a_bias_for_no_token_is_refused(base_lm: GetBase) -> None:
    base = base_lm("granite")
    with pytest.raises(ExperimentError, match=r"logit_bias: no token 260; .* 0 to 259"):
        generate(base, None, [encode_prompt(base.tokenizer, "x")],
                 GenerationParams(logit_bias={260: 1.0}))  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value"), [("json_schema", "x"), ("choice", ()), ("regex", ""), ("choice", "ab")]
)
def test_a_value_of_the_wrong_kind_is_no_constraint(kind: str, value: object) -> None:
    with pytest.raises(ValueError, match=kind):
        Constraint.model_validate({"kind": kind, "value": value})
