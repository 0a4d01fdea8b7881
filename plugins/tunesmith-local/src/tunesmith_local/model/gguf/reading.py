"""Reads a GGUF file into a model and a tokenizer of transformers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import (
    GraniteForCausalLM,
    GraniteMoeForCausalLM,
    GraniteMoeHybridForCausalLM,
    GraniteMoeSharedForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from tunesmith_local.model.gguf.filling import quietly, refuse_unfilled
from tunesmith_local.model.gguf.granite_config import ARCHITECTURES, granite_config
from tunesmith_local.model.gguf.granite_weights import granite_state
from tunesmith_local.model.gguf.header import Header, read_header
from tunesmith_local.model.gguf.problems import unusable
from tunesmith_local.model.gguf.tensors import stored_dtype
from tunesmith_local.model.gguf.tokenizer import read_tokenizer
from tunesmith_local.model.gguf.transformers_reader import read_by_transformers, refuse_unknown

_CLASSES: dict[str, Any] = {
    "granite": GraniteForCausalLM,
    "granitemoe": GraniteMoeForCausalLM,
    "granitemoeshared": GraniteMoeSharedForCausalLM,
    "granitemoehybrid": GraniteMoeHybridForCausalLM,
}


def read_gguf(
    path: Path, choose: Callable[[torch.dtype], torch.dtype]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Read a GGUF file.

    Args:
        path: the file.
        choose: maps the type of the checkpoint that the file was made of to the type to compute in.

    Raises:
        NotFoundError: the file is truncated, its architecture or a type in it cannot be read, or
            a field or a tensor is missing; the message names it.
    """
    header = read_header(path)
    _refuse_split(header)
    refuse_unknown(header, ARCHITECTURES)
    dtype = choose(stored_dtype(header))
    tokenizer = read_tokenizer(header)
    if header.architecture in ARCHITECTURES:
        return _granite(header, dtype), tokenizer
    return read_by_transformers(header, dtype), tokenizer


def _granite(header: Header, dtype: torch.dtype) -> PreTrainedModel:
    config = granite_config(header)
    return _filled(header, config, granite_state(header, config, dtype), dtype)


def _filled(
    header: Header, config: PreTrainedConfig, state: dict[str, torch.Tensor], dtype: torch.dtype
) -> PreTrainedModel:
    with quietly():
        model, found = _CLASSES[config.model_type].from_pretrained(
            None,
            config=config,
            state_dict=state,
            dtype=dtype,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    refuse_unfilled(header, found)
    built: PreTrainedModel = model
    return built


def _refuse_split(header: Header) -> None:
    if header.fields.get("split.count", 0) > 1:
        raise unusable(
            header.path,
            f"field split.count is {header.fields['split.count']}: it is one part of a model",
            "join the parts with: llama-gguf-split --merge FIRST_PART JOINED.gguf",
        )
