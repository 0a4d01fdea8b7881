"""Generation parameters, counts, stop reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import torch
from local_models import build

from tunesmith.errors import PredictionError
from tunesmith.spec import GenerationParams
from tunesmith_local.engine.encoding import EncodedPrompt, encode_prompt
from tunesmith_local.engine.generation import GENERATION_PARAMETERS, generate
from tunesmith_local.engine.sampling import Decoding, choose, penalize, row_generators
from tunesmith_local.model.loading import BaseLM

GetBase = Callable[[str], BaseLM]


def prompts(base: BaseLM, *texts: str) -> list[EncodedPrompt]:
    """Encode texts without a template."""
    return [encode_prompt(base.tokenizer, text) for text in texts]


def speaker(*tokens: int) -> BaseLM:
    """A model that generates ``tokens`` in turn, by the number of tokens read since the text."""
    base = build("granite")
    real = base.model.forward

    def forward(**inputs: object) -> object:
        out = real(**inputs)
        length = inputs["attention_mask"].shape[-1]  # type: ignore[attr-defined]
        speaker.start = length if "inputs_embeds" in inputs else speaker.start
        out.logits = torch.zeros_like(out.logits)
        out.logits[..., tokens[length - speaker.start]] = 5.0
        return out

    speaker.start = 0
    base.model.forward = forward
    return base


def test_every_field_of_the_parameters_is_honored() -> None:
    assert set(GenerationParams.model_fields) == GENERATION_PARAMETERS


@pytest.mark.parametrize("kind", ["granite", "hybrid-mamba", "llama", "t5"])
def test_greedy_equals_transformers_generate(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    for text in ("The dog", "x"):
        ids = base.tokenizer(text, return_tensors="pt")
        theirs = base.model.generate(**ids, max_new_tokens=12, do_sample=False, pad_token_id=257)
        (ours,) = generate(base, None, prompts(base, text), GenerationParams(max_new_tokens=12))
        new = theirs[0, 1 if base.is_seq2seq else ids["input_ids"].shape[1] :]
        assert ours.text == base.tokenizer.decode(new, skip_special_tokens=True)
        assert ours.generated_token_count == len(new)


def test_the_end_token_ends_counts_and_is_not_text() -> None:
    base = speaker(16, 256, 17)
    (result,) = generate(base, None, prompts(base, "abc"))
    assert (result.text, result.generated_token_count) == ("1", 2)
    assert result.stop_reason == "eos_token"
    assert result.input_token_count == 3


def test_rows_that_end_early_stay_as_they_are() -> None:
    base = speaker(16, 256, 17, 17)
    params = GenerationParams(max_new_tokens=4, stop_sequences=("zz",))
    results = generate(base, None, prompts(base, "abc", "a longer one"), params)
    assert {result.text for result in results} == {"1"}


def test_twenty_tokens_are_the_default(base_lm: GetBase) -> None:
    base = speaker(*[16] * 30)
    (result,) = generate(base, None, prompts(base, "abc"))
    assert (result.generated_token_count, result.stop_reason) == (20, "max_tokens")


def test_no_new_tokens_are_no_text(base_lm: GetBase) -> None:
    base = base_lm("granite")
    (result,) = generate(base, None, prompts(base, "abc"), GenerationParams(max_new_tokens=0))
    assert (result.text, result.stop_reason) == ("", "max_tokens")


@pytest.mark.parametrize(
    ("include", "minimum", "text", "count"),
    [(None, 0, "101", 3), (False, 0, "1", 3), (True, 4, "10101", 5)],
)
def test_stop_sequences(include: bool | None, minimum: int, text: str, count: int) -> None:
    base = speaker(*[16, 15] * 10)
    params = GenerationParams(
        stop_sequences=("01", "11"), include_stop_sequence=include, min_new_tokens=minimum
    )
    (result,) = generate(base, None, prompts(base, "abc"), params)
    assert result.stop_reason == "stop_sequence"
    if minimum:
        # The earliest match counts, though it was only looked for after the minimum.
        assert result.generated_token_count >= minimum
    else:
        assert (result.text, result.generated_token_count) == (text, count)


def test_the_minimum_length_forbids_the_end() -> None:
    base = speaker(256, 256, 256, 256)
    params = GenerationParams(min_new_tokens=2)
    (result,) = generate(base, None, prompts(base, "abc"), params)
    assert (result.generated_token_count, result.stop_reason) == (3, "eos_token")


def test_the_time_limit_returns_the_text_so_far() -> None:
    base = speaker(*[16] * 200)
    params = GenerationParams(max_new_tokens=150, time_limit=1)
    (result,) = generate(base, None, prompts(base, "abc"), params)
    assert result.stop_reason == "time_limit"
    assert result.generated_token_count is not None
    assert 0 < result.generated_token_count < 150
    assert result.text == "1" * result.generated_token_count


def test_return_options(base_lm: GetBase) -> None:
    base = base_lm("granite")
    options = {
        "input_text": True, "generated_tokens": True, "token_logprobs": True, "token_ranks": True,
        "top_n_tokens": 3,
    }  # fmt: skip
    params = GenerationParams(max_new_tokens=3, return_options=options)
    (full,) = generate(base, None, prompts(base, "abc"), params)
    (plain,) = generate(base, None, prompts(base, "abc"), GenerationParams(max_new_tokens=3))
    assert full.text == "abc" + plain.text
    assert full.tokens is not None
    assert len(full.tokens) == 3
    assert all(token.rank == 1 for token in full.tokens)
    assert all(token.logprob is not None and token.logprob < 0 for token in full.tokens)
    for token in full.tokens:
        assert token.top_tokens is not None
        assert [top.logprob for top in token.top_tokens] == sorted(
            (top.logprob for top in token.top_tokens), reverse=True
        )
        assert len(token.top_tokens) == 3
        assert (token.top_tokens[0].text, token.top_tokens[0].logprob) == (
            token.text,
            token.logprob,
        )
    assert plain.tokens is None


def test_sampling_follows_the_distribution() -> None:
    decoding = Decoding(sample=True, random_seed=1)
    scores = torch.log(torch.tensor([[0.5, 0.3, 0.2, 0.0]])).expand(4000, -1)
    generators = row_generators(decoding, [str(i) for i in range(4000)])
    counts = Counter(choose(scores, decoding, generators))
    assert counts[3] == 0
    for token, share in enumerate((0.5, 0.3, 0.2)):
        assert counts[token] / 4000 == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [({"top_k": 2}, {0, 1}), ({"top_p": 0.4}, {0}), ({"temperature": 0.0}, {0})],
)
def test_warping_narrows_the_choice(settings: dict[str, float], allowed: set[int]) -> None:
    decoding = Decoding(sample=True, random_seed=1, **settings)
    scores = torch.log(torch.tensor([[0.5, 0.3, 0.2]])).expand(200, -1)
    generators = row_generators(decoding, [str(i) for i in range(200)])
    assert set(choose(scores, decoding, generators)) == allowed


def test_the_seed_decides_the_samples(base_lm: GetBase) -> None:
    base = base_lm("granite")
    texts = prompts(base, "a", "b", "c", "d")

    def sample(seed: int | None) -> list[str]:
        params = GenerationParams(decoding_method="sample", random_seed=seed)
        return [result.text for result in generate(base, None, texts, params)]

    assert sample(5) == sample(5)
    assert sample(5) != sample(6)
    assert sample(None) != sample(None)


def test_the_repetition_penalty_lowers_generated_tokens() -> None:
    scores = torch.tensor([[2.0, -2.0, 1.0]])
    out = penalize(scores, [[0, 1]], Decoding(repetition_penalty=2.0), [])
    assert out.tolist() == [[1.0, -4.0, 1.0]]
    assert scores.tolist() == [[2.0, -2.0, 1.0]]


def test_the_length_penalty_raises_the_end_after_its_start() -> None:
    decoding = Decoding(decay_factor=2.0, decay_start=1)
    scores = torch.tensor([[2.0, -2.0, 1.0]])
    assert penalize(scores, [[0]], decoding, [1]).tolist() == [[2.0, -2.0, 1.0]]
    assert penalize(scores, [[0, 0]], decoding, [1]).tolist() == [[2.0, 0.0, 1.0]]
    assert penalize(scores, [[0, 0, 0]], decoding, [1]).tolist() == [[2.0, 4.0, 1.0]]


def test_an_empty_input_is_an_error_for_the_bare_model_only(base_lm: GetBase) -> None:
    base = base_lm("granite")
    with pytest.raises(PredictionError, match="input 1 is empty"):
        generate(base, None, prompts(base, "a", ""))
    (result,) = generate(base, torch.randn(2, 32), prompts(base, ""))
    assert result.input_token_count == 0


def test_an_input_past_the_positions_is_an_error(base_lm: GetBase) -> None:
    base = base_lm("granite")
    with pytest.raises(PredictionError, match="exceed the 512 positions"):
        generate(base, None, prompts(base, "x" * 500))


def test_no_inputs_are_no_results(base_lm: GetBase) -> None:
    assert generate(base_lm("granite"), None, []) == []
