"""Soft prompts: their start, saving and loading."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from local_models import build, start_decoder
from peft import IA3Config, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from tunesmith.errors import ExperimentError
from tunesmith_local.engine.soft_prompt import InitialPrompt, initial_prompt
from tunesmith_local.errors import AdapterError
from tunesmith_local.methods.adapter import SIDECAR, load_tuned, save_tuned
from tunesmith_local.methods.peft_files import WEIGHTS
from tunesmith_local.methods.peft_models import soft_prompt_model
from tunesmith_local.methods.prompt_tuning import SoftPromptTunable
from tunesmith_local.methods.tuned import AdapterCard
from tunesmith_local.model.loading import BaseLM

# PEFT 0.21 asks transformers 5.23 for an attribute under its old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
GetBase = Callable[[str], BaseLM]


@pytest.mark.parametrize(
    ("length", "fit", "expected"),
    [(4, "exact", "good"), (7, "repeated", "goodgoo"), (2, "cut", "go")],
)
def test_init_text_fills_the_virtual_tokens(
    base_lm: GetBase, length: int, fit: str, expected: str
) -> None:
    base = base_lm("granite")
    start = initial_prompt(base, "text", length, text="good")
    ids = base.tokenizer(expected)["input_ids"]
    assert torch.equal(start.weights, base.model.get_input_embeddings().weight.detach()[ids])
    assert start.record() == {
        "init_method": "text",
        "init_text_tokens": 4,
        "init_text_fit": fit,
    }


def test_sampled_rows_come_from_the_vocabulary_and_the_seed(base_lm: GetBase) -> None:
    base = base_lm("granite")
    start = initial_prompt(base, "sample_vocab", 6, seed=3).weights
    table = base.model.get_input_embeddings().weight.detach()
    assert all((table == row).all(-1).any() for row in start)
    assert torch.equal(start, initial_prompt(base, "sample_vocab", 6, seed=3).weights)
    assert not torch.equal(start, initial_prompt(base, "sample_vocab", 6, seed=4).weights)


def test_random_rows_have_the_spread_of_the_embeddings(base_lm: GetBase) -> None:
    base = base_lm("granite")
    start = initial_prompt(base, "random", 400, seed=0).weights
    spread = base.model.get_input_embeddings().weight.std()
    assert start.std() == pytest.approx(float(spread), rel=0.05)


def test_an_init_text_without_tokens_is_an_error(base_lm: GetBase) -> None:
    with pytest.raises(ExperimentError, match="no tokens"):
        initial_prompt(base_lm("granite"), "text", 4, text="")


@pytest.mark.parametrize("kind", ["granite", "t5"])
def test_only_the_prompt_is_trainable(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    weights = torch.randn(5, base.hidden_size)
    tunable = holding(base, weights)
    trained = [p for p in tunable.model.parameters() if p.requires_grad]
    assert len(trained) == 1
    assert trained == list(tunable.parameters.values())
    assert torch.equal(trained[0].detach(), weights)


@pytest.mark.parametrize("kind", ["granite", "granite-moe", "hybrid-mamba", "llama", "t5"])
def test_plain_peft_reads_our_adapter_and_answers_the_same(tmp_path: Path, kind: str) -> None:
    base = build(kind)
    weights = torch.randn(5, base.hidden_size)
    base.model.save_pretrained(tmp_path / "base")
    save(base, weights, tmp_path / "adapter")
    family = AutoModelForSeq2SeqLM if base.is_seq2seq else AutoModelForCausalLM
    plain = family.from_pretrained(tmp_path / "base").eval()
    theirs = PeftModel.from_pretrained(plain, str(tmp_path / "adapter"))
    for text in ("good dog", "a", "the groomer was late"):
        ids = base.tokenizer(text, return_tensors="pt")
        extra = {"decoder_input_ids": torch.tensor([[257]])} if base.is_seq2seq else {}
        with torch.no_grad():
            expected = theirs(**ids, **extra).logits[:, -1]
            ours = start_decoder(base, weights, ids["input_ids"].tolist()).first()
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


def test_an_adapter_comes_back_as_it_was(tmp_path: Path, base_lm: GetBase) -> None:
    base = base_lm("granite")
    weights = torch.randn(5, base.hidden_size)
    save(base, weights, tmp_path / "a")
    back = load_tuned(base, tmp_path / "a")
    assert back.prompt is not None
    assert torch.equal(back.prompt, weights)
    assert back.base is base
    assert back.card.weights_sha256
    assert replace(back.card, weights_sha256="") == card(base)


def test_a_flipped_bit_is_found(tmp_path: Path, base_lm: GetBase) -> None:
    base = base_lm("granite")
    save(base, torch.randn(5, base.hidden_size), tmp_path / "a")
    weights = tmp_path / "a" / "adapter_model.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    with pytest.raises(AdapterError, match="sha256"):
        load_tuned(base, tmp_path / "a")
    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "test/granite"
    assert config["peft_type"] == "PROMPT_TUNING"
    assert config["num_virtual_tokens"] == 5
    assert not [path for path in tmp_path.iterdir() if path.name != "a"]


def test_an_adapter_never_overwrites_another(tmp_path: Path, base_lm: GetBase) -> None:
    base = base_lm("granite")
    save(base, torch.randn(5, base.hidden_size), tmp_path / "a")
    with pytest.raises(AdapterError, match="not empty"):
        save(base, torch.randn(5, base.hidden_size), tmp_path / "a")


def test_an_adapter_of_another_base_model_is_refused(tmp_path: Path, base_lm: GetBase) -> None:
    base = base_lm("granite")
    save(base, torch.randn(5, 32), tmp_path / "a")
    with pytest.raises(AdapterError, match="tuned from 'test/granite'"):
        load_tuned(build("granite", seed=1), tmp_path / "a")


@pytest.mark.parametrize("damage", ["truncated", "missing", "text", "no config", "card"])
def test_damaged_adapters_are_refused(tmp_path: Path, base_lm: GetBase, damage: str) -> None:
    base = base_lm("granite")
    save(base, torch.randn(5, 32), tmp_path / "a")
    weights = tmp_path / "a" / WEIGHTS
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-10])
    elif damage == "missing":
        weights.unlink()
    elif damage == "text":
        weights.write_text("not a tensor")
    elif damage == "card":
        (tmp_path / "a" / SIDECAR).write_text("{")
    else:
        (tmp_path / "a" / "adapter_config.json").unlink()
    with pytest.raises(AdapterError, match=str(tmp_path)):
        load_tuned(base, tmp_path / "a")


def test_an_adapter_of_an_unknown_method_is_refused(tmp_path: Path) -> None:
    base = build("granite")
    ia3 = IA3Config(task_type="CAUSAL_LM", target_modules=["q_proj"], feedforward_modules=[])
    get_peft_model(base.model, ia3).save_pretrained(tmp_path / "a")
    with pytest.raises(AdapterError, match="IA3 adapter"):
        load_tuned(build("granite"), tmp_path / "a")


def test_a_plain_peft_adapter_of_another_width_is_refused(tmp_path: Path, base_lm: GetBase) -> None:
    base = base_lm("granite")
    save(base, torch.randn(5, 16), tmp_path / "a")
    (tmp_path / "a" / SIDECAR).unlink()
    with pytest.raises(AdapterError, match=r"\(5, 16\).*\(5, 32\)"):
        load_tuned(base, tmp_path / "a")


def test_a_plain_peft_adapter_is_accepted(tmp_path: Path, base_lm: GetBase) -> None:
    base = base_lm("granite")
    weights = torch.randn(5, 32)
    model = soft_prompt_model(base, weights)
    model.save_pretrained(tmp_path / "a", save_embedding_layers=False)
    back = load_tuned(base, tmp_path / "a")
    assert back.prompt is not None
    assert torch.equal(back.prompt, weights)
    assert back.card.template == "{{input}}"


def card(base: BaseLM) -> AdapterCard:
    """Return a card for ``base``."""
    return AdapterCard(
        base.name,
        base.fingerprint,
        "classify {0, 1} {{input}}",
        64,
        base.tokenizer_fingerprint,
        answers="continued",
    )


def holding(base: BaseLM, weights: torch.Tensor) -> SoftPromptTunable:
    """Return prompt tuning that holds ``weights``."""
    start = InitialPrompt(weights, "random")
    return SoftPromptTunable(base, soft_prompt_model(base, weights), start)


def save(base: BaseLM, weights: torch.Tensor, directory: Path) -> None:
    """Save a soft prompt with the card of :func:`card`."""
    save_tuned(holding(base, weights), "classify {0, 1} {{input}}", 64, directory)
