"""Loading base models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from local_models import build, tokenizer

from tunesmith.errors import ExperimentError, NotFoundError
from tunesmith_local.model.loading import BaseLM, fingerprint, freeze, load_base_model

GetBase = Callable[[str], BaseLM]


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that saves a tiny model and returns its directory."""

    def save(kind: str) -> Path:
        base = build(kind)
        base.model.save_pretrained(tmp_path / kind)
        base.tokenizer.save_pretrained(tmp_path / kind)
        return tmp_path / kind

    return save


@pytest.mark.parametrize("kind", ["granite", "hybrid-mamba", "t5"])
def test_a_directory_is_loaded_frozen(saved: Callable[[str], Path], kind: str) -> None:
    base = load_base_model("me/mine", saved(kind), device="cpu")
    assert base.name == "me/mine"
    assert base.is_seq2seq == (kind == "t5")
    assert base.dtype == torch.float32
    assert not base.model.training
    assert not any(p.requires_grad for p in base.model.parameters())
    assert base.end_ids == {256}
    assert base.pad_id == 257
    assert base.fingerprint == build(kind).fingerprint


def test_the_dtype_can_be_chosen_and_the_fingerprint_stays(saved: Callable[[str], Path]) -> None:
    place = saved("granite")
    low = load_base_model("m", place, device="cpu", dtype="bfloat16")
    assert low.dtype == torch.bfloat16
    assert low.fingerprint == load_base_model("m", place, device="cpu").fingerprint


def test_different_models_have_different_fingerprints(base_lm: GetBase) -> None:
    kinds = ["granite", "granite-moe", "hybrid-attention", "llama"]
    prints = {base_lm(kind).fingerprint for kind in kinds} | {build("granite", seed=1).fingerprint}
    assert len(prints) == 5


def test_a_small_change_gives_another_fingerprint() -> None:
    base = build("granite")
    with torch.no_grad():
        next(base.model.parameters())[0, 0] += 1
    assert fingerprint(base.model) != base.fingerprint


def test_a_missing_model_names_the_choices(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as info:
        load_base_model("someone/unknown-model", offline=True)
    message = str(info.value)
    assert "'someone/unknown-model'" in message
    assert "hub and its cache" in message
    assert "tunesmith/micro-granite" in message
    assert "local directory" in message
    with pytest.raises(NotFoundError, match="the local directory was tried"):
        load_base_model("m", tmp_path)


def test_pickled_weights_are_refused(saved: Callable[[str], Path]) -> None:
    place = saved("granite")
    (place / "model.safetensors").rename(place / "pytorch_model.bin")
    with pytest.raises(NotFoundError, match="safetensors"):
        load_base_model("m", place)


@pytest.mark.parametrize("setting", [{"device": "toaster"}, {"dtype": "int3"}])
def test_unknown_devices_and_dtypes_are_refused(
    saved: Callable[[str], Path], setting: dict[str, str]
) -> None:
    with pytest.raises(ExperimentError, match=next(iter(setting))):
        load_base_model("m", saved("granite"), **setting)


def test_padding_falls_back_to_the_end_token() -> None:
    tok = tokenizer()
    tok.pad_token = None
    assert freeze("m", build("granite").model, tok).pad_id == 256


def test_a_tokenizer_without_an_end_is_refused() -> None:
    tok = tokenizer()
    tok.eos_token = None
    with pytest.raises(ExperimentError, match="no end-of-text token"):
        freeze("m", build("granite").model, tok)


@pytest.mark.parametrize("rows", [1, 3])
def test_the_vocabulary_head_reads_no_view_with_gaps(rows: int) -> None:
    # torch would multiply row by row and copy the largest weight of the model each time.
    base, strides = build("granite"), []
    head = base.model.get_output_embeddings()
    head.register_forward_pre_hook(lambda module, inputs: strides.append(inputs[0].stride()))
    with torch.no_grad():
        base.model(input_ids=torch.ones(rows, 7, dtype=torch.long), logits_to_keep=2)
        base.model(input_ids=torch.ones(rows, 7, dtype=torch.long), logits_to_keep=1)
    size = base.hidden_size
    assert strides == [(2 * size, size, 1), (size, size, 1)]
