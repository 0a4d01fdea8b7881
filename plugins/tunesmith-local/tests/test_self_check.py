"""The check at load distinguishes a leak from rounding, for every type of weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from local_models import build

from tunesmith_local.engine import batching, decoder, mixing, self_check, suffix_losses, text_states
from tunesmith_local.engine.batching import Batch
from tunesmith_local.engine.mixing import Line
from tunesmith_local.engine.self_check import Alone, checked, read_alone
from tunesmith_local.model.loading import BaseLM

LOW = [torch.bfloat16, torch.float16]
SOUND = {  # padding, prefix, state
    "granite": (True, True, True),
    "granite-moe": (True, True, True),
    "hybrid-attention": (True, True, True),
    "hybrid-mamba": (True, False, True),
    "llama": (True, True, True),
    "t5": (True, False, False),
}


def flags(base: BaseLM) -> tuple[bool, bool, bool]:
    """The findings of the check."""
    return base.padding_exact, base.prefix_exact, base.state_exact


def unchecked(base: BaseLM) -> BaseLM:
    """The model before the check."""
    return replace(base, **dict.fromkeys(self_check.FLAGS, False))


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", SOUND)
def test_rounding_is_no_leak(kind: str, seed: int, dtype: torch.dtype) -> None:
    assert flags(build(kind, seed=seed, dtype=dtype)) == SOUND[kind]


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("scale", [1.0, 6.0])
def test_a_leak_smaller_than_rounding_is_found(seed: int, scale: float, dtype: torch.dtype) -> None:
    # At scale 1 the leak moves the logits less than one rounding of the input embeddings does.
    base = build("hybrid-mamba-bias", seed=seed, scale=scale, dtype=dtype)
    assert not base.padding_exact
    assert not base.prefix_exact


def gap_before_text(base: BaseLM, lines: Sequence[Line], batch: Batch) -> Batch:
    """Positions of a padded row's text, one too far."""
    positions = batch.position_ids.clone()
    for row, line in enumerate(lines):
        first = int(batch.attention_mask[row].argmax())
        positions[row, first + line.virtual :] += first > 0
    return replace(batch, position_ids=positions)


def padding_seen(base: BaseLM, lines: Sequence[Line], batch: Batch) -> Batch:
    """The last column of padding is not masked."""
    mask = batch.attention_mask.clone()
    for row in mask:
        row[max(0, int(row.argmax()) - 1)] = 1
    return replace(batch, attention_mask=mask)


def positions_one_too_far(base: BaseLM, rows: Sequence[object], batch: Batch) -> Batch:
    """A gap between a prompt that was read before and the text."""
    return replace(batch, position_ids=batch.position_ids + 1)


@pytest.mark.parametrize("kind", ["granite", "llama"])
@pytest.mark.parametrize(
    ("module", "name", "mistake", "found"),
    [
        (mixing, "_whole", gap_before_text, {0, 1}),
        (mixing, "_whole", padding_seen, {0, 1}),
        (mixing, "_behind", positions_one_too_far, {2}),
        (batching, "_behind_prefix", positions_one_too_far, {1}),
    ],
)
def test_a_layout_that_is_off_by_one_is_found_in_bfloat16(
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    module: object,
    name: str,
    mistake: Callable[..., Batch],
    found: set[int],
) -> None:
    base = build(kind, dtype=torch.bfloat16)
    right = getattr(module, name)

    def wrong(base: BaseLM, rows: Sequence[Line], *more: object) -> Batch:
        return mistake(base, rows, right(base, rows, *more))

    monkeypatch.setattr(module, name, wrong)
    result = flags(checked(unchecked(base)))
    assert {index for index, exact in enumerate(result) if not exact} == found


def labels_see_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths beside a text read those before them."""
    right = decoder.branching

    def wrong(seen: torch.Tensor, width: int, nodes: Sequence[Sequence[int]]) -> torch.Tensor:
        mask = right(seen, width, nodes)
        tree = mask[:, :, width:, seen.shape[1] :]
        tree[:] = torch.ones_like(tree).tril()
        return mask

    monkeypatch.setattr(decoder, "branching", wrong)


def rows_share_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal tokens count as one reading, regardless of the tokens before them."""
    monkeypatch.setattr(batching, "trie_nodes", lambda rows, behind=None: [[*row] for row in rows])


def a_gap_behind_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A soft prompt behind a kept text, one position too far."""
    monkeypatch.setattr(
        suffix_losses, "Batch", lambda x, mask, places, cache: Batch(x, mask, places + 1, cache)
    )


def a_text_that_reads_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that are read together, as if all were as long as the longest."""
    right = text_states.pad

    def wrong(*given: object, **more: object) -> tuple[torch.Tensor, torch.Tensor]:
        ids, mask = right(*given, **more)
        return ids, torch.ones_like(mask)

    monkeypatch.setattr(text_states, "pad", wrong)


@pytest.mark.parametrize("kind", ["granite", "llama"])
@pytest.mark.parametrize(
    ("mistake", "lost"),
    [
        (labels_see_each_other, "packing_exact"),
        (rows_share_too_much, "packing_exact"),
        (a_gap_behind_the_text, "text_exact"),
        (a_text_that_reads_padding, "text_exact"),
    ],
)
def test_only_the_wrong_short_cut_is_disabled(
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    mistake: Callable[[pytest.MonkeyPatch], None],
    lost: str,
) -> None:
    base = build(kind, dtype=torch.bfloat16)
    mistake(monkeypatch)
    found = checked(unchecked(base))
    assert {flag for flag in self_check.FLAGS if not getattr(found, flag)} == {lost}


@pytest.mark.parametrize(("kind", "passes"), [("granite", 19), ("hybrid-mamba", 16), ("t5", 8)])
def test_the_check_reads_little(kind: str, passes: int) -> None:
    base, read = build(kind), []
    base.model.base_model.register_forward_pre_hook(lambda *_: read.append(1))
    checked(unchecked(base))
    assert len(read) <= passes


@pytest.mark.parametrize("dtype", [torch.float32, *LOW])
@pytest.mark.parametrize("kind", ["granite", "hybrid-mamba", "t5"])
def test_the_check_leaves_every_bit_of_the_model_as_it_was(kind: str, dtype: torch.dtype) -> None:
    base = build(kind, dtype=dtype)
    before = {name: tensor.clone() for name, tensor in base.model.state_dict().items()}
    checked(base)
    after = base.model.state_dict()
    assert all(after[name].dtype == tensor.dtype for name, tensor in before.items())
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_a_gpu_without_room_for_the_check_takes_no_short_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = build("granite", dtype=torch.bfloat16)

    def too_large(base: BaseLM) -> Alone:
        read_alone(base)
        raise torch.OutOfMemoryError

    monkeypatch.setattr(self_check, "read_alone", too_large)
    result = checked(unchecked(base))
    assert flags(result) == (False, False, False)
    assert result.dtype == torch.bfloat16
