"""Reads the architectures that transformers supports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    PreTrainedModel,
)

from tunesmith_local.model.gguf.config_fixes import fix_config
from tunesmith_local.model.gguf.filling import quietly, refuse_unfilled
from tunesmith_local.model.gguf.header import Header
from tunesmith_local.model.gguf.problems import unusable
from tunesmith_local.model.gguf.rotary import FACTORS, set_rotary_rule

_ROPE_SCALING_READ = ("gpt-oss", "gpt_oss")


def refuse_unknown(header: Header, own: Sequence[str]) -> None:
    """Raise a NotFoundError unless ``own`` or transformers has the architecture of the file."""
    found = header.architecture
    if found == "clip":
        raise unusable(
            header.path,
            "field general.architecture is 'clip': it is an image projector, not a language model",
            "name the file of the language model beside it",
        )
    known = sorted({*own, *_of_transformers()})
    if _plain(found) not in map(_plain, known):
        raise unusable(
            header.path,
            f"field general.architecture is {found!r}, not one of {', '.join(known)}",
            "use the model's directory with config.json and *.safetensors",
        )


def read_by_transformers(header: Header, dtype: torch.dtype) -> PreTrainedModel:
    """Return the model with dequantized weights in ``dtype``.

    Raises:
        NotFoundError: a field or a tensor is missing.
    """
    _refuse_dropped(header)
    try:
        with quietly():
            read, found = _read(header, dtype)
    except (KeyError, ValueError, TypeError, RuntimeError, NotImplementedError) as error:
        reason = f"transformers cannot read it: {error!r}"
        raise unusable(header.path, reason) from error
    refuse_unfilled(header, found)
    return _plain_model(read)


def _refuse_dropped(header: Header) -> None:
    # transformers ignores fields and tensors that it has no name for; the outputs would differ.
    kind = header.own("rope.scaling.type", "none")
    if kind != "none" and header.architecture not in _ROPE_SCALING_READ:
        field = f"{header.architecture}.rope.scaling.type"
        raise unusable(header.path, f"field {field} is {kind!r}, which transformers drops")
    for name in header.tensors:
        if name.startswith("rope_") and name != FACTORS:
            raise unusable(header.path, f"tensor {name} is one that transformers drops")


def _read(header: Header, dtype: torch.dtype) -> tuple[PreTrainedModel, dict[str, Any]]:
    where = {"gguf_file": header.path.name}
    config = AutoConfig.from_pretrained(header.path.parent, **where)
    fix_config(header, config)
    set_rotary_rule(header, config)
    family: Any = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    model, found = family.from_pretrained(
        header.path.parent,
        **where,
        config=config,
        dtype=dtype,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
    )
    return model, found


def _plain_model(model: PreTrainedModel) -> PreTrainedModel:
    # transformers marks the model as quantized although every weight was decoded. With the mark,
    # PEFT would look for quantized layers, and the model could not be saved.
    quantizer = getattr(model, "hf_quantizer", None)
    if quantizer is not None:
        quantizer.remove_quantization_config(model)
    return model


def _of_transformers() -> list[str]:
    from transformers.integrations.ggml import GGUF_CONFIG_MAPPING

    try:
        from transformers.integrations.gguf.gguf_conversion_mapping import GGUF_ARCHS

        more = list(GGUF_ARCHS)
    except ImportError:  # an older transformers
        more = []
    return [*(set(GGUF_CONFIG_MAPPING) - {"general", "tokenizer"}), *more]


def _plain(architecture: str) -> str:
    return architecture.replace("-", "").replace("_", "").lower()
