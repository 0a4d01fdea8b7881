"""Tokens of the input with their log-probabilities, against one plain forward pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tunesmith.errors import UnsupportedError
from tunesmith.spec import GenerationParams
from tunesmith_local.engine import token_infos
from tunesmith_local.engine.encoding import encode_prompt
from tunesmith_local.engine.generation import generate, generate_mixed, stream
from tunesmith_local.engine.prefix import Prefix, prefix_of, read_state
from tunesmith_local.model.loading import BaseLM

GetBase = Callable[[str], BaseLM]
TEXTS = ("The dog sat in a bin", "x", "Gentle and quick: é 字")
OPTIONS = {"input_tokens": True, "token_logprobs": True, "token_ranks": True, "top_n_tokens": 2}
CAUSAL = [
    "granite",
    "granite-moe",
    "hybrid-attention",
    "hybrid-mamba",
    "hybrid-mamba-bias",
    "llama",
]


def asked(new_tokens: int = 0, **options: bool | int) -> GenerationParams:
    return GenerationParams(max_new_tokens=new_tokens, return_options=options or OPTIONS)


def plain(base: BaseLM, text: str, prompt: torch.Tensor | None = None) -> torch.Tensor:
    """Return ``[tokens, vocab]`` log-probabilities, each row of what the next token may be."""
    ids = base.tokenizer(text, return_tensors="pt")["input_ids"]
    embeds = base.model.get_input_embeddings()(ids)
    if prompt is not None:
        embeds = torch.cat([prompt[None], embeds], dim=1)
    with torch.no_grad():
        return base.model(inputs_embeds=embeds).logits[0].log_softmax(-1)


@pytest.mark.parametrize("kind", CAUSAL)
@pytest.mark.parametrize("virtual", [0, 3])
def test_they_are_those_of_a_plain_forward_pass(base_lm: GetBase, kind: str, virtual: int) -> None:
    base = base_lm(kind)
    prompt = torch.randn(virtual, 32) if virtual else None
    encoded = [encode_prompt(base.tokenizer, text) for text in TEXTS]
    for text, result in zip(TEXTS, generate(base, prompt, encoded, asked()), strict=True):
        ids = base.tokenizer(text)["input_ids"]
        before = plain(base, text, prompt)[:-1]  # behind each place: the last is of a new token
        infos = result.input_tokens
        assert infos is not None
        assert [info.text for info in infos] == base.tokenizer.convert_ids_to_tokens(ids)
        if not virtual:
            assert infos[0].logprob is infos[0].rank is infos[0].top_tokens is None
            infos, ids = infos[1:], ids[1:]
        else:
            before = before[virtual - 1 :]
        for info, token, log_probs in zip(infos, ids, before, strict=True):
            assert info.logprob == pytest.approx(float(log_probs[token]), abs=1e-4)
            assert info.rank == int((log_probs > log_probs[token]).sum()) + 1
            assert info.top_tokens is not None
            best = [top.logprob for top in info.top_tokens]
            assert best == pytest.approx(log_probs.topk(2).values.tolist(), abs=1e-4)


def test_behind_a_kept_prompt_and_its_template_they_are_the_same(base_lm: GetBase) -> None:
    base = base_lm("granite")
    weights, encoded = torch.randn(3, 32), encode_prompt(base.tokenizer, "Text: a dog")
    kept = Prefix(weights, read_state(base, weights, encoded.token_ids[:5]), encoded.token_ids[:5])
    results = generate_mixed(base, [(kept, encoded), (prefix_of(base, weights), encoded)], asked())
    assert results[0].input_tokens == results[1].input_tokens


def test_a_prefix_of_keys_and_values_leaves_the_first_token_without(base_lm: GetBase) -> None:
    base = base_lm("granite")
    weights, encoded = torch.randn(3, 32), encode_prompt(base.tokenizer, TEXTS[0])
    trained = Prefix(None, read_state(base, weights, ()))
    found, soft = generate_mixed(base, [(trained, encoded), (Prefix(weights), encoded)], asked())
    assert found.input_tokens is not None
    assert soft.input_tokens is not None
    assert found.input_tokens[0].logprob is None
    assert [info.logprob for info in found.input_tokens[1:]] == pytest.approx(
        [info.logprob for info in soft.input_tokens[1:]], abs=1e-4
    )


def test_a_row_does_not_depend_on_its_neighbors(base_lm: GetBase) -> None:
    base = base_lm("hybrid-mamba")
    encoded = [encode_prompt(base.tokenizer, text) for text in TEXTS]
    together = generate(base, None, encoded, asked())
    assert together == [generate(base, None, [one], asked())[0] for one in encoded]


def test_a_long_input_is_read_in_chunks_of_scores(
    base_lm: GetBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_lm("granite")
    encoded = [encode_prompt(base.tokenizer, TEXTS[0])]
    for prompt in (None, torch.randn(2, 32)):
        (whole,) = generate(base, prompt, encoded, asked())
        with monkeypatch.context() as patch:
            patch.setattr(token_infos, "_MOST_SCORES", 3 * base.embeddings.num_embeddings)
            (chunked,) = generate(base, prompt, encoded, asked())
        assert whole.input_tokens is not None
        assert chunked.input_tokens is not None
        assert [info.logprob for info in whole.input_tokens] == pytest.approx(
            [info.logprob for info in chunked.input_tokens], abs=1e-5
        )


def test_they_do_not_change_the_generated_text(base_lm: GetBase) -> None:
    base = base_lm("granite")
    encoded = [encode_prompt(base.tokenizer, text) for text in TEXTS]
    with_tokens = generate(base, None, encoded, asked(5))
    without = generate(base, None, encoded, GenerationParams(max_new_tokens=5))
    assert [one.model_copy(update={"input_tokens": None}) for one in with_tokens] == without
    assert without[0].input_tokens is None


def test_without_log_probabilities_they_are_texts_and_nothing_is_read(base_lm: GetBase) -> None:
    base = base_lm("granite")
    (result,) = generate(
        base, None, [encode_prompt(base.tokenizer, "in a")], asked(input_tokens=True)
    )
    assert result.input_tokens is not None
    assert [info.text for info in result.input_tokens] == ["in", "Ġ", "a"]
    assert all(info.logprob is info.rank is None for info in result.input_tokens)


def test_no_new_tokens_are_no_text(base_lm: GetBase) -> None:
    base = base_lm("granite")
    (result,) = generate(base, None, [encode_prompt(base.tokenizer, "abc")], asked())
    assert (result.text, result.generated_token_count, result.stop_reason) == ("", 0, "max_tokens")


def test_a_stream_brings_them_once(base_lm: GetBase) -> None:
    base = base_lm("granite")
    encoded = encode_prompt(base.tokenizer, "abc")
    pieces = list(stream(base, None, encoded, asked(4)))
    (whole,) = generate(base, None, [encoded], asked(4))
    assert pieces[0].input_tokens == whole.input_tokens
    assert all(piece.input_tokens is None for piece in pieces[1:])


def test_an_encoder_has_none(base_lm: GetBase) -> None:
    base = base_lm("t5")
    encoded = [encode_prompt(base.tokenizer, "abc")]
    with pytest.raises(UnsupportedError, match="input_tokens"):
        generate(base, None, encoded, asked())
