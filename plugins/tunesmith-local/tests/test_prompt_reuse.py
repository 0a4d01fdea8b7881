"""Reading the soft prompt once for an optimizer step changes no loss and no gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from local_models import EXACT, build

from tunesmith_local.engine.encoding import encode_answer, encode_prompt
from tunesmith_local.engine.prompt_reuse import reading
from tunesmith_local.engine.scoring import Example, row_losses
from tunesmith_local.engine.soft_prompt import initial_prompt
from tunesmith_local.methods.peft_models import soft_prompt_model
from tunesmith_local.model.loading import BaseLM

GetBase = Callable[[str], BaseLM]
SHARED = ("granite", "granite-moe", "hybrid-attention", "llama")


def precise(kind: str) -> BaseLM:
    """A base model in which rounding hides nothing.

    In float32, PEFT's own gradient for the random T5 differs by 2e-4 from one attention of
    transformers to the other.
    """
    base = build(kind)
    return replace(base, model=base.model.double()) if base.is_seq2seq else base


def rows_of(base: BaseLM) -> list[Example]:
    """Rows whose prompts and answers have different lengths; all begin alike, two are equal."""
    return [
        Example(
            encode_prompt(base.tokenizer, f"The dog was {'very ' * n}good.").token_ids,
            encode_answer(base.tokenizer, ("no", "yes", "1")[n % 3]),
        )
        for n in (0, 7, 1, 15, 7)
    ]


def start(base: BaseLM) -> torch.nn.Parameter:
    """A soft prompt that matters."""
    return torch.nn.Parameter(initial_prompt(base, "random", 6, seed=1).weights * 6)


def step(base: BaseLM, prompt: torch.Tensor, rows: list[Example], size: int) -> torch.Tensor:
    """Go backward through the mean over ``rows``, in batches, and return the losses."""
    seen = []
    with reading(base, prompt) as losses_of:
        for first in range(0, len(rows), size):
            losses = losses_of(rows[first : first + size])
            torch.autograd.backward(losses.sum() / len(rows))
            seen.append(losses.detach())
    return torch.cat(seen)


def gradient_of_plain_peft(
    kind: str, start: torch.Tensor, rows: list[Example]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Losses and gradient of PEFT's own model, a row at a time, in transformers' own attention."""
    base = precise(kind)
    base.model.set_attn_implementation("eager")
    model = soft_prompt_model(base, start).to(base.dtype)
    losses = torch.stack([_plain_loss(base, model, row) for row in rows])
    torch.autograd.backward(losses.mean())
    gradient = model.prompt_encoder["default"].embedding.weight.grad
    return losses.detach(), gradient


def _plain_loss(base: BaseLM, model: torch.nn.Module, row: Example) -> torch.Tensor:
    if base.is_seq2seq:
        labels = torch.tensor([row.answer])
        return model(input_ids=torch.tensor([row.prompt]), labels=labels).loss
    ids = torch.tensor([row.prompt + row.answer])
    labels = ids.clone()
    labels[:, : len(row.prompt)] = -100
    return model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss


@pytest.mark.parametrize("kind", EXACT)
def test_the_gradient_is_that_of_plain_peft_a_row_at_a_time(kind: str) -> None:
    base = precise(kind)
    prompt, rows = start(base), rows_of(base)
    theirs, gradient = gradient_of_plain_peft(kind, prompt.detach(), rows)
    assert base.prefix_exact == (kind in SHARED)
    for size in (1, 2, 5):
        prompt.grad = None
        ours = step(base, prompt, rows, size)
        torch.testing.assert_close(ours, theirs.float(), rtol=1e-5, atol=1e-5)
        assert prompt.grad is not None
        assert (prompt.grad - gradient).norm() <= 1e-5 * gradient.norm()


@pytest.mark.parametrize("kind", ["granite", "hybrid-mamba"])
def test_an_encoder_before_the_prompt_gets_its_gradient_once(base_lm: GetBase, kind: str) -> None:
    base, rows = base_lm(kind), rows_of(base_lm(kind))
    weights, passes = start(base), []
    torch.manual_seed(0)
    encoder = torch.nn.Linear(base.hidden_size, base.hidden_size)
    expected = torch.stack([row_losses(base, encoder(weights), [row])[0] for row in rows]).mean()
    gradients = torch.autograd.grad(expected, [weights, *encoder.parameters()])
    prompt = encoder(weights)
    prompt.register_hook(lambda gradient: passes.append(gradient.shape))
    step(base, prompt, rows, 2)
    assert len(passes) == 1
    for parameter, gradient in zip([weights, *encoder.parameters()], gradients, strict=True):
        assert parameter.grad is not None
        assert (parameter.grad - gradient).norm() <= 1e-5 * gradient.norm()


@pytest.mark.parametrize("kind", SHARED)
def test_the_prompt_is_read_once_for_all_batches(base_lm: GetBase, kind: str) -> None:
    base, lengths = base_lm(kind), []
    handle = base.model.base_model.layers[0].register_forward_pre_hook(
        lambda module, inputs: lengths.append(inputs[0].shape[1])
    )
    with handle:
        step(base, start(base), rows_of(base), 2)
    assert len(lengths) == 1 + 3
    assert lengths[0] == 6


@pytest.mark.parametrize("kind", ["granite", "t5"])
@pytest.mark.parametrize("trained", [True, False])
def test_losses_alone_need_no_gradient(base_lm: GetBase, kind: str, trained: bool) -> None:
    base = base_lm(kind)
    prompt, rows = start(base).requires_grad_(trained), rows_of(base)
    with torch.no_grad(), reading(base, prompt) as losses_of:
        ours = losses_of(rows)
    assert not ours.requires_grad
    assert prompt.grad is None
    torch.testing.assert_close(ours, row_losses(base, prompt, rows).detach(), rtol=1e-5, atol=1e-5)


def test_an_interrupted_step_leaves_no_gradient(base_lm: GetBase) -> None:
    base = base_lm("granite")
    prompt, rows = start(base), rows_of(base)

    def break_off() -> None:
        with reading(base, prompt) as losses_of:
            torch.autograd.backward(losses_of(rows).sum())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert prompt.grad is None


def test_a_row_without_text_is_answered_by_the_prompt_itself(base_lm: GetBase) -> None:
    base = base_lm("granite")
    rows = [*rows_of(base), Example((), (49, 50, 256)), Example((), (256,))]
    prompt = start(base)
    plain = replace(base, prefix_exact=False)
    expected = torch.cat([row_losses(plain, prompt, [row]) for row in rows])
    (gradient,) = torch.autograd.grad(expected.mean(), prompt)
    torch.testing.assert_close(row_losses(base, prompt, rows), expected, rtol=1e-5, atol=1e-5)
    for size in (1, 3):
        prompt.grad = None
        losses = step(base, prompt, rows, size)
        torch.testing.assert_close(losses, expected.detach(), rtol=1e-5, atol=1e-5)
        assert prompt.grad is not None
        assert (prompt.grad - gradient).norm() <= 1e-5 * gradient.norm()


def test_gradients_of_many_batches_are_gathered_in_float32() -> None:
    base = build("granite")
    base.model.to(torch.bfloat16)
    with reading(base, start(base)) as losses_of:
        leaves = _leaves(losses_of(rows_of(base)))
    assert len(leaves) == 2 * base.model.config.num_hidden_layers
    assert {leaf.dtype for leaf in leaves} == {torch.float32}


def _leaves(loss: torch.Tensor) -> list[torch.Tensor]:
    seen, todo = set(), [loss.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [before for before, _ in node.next_functions]
    return [node.variable for node in seen if hasattr(node, "variable")]
