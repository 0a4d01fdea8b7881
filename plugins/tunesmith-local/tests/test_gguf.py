"""Base models in GGUF files: of llama.cpp's converter, of all types, by name and by folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from gguf_models import (
    FILES,
    MAKERS,
    OF_TRANSFORMERS,
    TEMPLATE,
    original,
    tokenizer,
)
from gguf_writing import is_quantized, rewritten
from transformers import Gemma2Config, T5Config

from tunesmith.errors import NotFoundError, PluginError
from tunesmith_local.backend import LocalBackend
from tunesmith_local.model import loading
from tunesmith_local.model.gguf.config_fixes import fix_config
from tunesmith_local.model.gguf.header import Header, read_header
from tunesmith_local.model.gguf.tensors import Weights
from tunesmith_local.model.loading import BaseLM, load_base_model
from tunesmith_local.options import LocalOptions

TEXT = "the service was good in 2024, naïve 🐾!"
# Behind the Mamba layers, log(exp(A)) costs the last bit.
LAST_BIT = 1e-6


def read(place: Path) -> BaseLM:
    """Load a file in float32."""
    return load_base_model("tiny", place, device="cpu", dtype="float32")


def logits(model: torch.nn.Module) -> torch.Tensor:
    """Return what a model makes of the text."""
    with torch.no_grad():
        found: torch.Tensor = model(torch.tensor([tokenizer()(TEXT).input_ids])).logits
    return found


@pytest.mark.parametrize("kind", MAKERS)
def test_a_file_of_llama_cpps_converter_gives_the_logits_of_the_original(kind: str) -> None:
    base, source = read(FILES / f"{kind}.gguf"), original(kind)
    expected = logits(source)
    assert (logits(base.model) - expected).abs().max() < LAST_BIT
    assert expected.std() > 0.1, "logits that are all alike would prove nothing"
    if type(base.model) is type(source):
        found = dict(base.model.named_parameters())
        for name, weight in source.named_parameters():
            assert (found[name] - weight).abs().max() < LAST_BIT
    assert not any(parameter.requires_grad for parameter in base.model.parameters())


def test_a_model_of_the_hybrid_class_without_mamba_layers_is_a_dense_one() -> None:
    assert type(original("hybrid-all-attention")).__name__ == "GraniteMoeHybridForCausalLM"
    assert type(read(FILES / "hybrid-all-attention.gguf").model).__name__ == "GraniteForCausalLM"


@pytest.mark.parametrize("kind", ["granite", "llama"])
def test_the_tokenizer_comes_with_special_tokens_and_chat_template(kind: str) -> None:
    found, expected = read(FILES / f"{kind}.gguf").tokenizer, tokenizer()
    for text in (TEXT, "good<|end_of_text|>food", " <|start_of_role|> 1234567", ""):
        assert found(text).input_ids == expected(text).input_ids
        assert found.decode(found(text).input_ids) == text
    assert found.special_tokens_map == expected.special_tokens_map
    turns = [{"role": "user", "content": "hi"}]
    assert found.chat_template == TEMPLATE
    assert found.apply_chat_template(turns) == expected.apply_chat_template(turns)


def test_a_field_decides_whether_a_text_begins_with_the_bos_token(tmp_path: Path) -> None:
    asked = {"tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.bos_token_id": 1}
    place = rewritten(FILES / "granite.gguf", tmp_path / "begins.gguf", fields=asked)
    assert read(place).tokenizer("good").input_ids == [1, *tokenizer()("good").input_ids]


@pytest.mark.parametrize("kind", [Kind.F16, Kind.Q8_0, Kind.Q4_0])
@pytest.mark.parametrize("model", ["granite", "granitemoe-shared", "granitehybrid"])
def test_a_quantized_file_is_the_original_with_quantized_weights(
    tmp_path: Path, model: str, kind: Kind
) -> None:
    place = rewritten(FILES / f"{model}.gguf", tmp_path / "low.gguf", kind=kind)
    exact = original(model)
    with torch.no_grad():
        for name, weight in exact.named_parameters():
            if is_quantized(name, weight.ndim):
                weight.copy_(_rounded(weight, kind))
    assert (logits(read(place).model) - logits(exact)).abs().max() < LAST_BIT
    assert (logits(exact) - logits(original(model))).abs().max() > LAST_BIT


def _rounded(weight: torch.Tensor, kind: Kind) -> torch.Tensor:
    if kind == Kind.F16:
        return weight.half().float()
    values = gguf.dequantize(gguf.quantize(weight.numpy(), kind), kind)
    return torch.from_numpy(values).reshape(weight.shape)


@pytest.mark.parametrize("kind", [Kind.Q4_K, Kind.Q6_K, Kind.Q5_0, Kind.BF16])
def test_blocks_are_decoded_as_the_package_gguf_decodes_them(tmp_path: Path, kind: Kind) -> None:
    # The package writes no Q4_K: the bytes are drawn, with scales that are finite.
    block, width = gguf.GGML_QUANT_SIZES[kind]
    raw = np.random.default_rng(3).integers(0, 60, (6, 512 // block * width), dtype=np.uint8)
    writer = gguf.GGUFWriter(tmp_path / "blocks.gguf", "granite")
    writer.add_tensor("output.weight", raw, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = Weights(read_header(tmp_path / "blocks.gguf"))["output.weight"]
    assert found.shape == (6, 512)
    assert torch.equal(found, torch.from_numpy(gguf.dequantize(raw, kind)))


def test_fields_are_read_as_the_package_gguf_reads_them() -> None:
    place = FILES / "granitehybrid.gguf"
    expected = gguf.GGUFReader(place)
    found = read_header(place)
    assert found.fields == {
        name: field.contents()
        for name, field in expected.fields.items()
        if not name.startswith("GGUF.")
    }
    assert list(found.tensors) == [tensor.name for tensor in expected.tensors]


@pytest.mark.parametrize(("kind", "expected"), [(Kind.F32, "float32"), (Kind.Q8_0, "bfloat16")])
def test_only_a_file_in_f32_counts_as_stored_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind, expected: str
) -> None:
    monkeypatch.setattr("tunesmith_local.model.dtypes._cpu_bfloat16", lambda: True)
    place = rewritten(FILES / "granite.gguf", tmp_path / "tiny.gguf", kind=kind)
    assert load_base_model("tiny", place, device="cpu").dtype == getattr(torch, expected)


def connect(**options: object) -> LocalBackend:
    return LocalBackend(LocalOptions.model_validate({"device": "cpu", "offline": True} | options))


def test_a_file_and_a_folder_that_holds_one_are_base_models(tmp_path: Path) -> None:
    folder = tmp_path / "granite-tiny"
    folder.mkdir()
    shutil.copy(FILES / "granite.gguf", folder / "weights.gguf")
    shutil.copy(FILES / "llama.gguf", folder / "mmproj-model.gguf")  # an image projector's name
    catalog = connect()._catalog
    by_file, by_folder = catalog.load(str(folder / "weights.gguf")), catalog.load(str(folder))
    assert (by_file.name, by_folder.name) == ("weights", "granite-tiny")
    assert by_file.fingerprint == by_folder.fingerprint


def test_files_in_the_models_folder_are_listed_and_found(tmp_path: Path) -> None:
    shutil.copy(FILES / "granite.gguf", tmp_path / "tiny.gguf")
    backend = connect(models=tmp_path)
    assert "tiny.gguf" in [info.name for info in backend.base_models()]
    assert backend.capabilities("tiny.gguf").base_inference
    assert str(tmp_path) not in backend.base_model("tiny.gguf").model_dump_json()


def test_without_the_package_the_command_that_brings_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    with pytest.raises(PluginError, match=r"pip install 'tunesmith-local\[gguf\]'"):
        read(FILES / "granite.gguf")


def test_the_package_is_imported_only_for_a_gguf_file() -> None:
    code = "import sys, tunesmith_local.backend; assert 'gguf' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", OF_TRANSFORMERS)
def test_a_model_read_by_transformers_is_a_plain_one(tmp_path: Path, kind: str) -> None:
    model = read(FILES / f"{kind}.gguf").model
    assert getattr(model.config, "quantization_config", None) is None
    model.save_pretrained(tmp_path)
    copy = load_base_model("copy", _with_tokenizer(tmp_path), device="cpu", dtype="float32")
    assert (logits(copy.model) - logits(original(kind))).abs().max() < LAST_BIT


def _with_tokenizer(folder: Path) -> Path:
    tokenizer().save_pretrained(folder)
    return folder


def test_settings_that_transformers_leaves_at_defaults_are_set_from_the_file() -> None:
    # Found with files of the converter; these architectures' tokenizers are not ours to make.
    tensors = {name: cast("Any", None) for name in ("enc.blk.0.ffn_gate.weight", "output.weight")}
    t5, gemma = T5Config(), Gemma2Config()
    fix_config(Header(FILES, {"general.architecture": "t5"}, tensors), t5)
    assert (t5.dense_act_fn, t5.is_gated_act, t5.scale_decoder_outputs) == ("gelu_new", True, False)
    fields = {"general.architecture": "gemma2", "gemma2.embedding_length": 4608}
    fields |= {"gemma2.attention.head_count": 32, "gemma2.attention.key_length": 128}
    for layers, scalar in ((46, 144), (42, 128)):
        fix_config(Header(FILES, fields | {"gemma2.block_count": layers}, {}), gemma)
        assert (gemma.query_pre_attn_scalar, gemma.head_dim) == (scalar, 128)


def test_a_missing_name_is_still_asked_of_the_hub(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="offline forbids"):
        connect()._catalog.load(str(tmp_path / "absent.gguf"))
