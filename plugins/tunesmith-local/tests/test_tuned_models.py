"""Every method learns, does not change the base, and is saved, served and resumed exactly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from local_models import END, EXACT, build, check_method, start
from method_models import (
    FITTING,
    METHODS,
    NO_PREFIX,
    losses_in_training,
    losses_when_served,
    prefix_for,
    saved,
    small,
    trained,
    two_steps,
)
from peft import PeftModel
from safetensors.torch import load_file
from test_training import examples
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, LlamaConfig, LlamaForCausalLM

from tunesmith.backends.jobs import JobStopped
from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.methods import PromptTuning
from tunesmith_local.engine.mixing import Line
from tunesmith_local.engine.self_check import checked
from tunesmith_local.errors import AdapterError
from tunesmith_local.methods.adapter import SIDECAR, load_tuned, save_tuned
from tunesmith_local.methods.fine_tuning import FineTuning
from tunesmith_local.methods.lora import Lora
from tunesmith_local.methods.peft_files import CONFIG, WEIGHTS
from tunesmith_local.methods.prefix_tuning import PrefixTuning
from tunesmith_local.model import loading
from tunesmith_local.model.loading import freeze
from tunesmith_local.training.checkpoint import CheckpointStore
from tunesmith_local.training.training import Training

# PEFT 0.21 asks transformers 5.23 for an attribute under its old name.
by_plain_peft = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
SAVED_AS = {
    "p_tuning": (WEIGHTS, CONFIG),
    "prefix_tuning": (WEIGHTS, CONFIG),
    "lora": (WEIGHTS, CONFIG),
    "fine_tuning": ("model.safetensors", "config.json"),
}


@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_the_loss_falls_and_the_base_model_stays_bit_for_bit(name: str, kind: str) -> None:
    base = small(kind)
    before = {key: value.clone() for key, value in base.model.state_dict().items()}
    _, result = trained(base, METHODS[name])
    losses = [point.loss for point in result.curve.epochs]
    assert losses[-1] < losses[0] - 0.1
    after = base.model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(before[key], value) for key, value in after.items())
    assert not any(p.requires_grad or p.grad is not None for p in base.model.parameters())


@pytest.mark.parametrize(("name", "kind"), [*FITTING, ("p_tuning-lstm", "granite")])
def test_the_saved_model_has_the_same_losses(tmp_path: Path, name: str, kind: str) -> None:
    base = small(kind)
    tunable, _ = trained(base, METHODS[name], epochs=3)
    rows = examples(base)
    tuned = saved(tunable, base, tmp_path / "a")
    expected = losses_in_training(tunable, rows)
    torch.testing.assert_close(losses_when_served(tuned, rows), expected, rtol=1e-5, atol=1e-5)
    untrained = losses_in_training(start(base, METHODS[name], 0), rows)
    assert (untrained - expected).abs().max() > 0.01
    assert not [path for path in (tmp_path / "a").iterdir() if path.suffix in (".bin", ".pt")]


@by_plain_peft
@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_plain_peft_or_transformers_reads_it_and_answers_the_same(
    tmp_path: Path, name: str, kind: str
) -> None:
    base = small(kind)
    tunable, _ = trained(base, METHODS[name], epochs=3)
    tuned = saved(tunable, base, tmp_path / "a")
    family = AutoModelForSeq2SeqLM if base.is_seq2seq else AutoModelForCausalLM
    if name == "fine_tuning":
        theirs = family.from_pretrained(tmp_path / "a").eval()
    else:
        base.model.save_pretrained(tmp_path / "base")
        plain = family.from_pretrained(tmp_path / "base").eval()
        theirs = PeftModel.from_pretrained(plain, str(tmp_path / "a")).eval()
        assert theirs.peft_config["default"].base_model_name_or_path == f"test/{kind}"
    for text in ("good dog", "a", "the groomer was late"):
        ids = base.tokenizer(text, return_tensors="pt")
        extra = {"decoder_input_ids": torch.tensor([[257]])} if base.is_seq2seq else {}
        with torch.no_grad():
            expected = theirs(**ids, **extra).logits[:, -1]
        ours = two_steps(tuned.base, [Line(prefix_for(tuned), tuple(ids["input_ids"][0].tolist()))])
        torch.testing.assert_close(ours[:, 0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_a_row_alone_and_in_a_batch_gets_the_same_logits(
    tmp_path: Path, name: str, kind: str
) -> None:
    base = small(kind)
    tunable, _ = trained(base, METHODS[name], epochs=3)
    tuned = saved(tunable, base, tmp_path / "a")
    lines = [Line(prefix_for(tuned), row.prompt) for row in examples(base)]
    alone = torch.cat([two_steps(tuned.base, [line]) for line in lines])
    assert (two_steps(tuned.base, lines) - alone).abs().max() <= 1e-5


@pytest.mark.parametrize("name", METHODS)
def test_a_stopped_training_ends_bit_for_bit_as_one_that_was_not(tmp_path: Path, name: str) -> None:
    base, method = small("granite"), METHODS[name].model_copy(update={"num_epochs": 3})
    whole, expected = trained(base, method)
    store, rows, asked = CheckpointStore(tmp_path, "x"), examples(base), iter(range(100))
    with pytest.raises(JobStopped):
        Training(
            start(base, method, 0), rows, method, checkpoints=store,
            should_stop=lambda: next(asked) == 4,
        ).run()  # fmt: skip
    resumed = start(base, method, 0)
    result = Training(resumed, rows, method, checkpoints=store).run()
    assert result.curve == expected.curve
    torch.testing.assert_close(resumed.weights(), whole.weights(), rtol=0, atol=0)


@pytest.mark.parametrize("name", METHODS)
def test_the_seed_decides(name: str) -> None:
    base = small("granite")
    one, two, other = (
        trained(base, METHODS[name], epochs=1, seed=s)[0].weights() for s in (1, 1, 2)
    )
    torch.testing.assert_close(one, two, rtol=0, atol=0)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_dropout_is_used_only_in_training() -> None:
    base = small("granite")
    tunable, _ = trained(base, METHODS["lora-dropout"], epochs=2)
    rows = examples(base)
    drawn = []
    for seed in (1, 1, 2):
        with tunable.reading(seed) as row_losses:
            drawn.append(row_losses(rows).detach())
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(losses_in_training(tunable, rows), losses_in_training(tunable, rows))


def test_a_dropout_leaves_out_other_inputs_of_every_row() -> None:
    base = small("granite")
    tunable, _ = trained(base, METHODS["lora-dropout"], epochs=2)
    row = examples(base)[0]
    with tunable.reading(1) as row_losses:
        one, other = row_losses([row, row]).tolist()
    assert one != other


@pytest.mark.parametrize("kind", [kind for kind in EXACT if kind not in NO_PREFIX])
def test_prefix_tuning_starts_with_the_loss_of_its_soft_prompt(kind: str) -> None:
    base = small(kind)
    given = {"num_virtual_tokens": 7, "init_method": "text", "init_text": "good or bad?"}
    rows = examples(base)
    of_prompt = losses_in_training(start(base, PromptTuning(**given), 0), rows)
    of_prefix = losses_in_training(start(base, PrefixTuning(**given), 0), rows)
    torch.testing.assert_close(of_prefix, of_prompt, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", NO_PREFIX)
def test_a_prefix_needs_full_attention(kind: str) -> None:
    with pytest.raises(UnsupportedError, match=f"method.name: prefix_tuning.*test/{kind}.*use"):
        check_method(small(kind), PrefixTuning())


def test_a_prefix_needs_heads_that_fill_the_hidden_size() -> None:
    like = small("llama")
    config = LlamaConfig(**{**like.model.config.to_dict(), "head_dim": 16})
    wide = checked(freeze("test/wide", LlamaForCausalLM(config), like.tokenizer))
    with pytest.raises(UnsupportedError, match=r"heads of 16 in 'test/wide' \(hidden size 32\)"):
        check_method(wide, PrefixTuning())


def test_fine_tuning_is_refused_if_memory_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    base = small("granite")
    needed = 24 * sum(p.numel() for p in base.model.parameters())
    monkeypatch.setattr(loading, "free_bytes", lambda device: needed)
    check_method(base, FineTuning())
    monkeypatch.setattr(loading, "free_bytes", lambda device: needed - 1)
    with pytest.raises(ExperimentError, match=r"fine_tuning of 'test/granite' needs .* use lora"):
        check_method(base, FineTuning())


@pytest.mark.parametrize("modules", [("q_proj", "nope"), ("nope",), ("proj",), ()])
def test_target_modules_that_the_model_lacks_are_refused(modules: tuple[str, ...]) -> None:
    with pytest.raises(ExperimentError, match=r"method\.target_modules: .*choose from .*v_proj"):
        check_method(small("granite"), Lora(target_modules=modules))


def test_target_modules_name_the_changed_modules() -> None:
    base = small("granite")
    some = start(base, Lora(target_modules=("q_proj", "mlp.down_proj")), 0)
    assert {name.split(".lora_")[0].rpartition(".")[2] for name in some.parameters} <= {
        "q_proj", "down_proj", "output_linear"
    }  # fmt: skip
    assert Lora(target_modules=["all-linear"]) == Lora()


@pytest.mark.parametrize("name", SAVED_AS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_trained_parameters_are_float32_over_a_base_of_low_precision(
    tmp_path: Path, name: str, dtype: torch.dtype
) -> None:
    high = small("granite")
    base = checked(freeze(high.name, high.model.to(dtype), high.tokenizer))
    tunable, result = trained(base, METHODS[name], epochs=6)
    assert {value.dtype for value in tunable.parameters.values()} == {torch.float32}
    assert result.curve.epochs[-1].loss < result.curve.epochs[0].loss
    assert base.dtype == dtype
    tuned = saved(tunable, base, tmp_path / "a")
    kept = {value.dtype for value in load_file(tmp_path / "a" / SAVED_AS[name][0]).values()}
    assert kept == {dtype if name == "fine_tuning" else torch.float32}
    rows = examples(base)
    close = losses_when_served(tuned, rows) - losses_in_training(tunable, rows)
    assert close.abs().max() < 0.5


@pytest.mark.parametrize("name", SAVED_AS)
def test_an_artifact_of_another_base_model_is_refused(tmp_path: Path, name: str) -> None:
    tunable = start(small("granite"), METHODS[name], 0)
    save_tuned(tunable, "{{input}}", None, tmp_path / "a")
    with pytest.raises(AdapterError, match="tuned from 'test/granite'"):
        load_tuned(build("granite", seed=1), tmp_path / "a")


@pytest.mark.parametrize("name", SAVED_AS)
def test_a_model_tuned_with_another_tokenizer_is_refused(tmp_path: Path, name: str) -> None:
    base = small("granite")
    save_tuned(start(base, METHODS[name], 0), "{{input}}", None, tmp_path / "a")
    other = small("granite")
    other.tokenizer.add_tokens(["dog"])
    renamed = checked(freeze(base.name, other.model, other.tokenizer))
    assert renamed.fingerprint == base.fingerprint
    with pytest.raises(AdapterError, match="another tokenizer"):
        load_tuned(renamed, tmp_path / "a")


@pytest.mark.parametrize("name", SAVED_AS)
@pytest.mark.parametrize("carded", [True, False])
@pytest.mark.parametrize("damage", ["truncated", "missing", "text", "config", "config missing"])
def test_damaged_files_are_refused(tmp_path: Path, name: str, damage: str, carded: bool) -> None:
    base = small("granite")
    save_tuned(start(base, METHODS[name], 0), "{{input}}", None, tmp_path / "a")
    weights, config = (tmp_path / "a" / file for file in SAVED_AS[name])
    if not carded:  # as of plain PEFT or transformers
        (tmp_path / "a" / SIDECAR).unlink()
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-10])
    elif damage == "missing":
        weights.unlink()
    elif damage == "text":
        weights.write_text("not a tensor")
    elif damage == "config":
        config.write_text(json.dumps({"nothing": 1}))
    else:
        config.unlink()
    with pytest.raises(AdapterError, match=str(tmp_path)):
        load_tuned(base, tmp_path / "a")


@pytest.mark.parametrize("name", SAVED_AS)
def test_others_may_read_the_files(tmp_path: Path, name: str) -> None:
    save_tuned(start(small("granite"), METHODS[name], 0), "{{input}}", None, tmp_path / "a")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "a").rglob("*")}
    assert set(modes.values()) == {0o644}, modes


@pytest.mark.parametrize("name", SAVED_AS)
def test_files_without_a_card_are_held_to_the_shape(tmp_path: Path, name: str) -> None:
    base = small("granite")
    save_tuned(start(base, METHODS[name], 0), "{{input}}", None, tmp_path / "a")
    (tmp_path / "a" / SIDECAR).unlink()
    tuned = load_tuned(base, tmp_path / "a")
    assert tuned.card.template == "{{input}}"
    like = small("llama").model.config.to_dict() | {"hidden_size": 64, "head_dim": 16}
    config = LlamaConfig(**like)
    other = checked(freeze("test/other", LlamaForCausalLM(config), base.tokenizer))
    with pytest.raises(AdapterError, match="test/other"):
        load_tuned(other, tmp_path / "a")


def test_a_fine_tuned_folder_is_a_whole_model(tmp_path: Path) -> None:
    base = small("granite")
    saved(start(base, METHODS["fine_tuning"], 0), base, tmp_path / "a")
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", SIDECAR} <= names
    assert END in (tmp_path / "a" / "tokenizer.json").read_text()
