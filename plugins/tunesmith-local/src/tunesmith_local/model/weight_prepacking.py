"""Weight prepacking: frozen weights in the memory layout of a CPU's matrix kernel.

torch stores a weight row after row and lays it out anew inside every product. If that is done once
beforehand, a product of many rows takes a tenth to a half less time; the share depends on the CPU.
A product of a few rows with a large weight, as in generation, takes half as much or less. The
operators are oneDNN's, the ones that ``torch.compile`` puts into a model it freezes for a CPU
(``torch/_inductor/fx_passes/mkldnn_fusion.py``). They have no gradient: training reads the plain
weight, which is kept.

oneDNN and its wrapper in torch keep the code and the buffers of each product, by its shape: 1,024
shapes in each thread, about half a megabyte a shape. Texts have any length, so a server would
grow by hundreds of megabytes. With 32 shapes it stays as it is, and is as fast: the layers of a
model share a few shapes. The names of both settings are those of ideep and of oneDNN.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import cast

import torch

from tunesmith_local.model.loading import BaseLM, free_bytes

_LEAST = 2**18
"""Multiplications in a product that is worth it; the call itself costs more than a smaller one."""
_ROWS = 512
"""Rows of a product that the layout is made for; it serves any number."""
_KEPT = "_tunesmith_prepacked"
# Both are read at the first product of a process. A value that is there stays.
for _cache in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
    os.environ.setdefault(_cache, "32")


@dataclass(frozen=True, eq=False)
class _Prepacked:
    tensor: torch.Tensor
    made_from: tuple[int, int]


class PrepackedLinear(torch.nn.Linear):
    """A linear layer that multiplies by its prepacked weight if no gradient is asked for.

    Attributes:
        least: multiplications in a product, below which the plain weight is used.
    """

    least: int = _LEAST

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  # torch's name
        """Return ``input @ weight.T + bias``, ``[..., out_features]``."""
        weight = self.weight
        if torch.is_grad_enabled() or weight.requires_grad or input.dtype != weight.dtype:
            return super().forward(input)
        if input.numel() * len(weight) < self.least:
            return super().forward(input)
        if not (weight.is_cpu and _multiplies(weight.dtype)):
            return super().forward(input)
        return _product(input, _prepacked(weight), self.bias)


def prepacked(base: BaseLM, least: int = _LEAST) -> BaseLM:
    """Let a model's linear layers prepack their weights when they first predict.

    The plain weights are kept too, so this needs as many bytes again. Without the
    room, on another device or without oneDNN the layers stay as they are.

    Args:
        base: the base model, changed in place; its self-check is done.
        least: see :class:`PrepackedLinear`.
    """
    # A subclass has its own product.
    layers = [module for module in base.model.modules() if type(module) is torch.nn.Linear]
    needed = sum(layer.weight.nbytes for layer in layers)
    can = base.device.type == "cpu" and _multiplies(base.dtype)
    if can and needed <= free_bytes(base.device):
        for layer in layers:
            # The same object with the same weights: references to the layer stay valid.
            layer.__class__ = PrepackedLinear
            cast("PrepackedLinear", layer).least = least
    return base


def _prepacked(weight: torch.Tensor) -> torch.Tensor:
    # Kept with the weight, so that modules which share one share the other, and a copy has none.
    made_from = (weight.data_ptr(), weight._version)
    kept: _Prepacked | None = getattr(weight, _KEPT, None)
    if kept is None or kept.made_from != made_from:
        kept = _Prepacked(_laid_out(weight), made_from)
        setattr(weight, _KEPT, kept)
    return kept.tensor


@cache
def _multiplies(dtype: torch.dtype) -> bool:
    """Return whether this torch and this CPU can, by trying."""
    ones = torch.ones(2, 2, dtype=dtype)
    try:
        return bool((_product(ones, _laid_out(ones), None) == 2).all())
    except (RuntimeError, AttributeError):  # torch has no such kernel
        return False


def _laid_out(weight: torch.Tensor) -> torch.Tensor:
    made: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
    return made


def _product(given: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    made: torch.Tensor = torch.ops.mkldnn._linear_pointwise(given, weight, bias, "none", [], "")
    return made
