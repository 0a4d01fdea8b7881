"""Packed sequences: the scores of padded rows, from the real tokens alone, each read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from tunesmith_local.engine import label_scores
from tunesmith_local.engine.batching import Batch, lay_out, read_prefix
from tunesmith_local.engine.decoder import start_mixed_decoder
from tunesmith_local.engine.forward_pass import causal_mask, forward_pass
from tunesmith_local.engine.label_scores import label_log_probs
from tunesmith_local.engine.mixing import Line, lay_out_mixed
from tunesmith_local.engine.prefix import prefix_of
from tunesmith_local.model import attention
from tunesmith_local.model.loading import BaseLM

GetBase = Callable[[str], BaseLM]
KINDS = ("granite", "granite-moe", "hybrid-attention", "llama")
ROWS = [[5, 6, 7, 8, 9, 10, 11], [12, 13], [14, 15, 16, 17]]
ALIKE = [[5, 6, 7, 8, 9, 10], [5, 6], [5, 6, 7, 8, 9, 10], [12, 6], [5, 6, 7, 11]]
"""One begins another, two are equal, one differs in its first token alone."""
SHARED = {"different": ROWS, "alike": ALIKE}
TOKENS = {"different": 13, "alike": 6 + 0 + 0 + 2 + 1}


@contextmanager
def tokens_by_layer(base: BaseLM) -> Iterator[list[int]]:
    """Collect how many tokens leave each layer."""
    seen: list[int] = []
    hooks = [
        layer.register_forward_hook(lambda _m, _a, out: seen.append(out.shape[:-1].numel()))
        for layer in base.model.base_model.layers
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def batch_of(base: BaseLM, *, kept: bool, rows: list[list[int]] = ROWS) -> Batch:
    prompt = torch.randn(3, base.hidden_size, generator=torch.Generator().manual_seed(1))
    return lay_out(base, rows, read_prefix(base, prompt) if kept else None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [False, True], ids=["no prompt", "a kept prompt"])
@pytest.mark.parametrize("rows", SHARED.values(), ids=SHARED)
@pytest.mark.parametrize("keep", [1, 2])
@torch.no_grad()
def test_scores_and_cache_are_those_of_padded_rows(
    base_lm: GetBase, kind: str, kept: bool, rows: list[list[int]], keep: int
) -> None:
    base = base_lm(kind)
    padded = replace(base, packing_exact=False)
    right, cache = forward_pass(padded, batch_of(base, kept=kept, rows=rows), keep, use_cache=True)
    found, other = forward_pass(base, batch_of(base, kept=kept, rows=rows), keep, use_cache=True)
    torch.testing.assert_close(found, right, rtol=1e-5, atol=1e-5)
    assert cache is not None
    assert other is not None
    real = batch_of(base, kept=kept, rows=rows).attention_mask.bool()
    for one, two in zip(cache.layers, other.layers, strict=True):
        for name in ("keys", "values"):
            sides = (getattr(layer, name).transpose(1, 2)[real] for layer in (one, two))
            torch.testing.assert_close(*sides, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", SHARED)
def test_no_layer_computes_padding_or_a_prefix_twice_and_the_last_one_only_scored_tokens(
    base_lm: GetBase, kind: str, rows: str
) -> None:
    base = base_lm(kind)
    with tokens_by_layer(base) as seen:
        forward_pass(base, batch_of(base, kept=False, rows=SHARED[rows]), 1, use_cache=False)
    assert seen[:-1] == [TOKENS[rows]] * (len(seen) - 1)
    assert seen[-1] == len(SHARED[rows])


def test_the_same_text_behind_two_prompts_is_read_twice(base_lm: GetBase) -> None:
    base = base_lm("granite")
    one, other = (
        prefix_of(
            base, torch.randn(3, base.hidden_size, generator=torch.Generator().manual_seed(n))
        )
        for n in (1, 2)
    )
    lines = [Line(prefix, (5, 6, 7)) for prefix in (one, other, None, one)]
    (part,) = lay_out_mixed(base, lines)
    with tokens_by_layer(base) as seen:
        forward_pass(base, part.batch, 1, use_cache=False)
    assert seen[0] == 3 * 3


@pytest.mark.parametrize("kind", KINDS)
def test_labels_behind_equal_texts_are_read_once(base_lm: GetBase, kind: str) -> None:
    base, answers = base_lm(kind), [(5, 6, 0), (7, 0), (5, 0)]
    lines = [Line(None, tuple(row)) for row in ALIKE]
    alone = [label_log_probs(start_mixed_decoder(base, [line]), 1, answers) for line in lines]
    with tokens_by_layer(base) as seen:
        found = label_log_probs(start_mixed_decoder(base, lines), len(lines), answers)
    torch.testing.assert_close(found, torch.cat(alone), rtol=1e-5, atol=1e-5)
    assert seen[0] == TOKENS["alike"] + 4 * 3  # four texts, three tokens of labels


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("most", "read"), [(99, [13 + 3 * 5]), (12, [13, 3 * 4, 3]), (1, [13, 3 * 3, 3 * 3, 3])]
)
def test_what_labels_share_is_read_once_in_a_pass(
    base_lm: GetBase, kind: str, most: int, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, answers = base_lm(kind), [(5, 6, 7, 0), (5, 6, 8, 1), (5, 6), (9, 0), (5, 6, 8, 2), (7,)]
    lines = [Line(None, tuple(row)) for row in ROWS]
    copying = replace(base, packing_exact=False)
    right = label_log_probs(start_mixed_decoder(copying, lines), len(lines), answers)
    monkeypatch.setattr(label_scores, "_BRANCHES", most)
    with tokens_by_layer(base) as seen:
        found = label_log_probs(start_mixed_decoder(base, lines), len(lines), answers)
    torch.testing.assert_close(found, right, rtol=1e-5, atol=1e-5)
    assert seen[:: len(base.model.base_model.layers)] == read


def test_more_scores_than_can_be_held_are_read_padded(
    base_lm: GetBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_lm("granite")
    monkeypatch.setattr(attention, "_MOST_SCORES", 10)
    with tokens_by_layer(base) as seen:
        forward_pass(base, batch_of(base, kept=False), 1, use_cache=False)
    assert set(seen) == {len(ROWS) * max(map(len, ROWS))}


def test_a_token_attends_to_the_real_tokens_before_it() -> None:
    seen = torch.tensor([[1, 1, 1], [0, 0, 1]])  # two rows of two tokens, one read before
    first, second = causal_mask(seen, 2)[:, 0].int().tolist()
    assert first == [[1, 1, 0], [1, 1, 1]]
    assert second == [[0, 1, 0], [0, 0, 1]]  # padding sees itself
