"""A row's result never depends on its neighbors."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise, product

import pytest
import torch
from local_models import EXACT, start_decoder

from tunesmith.spec import GenerationParams
from tunesmith_local.engine.batching import by_length, lay_out, worth_a_pass
from tunesmith_local.engine.encoding import encode_prompt
from tunesmith_local.engine.generation import generate
from tunesmith_local.engine.scoring import Example, row_losses
from tunesmith_local.engine.self_check import (
    padding_error,
    plain_gradient,
    prefix_error,
    read_alone,
)
from tunesmith_local.engine.soft_prompt import initial_prompt
from tunesmith_local.methods.peft_models import soft_prompt_model
from tunesmith_local.model.loading import BaseLM

A_PASS = worth_a_pass(torch.device("cpu"))
GetBase = Callable[[str], BaseLM]
TEXTS = [f"The dog was {'very ' * n}good." for n in (0, 7, 1, 15, 3, 40, 2, 5)]
SAMPLED = GenerationParams(decoding_method="sample", random_seed=7, temperature=1.5, top_p=0.95)


def prompt_of(base: BaseLM, length: int = 8) -> torch.Tensor:
    """A soft prompt that matters: larger than the embeddings by far."""
    return initial_prompt(base, "random", length, seed=1).weights * 6


def encoded(base: BaseLM) -> list[tuple[int, ...]]:
    """Token ids of the texts."""
    return [encode_prompt(base.tokenizer, text).token_ids for text in TEXTS]


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("tuned", [True, False])
@pytest.mark.parametrize("params", [GenerationParams(max_new_tokens=10), SAMPLED])
def test_generations_alone_equal_those_in_any_batch(
    base_lm: GetBase, kind: str, tuned: bool, params: GenerationParams
) -> None:
    base = base_lm(kind)
    prompt = prompt_of(base) if tuned else None
    rows = [encode_prompt(base.tokenizer, text) for text in TEXTS]
    alone = [generate(base, prompt, [row], params)[0] for row in rows]
    for size in (3, 8):
        assert generate(base, prompt, rows, params, batch_size=size) == alone
    assert generate(base, prompt, rows[::-1], params) == alone[::-1]


@pytest.mark.parametrize("kind", EXACT)
def test_logits_alone_equal_those_behind_padding(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    prompt, rows = prompt_of(base), encoded(base)
    with torch.no_grad():
        together = start_decoder(base, prompt, rows).first()
        alone = torch.cat([start_decoder(base, prompt, [row]).first() for row in rows])
    assert (together - alone).abs().max() <= 1e-5


@pytest.mark.parametrize("kind", EXACT)
def test_the_soft_prompt_decides(base_lm: GetBase, kind: str) -> None:
    # Otherwise equality in a batch would prove nothing about the prompt's place.
    base = base_lm(kind)
    rows = encoded(base)
    with torch.no_grad():
        one = start_decoder(base, prompt_of(base), rows).first()
        other = start_decoder(base, prompt_of(base).flip(1), rows).first()
    assert (one - other).abs().amax(-1).min() > 5e-3


@pytest.mark.parametrize("kind", EXACT)
def test_losses_and_gradients_do_not_depend_on_the_batch(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    rows = [Example(ids, (49 + i % 2, *[70] * (i % 3), 256)) for i, ids in enumerate(encoded(base))]
    prompt = torch.nn.Parameter(prompt_of(base))
    together = row_losses(base, prompt, rows)
    alone = torch.cat([row_losses(base, prompt, [row]) for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)
    first = torch.autograd.grad(together.sum(), prompt)[0]
    second = torch.autograd.grad(alone.sum(), prompt)[0]
    assert (first - second).norm() <= 1e-4 * second.norm()


@pytest.mark.parametrize("kind", EXACT)
def test_every_architecture_here_passes_the_self_check(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    assert padding_error(base, read_alone(base)) < 1e-5
    assert base.padding_exact
    assert base.prefix_exact == (kind not in ("hybrid-mamba", "t5"))
    if base.prefix_exact:
        assert prefix_error(base, plain_gradient(base)) < 1e-5


def test_the_self_check_finds_a_model_that_leaks_padding(
    base_lm: GetBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tunesmith_local.engine.mixing.padding_worth_a_pass", lambda base: 10_000
    )  # one batch
    base = base_lm("hybrid-mamba-bias")
    assert not base.padding_exact
    rows = [encode_prompt(base.tokenizer, text) for text in [*TEXTS, TEXTS[0]]]
    params = GenerationParams(max_new_tokens=6)
    alone = [generate(base, prompt_of(base), [row], params)[0] for row in rows]
    assert generate(base, prompt_of(base), rows, params) == alone
    assert base.state_exact  # rows behind kept states meet no padding
    trusting = replace(base, padding_exact=True, state_exact=False)
    assert generate(trusting, prompt_of(base), rows, params) != alone


@pytest.mark.parametrize("kind", EXACT)
def test_a_single_row_gives_the_logits_of_plain_peft(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    prompt = prompt_of(base)
    wrapped = soft_prompt_model(base, prompt)
    for ids in encoded(base)[:3]:
        inputs = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids))}
        if base.is_seq2seq:
            inputs["decoder_input_ids"] = torch.tensor([[257]])
        with torch.no_grad():
            theirs = wrapped(**inputs).logits[:, -1]
            ours = start_decoder(base, prompt, [ids]).first()
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_in_plain_peft_a_row_depends_on_its_batch(base_lm: GetBase) -> None:
    # Why lay_out exists: [soft prompt][padding][text], with the positions counted through.
    base = base_lm("granite")
    prompt, rows = prompt_of(base), encoded(base)
    wrapped = soft_prompt_model(base, prompt)
    width = max(map(len, rows))
    ids = torch.tensor([[257] * (width - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        alone = torch.cat([start_decoder(base, prompt, [row]).first() for row in rows])
        with pytest.warns(UserWarning, match="Position ids are not supported"):
            out = wrapped(input_ids=ids, attention_mask=mask, position_ids=positions)
    batch = out.logits[:, -1]
    assert (batch - alone).abs().max() > 1e-2


@pytest.mark.parametrize("kind", ["granite", "granite-moe", "hybrid-attention", "llama"])
def test_reading_the_prompt_once_for_a_batch_changes_nothing(base_lm: GetBase, kind: str) -> None:
    base, prompt = base_lm(kind), torch.nn.Parameter(prompt_of(base_lm(kind)))
    plain = replace(base, prefix_exact=False, state_exact=False)
    rows = [Example(ids, (49, 256)) for ids in encoded(base)]
    ours, theirs = row_losses(base, prompt, rows), row_losses(plain, prompt, rows)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    first = torch.autograd.grad(ours.sum(), prompt)[0]
    second = torch.autograd.grad(theirs.sum(), prompt)[0]
    assert (first - second).norm() <= 1e-5 * second.norm()
    texts = [encode_prompt(base.tokenizer, text) for text in TEXTS]
    assert generate(base, prompt, texts) == generate(plain, prompt, texts)


def test_the_layout_is_padding_prompt_text(base_lm: GetBase) -> None:
    base = replace(base_lm("granite"), prefix_exact=False)
    prompt = torch.full((2, base.hidden_size), 5.0)
    batch = lay_out(base, [[1, 2, 3], [4]], prompt)
    assert batch.attention_mask.tolist() == [[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 4], [0, 0, 0, 1, 2]]
    assert (batch.inputs_embeds[1, 2:4] == 5).all()
    assert torch.equal(
        batch.inputs_embeds[1, 4], base.model.get_input_embeddings().weight[4].detach()
    )


def test_batches_hold_every_row_once_longest_first() -> None:
    lengths = [3, 9, 3, 1, 9, 9]
    assert list(by_length(lengths, 2, A_PASS)) == [[1, 4], [5, 0], [2, 3]]
    assert list(by_length(lengths, 2, A_PASS, equal_only=True)) == [[1, 4], [5], [0, 2], [3]]
    assert list(by_length([], 2, A_PASS)) == []


def test_long_rows_do_not_make_short_ones_wide() -> None:
    assert list(by_length([10, 90, 10, 85, 9, 10], 8, A_PASS)) == [[1, 3], [0, 2, 5, 4]]
    assert list(by_length([10, 12, 10, 11, 9, 10], 8, A_PASS)) == [[1, 3, 0, 2, 5, 4]]


@pytest.mark.parametrize("seed", range(5))
def test_no_other_cut_reads_less(seed: int) -> None:
    draw = random.Random(seed)
    lengths = [draw.randrange(1, 100) for _ in range(9)]
    falling = sorted(lengths, reverse=True)

    def cost(batches: Iterable[Sequence[int]]) -> int:
        return sum(max(batch) * len(batch) + A_PASS for batch in batches)

    ours = cost([lengths[i] for i in batch] for batch in by_length(lengths, 4, A_PASS))
    for marks in product((False, True), repeat=8):
        ends = [place for place, mark in enumerate(marks, 1) if mark]
        batches = [falling[a:b] for a, b in pairwise([0, *ends, 9])]
        assert max(map(len, batches)) > 4 or ours <= cost(batches)
