"""Frozen weights in 8 or 4 bits, by bitsandbytes: a larger base model fits, and is less exact.

The weights of the linear layers are quantized, layer by layer on their way to the device. The
embeddings and the output layer stay as they are, and what is trained stays float32. The fingerprint
of a model is that of its plain weights, so a prompt that was tuned on the one may be served by the
other.
"""

from __future__ import annotations

import importlib
import logging
import math
from importlib.util import find_spec
from typing import Any, cast

import torch
from transformers import PreTrainedModel

from tunesmith.errors import ExperimentError, PluginError
from tunesmith_local.options import Quantization

# Without the package "kernels" it warns that a faster kernel is not loaded. PEFT imports it, too.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def check_quantization(kind: Quantization) -> None:
    """Refuse to quantize without the package.

    Raises:
        PluginError: names what to install.
    """
    if kind != "none" and find_spec("bitsandbytes") is None:
        raise PluginError(
            f"option quantization={kind!r} needs the package bitsandbytes; install it with: "
            "pip install 'tunesmith-local[quantization]'"
        )


def quantize(name: str, model: PreTrainedModel, kind: Quantization, device: torch.device) -> None:
    """Quantize the linear layers of a loaded model in place, and move it to ``device``.

    Args:
        name: of the base model, for errors.
        model: not yet on the device, if its plain weights would not fit there.
        kind: ``int8`` (LLM.int8(), Dettmers et al. 2022) or ``nf4`` (QLoRA, Dettmers et al. 2023).
        device: of the quantized model.

    Raises:
        ExperimentError: there is nothing to quantize.
    """
    kept = cast("Any", model).get_output_embeddings()
    found = {
        path: module
        for path, module in model.named_modules()
        if type(module) is torch.nn.Linear and module is not kept
    }
    if not found:
        raise ExperimentError(
            f"option quantization={kind!r}: base model {name!r} has no linear layer; leave "
            "the option out"
        )
    for path, module in found.items():
        parent, _, own = path.rpartition(".")
        layer = (_int8 if kind == "int8" else _nf4)(module)
        setattr(model.get_submodule(parent), own, layer.to(device).requires_grad_(False))
        del module.weight  # the plain weight goes before the next one is quantized
    model.to(device)  # type: ignore[arg-type]  # transformers wraps it without its self


def _int8(linear: torch.nn.Linear) -> torch.nn.Module:
    layers = _layers()
    made = layers.Linear8bitLt(
        linear.in_features, linear.out_features, bias=False, has_fp16_weights=False, device="meta"
    )
    made.weight = layers.Int8Params(linear.weight.data, requires_grad=False, has_fp16_weights=False)
    return _with_bias(made, linear)


def _nf4(linear: torch.nn.Linear) -> torch.nn.Module:
    layers = _layers()
    made = layers.Linear4bit(
        linear.in_features, linear.out_features, bias=False, quant_type="nf4",
        compute_dtype=linear.weight.dtype, device="meta",
    )  # fmt: skip
    made.weight = layers.Params4bit(linear.weight.data, requires_grad=False, quant_type="nf4")
    return _with_bias(made, linear)


def _with_bias(made: Any, linear: torch.nn.Linear) -> torch.nn.Module:
    made.bias = linear.bias
    return cast("torch.nn.Module", made)


def _layers() -> Any:
    flushes = _flushes_to_zero()
    layers = importlib.import_module("bitsandbytes.nn")
    if not flushes:
        torch.set_flush_denormal(False)  # its library was built with -ffast-math, which sets it
    return layers


def _flushes_to_zero() -> bool:
    return math.ldexp(1.0, -1074) * 1.0 == 0.0
