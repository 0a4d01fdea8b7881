"""The type of the weights of a base model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from local_models import build

from tunesmith.errors import ExperimentError
from tunesmith_local.catalog import Catalog
from tunesmith_local.model.dtypes import DTYPES, chosen_dtype, computes
from tunesmith_local.model.loading import load_base_model
from tunesmith_local.options import LocalOptions

CPU = torch.device("cpu")


def native(monkeypatch: pytest.MonkeyPatch, **found: bool) -> None:
    """Let the CPU have these capabilities alone."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)


@pytest.mark.parametrize(
    ("capabilities", "stored", "expected"),
    [
        ({"avx512_bf16": True}, torch.bfloat16, torch.bfloat16),
        ({"amx_bf16": True, "avx512_bf16": False}, torch.bfloat16, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": False}, torch.bfloat16, torch.float32),
        ({}, torch.bfloat16, torch.float32),
        ({"avx512_bf16": True}, torch.float32, torch.float32),
        ({"avx512_bf16": True}, torch.float16, torch.float32),
        ({"avx512_bf16": True}, None, torch.float32),
    ],
)
def test_a_cpu_uses_bfloat16_if_it_is_stored_and_native(
    monkeypatch: pytest.MonkeyPatch,
    capabilities: dict[str, bool],
    stored: torch.dtype | None,
    expected: torch.dtype,
) -> None:
    native(monkeypatch, **capabilities)
    assert chosen_dtype("auto", CPU, stored) is expected


@pytest.mark.parametrize("kind", ["granite", "t5"])
@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16])
def test_a_checkpoint_records_its_storage_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, stored: torch.dtype
) -> None:
    native(monkeypatch, avx512_bf16=True)
    base = build(kind)
    base.model.to(stored).save_pretrained(tmp_path)
    base.tokenizer.save_pretrained(tmp_path)
    assert load_base_model("m", tmp_path, device="cpu").dtype is stored
    assert load_base_model("m", tmp_path, device="cpu", dtype="float32").dtype is torch.float32


@pytest.mark.parametrize(
    ("asked", "expected"), [({}, "float32"), ({"dtype": "bfloat16"}, "bfloat16")]
)
def test_an_embedded_model_is_read_in_float32_unless_asked_otherwise(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, str], expected: str
) -> None:
    native(monkeypatch, avx512_bf16=True)
    base = Catalog(LocalOptions(**asked)).load("tunesmith/micro-granite")
    assert base.dtype is DTYPES[expected]


@pytest.mark.parametrize("name", DTYPES)
def test_a_type_that_is_asked_for_is_taken(name: str) -> None:
    assert chosen_dtype(name, CPU, torch.float32) is DTYPES[name]
    assert computes(CPU, DTYPES[name])


@pytest.mark.parametrize("name", ["auto", *DTYPES])
def test_a_device_that_does_not_compute_in_a_type_is_named(name: str) -> None:
    # The one device of every machine that multiplies nothing.
    with pytest.raises(ExperimentError, match=rf"dtype='{name}'.*'meta'.*use device=cpu"):
        chosen_dtype(name, torch.device("meta"), None)


def test_the_capabilities_of_the_device_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    product = torch.Tensor.__matmul__

    def lacking(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        if one.dtype is torch.float16:
            raise RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'")
        return product(one, other)

    monkeypatch.setattr(torch.Tensor, "__matmul__", lacking)
    with pytest.raises(ExperimentError, match=r"float16.*use dtype=float32 or dtype=bfloat16"):
        chosen_dtype("float16", CPU, None)
