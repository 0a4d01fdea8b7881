"""Packed weights give the product of the plain ones, and never outlive them."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from local_models import build
from torch.nn.functional import linear

from tunesmith_local.methods.lora import sharing
from tunesmith_local.model import weight_prepacking
from tunesmith_local.model.loading import BaseLM, freeze
from tunesmith_local.model.weight_prepacking import PrepackedLinear, prepacked

GetBase = Callable[[str], BaseLM]
BOTH = (torch.float32, torch.bfloat16)


def layer(dtype: torch.dtype = torch.float32, *, bias: bool = False) -> PrepackedLinear:
    """A frozen layer whose products are prepacked."""
    torch.manual_seed(0)
    made = PrepackedLinear(64, 48, bias=bias, dtype=dtype)
    made.least = 0
    return made.requires_grad_(False)


def unpacked(base: BaseLM) -> BaseLM:
    """The model as it is before its layers are prepacked."""
    model = copy.deepcopy(base.model)
    for module in model.modules():
        if isinstance(module, PrepackedLinear):
            module.__class__ = torch.nn.Linear
    return freeze(base.name, model, base.tokenizer)


def is_prepacked(module: torch.nn.Linear) -> bool:
    return hasattr(module.weight, weight_prepacking._KEPT)


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(1, 64), (5, 64), (2, 7, 64)])
def test_the_product_is_that_of_the_plain_weight(
    dtype: torch.dtype, bias: bool, shape: tuple[int, ...]
) -> None:
    one, given = layer(dtype, bias=bias), torch.randn(shape).to(dtype)
    with torch.no_grad():
        found = one(given)
    assert is_prepacked(one)
    tolerance = 1e-6 if dtype is torch.float32 else 1e-2
    right = linear(given, one.weight, one.bias)
    torch.testing.assert_close(found, right, rtol=tolerance, atol=tolerance)


def test_a_non_contiguous_input_is_read_in_place() -> None:
    one, wide = layer(), torch.randn(3, 9, 100)
    with torch.no_grad():
        torch.testing.assert_close(
            one(wide[:, ::2, 20:84]), linear(wide[:, ::2, 20:84], one.weight)
        )


def test_the_plain_weight_is_used_if_gradients_flow() -> None:
    one, given = layer(), torch.randn(5, 64, requires_grad=True)
    one(given).sum().backward()
    assert given.grad is not None
    torch.testing.assert_close(given.grad, one.weight.sum(0).expand(5, -1))
    assert not is_prepacked(one)


def test_a_weight_that_trains_is_never_packed() -> None:
    one = layer().requires_grad_(True)
    with torch.no_grad():
        one(torch.randn(5, 64))
    assert not is_prepacked(one)


@pytest.mark.parametrize("change", ["in place", "other numbers", "other type"])
def test_a_changed_weight_is_prepacked_anew(change: str) -> None:
    one, given = layer(), torch.randn(5, 64)
    with torch.no_grad():
        one(given)
        if change == "in place":
            one.weight.mul_(2)
        elif change == "other numbers":
            one.weight.data = one.weight * 2
        else:
            one.weight.data, given = one.weight.bfloat16(), given.bfloat16()
        found = one(given)
    tolerance = 1e-2 if change == "other type" else 1e-6
    torch.testing.assert_close(found, linear(given, one.weight), rtol=tolerance, atol=tolerance)


def test_modules_that_share_a_weight_share_the_prepacked_one_and_a_copy_does_not() -> None:
    base = build("granite")
    head = base.model.get_output_embeddings()
    with torch.no_grad():
        head(torch.randn(2, base.hidden_size))
    shared = sharing(base).model.get_output_embeddings()
    assert shared is not head
    assert getattr(shared.weight, weight_prepacking._KEPT) is getattr(
        head.weight, weight_prepacking._KEPT
    )
    alone = copy.deepcopy(base.model).get_output_embeddings()
    assert not is_prepacked(alone)


def test_small_products_use_the_plain_weight() -> None:
    one = layer()
    one.least = 5 * 64 * 48
    with torch.no_grad():
        one(torch.randn(2, 2, 64))
        assert not is_prepacked(one)
        one(torch.randn(1, 5, 64))
    assert is_prepacked(one)


def test_without_room_or_kernel_a_model_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    base = unpacked(build("granite"))
    with monkeypatch.context() as patch:
        patch.setattr(weight_prepacking, "free_bytes", lambda device: 1000)
        prepacked(base, least=0)
    with monkeypatch.context() as patch:
        patch.setattr(weight_prepacking, "_multiplies", lambda dtype: False)
        prepacked(base, least=0)
    assert not any(isinstance(module, PrepackedLinear) for module in base.model.modules())
    prepacked(base, least=0)
    assert any(isinstance(module, PrepackedLinear) for module in base.model.modules())


def test_a_type_without_a_kernel_is_multiplied_as_ever() -> None:
    one, given = layer(torch.float64), torch.randn(5, 64, dtype=torch.float64)
    with torch.no_grad():
        assert torch.equal(one(given), linear(given, one.weight))
    assert not is_prepacked(one)


def test_the_models_of_these_tests_are_packed(base_lm: GetBase) -> None:
    base = base_lm("granite")
    linears = [m for m in base.model.modules() if isinstance(m, torch.nn.Linear)]
    assert linears
    assert all(type(module) is PrepackedLinear for module in linears)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_products_of_many_lengths_keep_no_memory() -> None:
    code = """
import resource, torch
from pathlib import Path
from tunesmith_local.model.weight_prepacking import _laid_out, _product

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20

weight = _laid_out(torch.ones(1024, 256))
with torch.inference_mode():
    for length in range(1, 500):
        _product(torch.ones(length, 256), weight, None)
        if length == 50:
            begun = resident()
print(resident() - begun)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 100  # it was 330 MB with a buffer for each length
