"""The files of a PEFT adapter: reading and checking them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from tunesmith_local.errors import AdapterError
from tunesmith_local.methods.tuned import CONFIG, AdapterFiles, TunedLM
from tunesmith_local.model.loading import BaseLM

if TYPE_CHECKING:  # a process that loads no adapter does without PEFT
    from peft import PeftConfig

WEIGHTS = "adapter_model.safetensors"
_KEY = "prompt_embeddings"


def load_soft_prompt(base: BaseLM, files: AdapterFiles) -> TunedLM:
    """Load a soft prompt that is used before the text, of prompt tuning or P-tuning.

    Raises:
        AdapterError: a file is missing or damaged, or does not fit the base model.
    """
    config = read_config(files.directory)
    if getattr(config, "num_transformer_submodules", None) not in (None, 1):
        raise AdapterError(
            f"{files.directory / CONFIG}: more than one prompt for each token; only one prompt, at "
            "the encoder, is supported"
        )
    weights = read_virtual_tokens(base, files.directory, config, base.hidden_size)
    return TunedLM(base, files.card, prompt=weights)


def read_config(directory: Path) -> PeftConfig:
    """Read the config of an adapter with PEFT.

    Raises:
        AdapterError: it is missing or damaged.
    """
    from peft import PeftConfig

    try:
        config: PeftConfig = PeftConfig.from_pretrained(str(directory), local_files_only=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise AdapterError(
            f"{directory / CONFIG}: missing or not a PEFT config ({error}); tune again or restore "
            "the directory"
        ) from error
    return config


def read_virtual_tokens(
    base: BaseLM, directory: Path, config: Any, width: int, key: str = _KEY
) -> torch.Tensor:
    """Read virtual tokens, float32 ``[num_virtual_tokens, width]``.

    Args:
        base: the base model, for messages.
        directory: of the adapter.
        config: has ``num_virtual_tokens``.
        width: numbers of one virtual token.
        key: name of the tensor, the only one of the file.

    Raises:
        AdapterError: the file is missing or damaged, or has another shape.
    """
    path = directory / WEIGHTS
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise AdapterError(f"{path}: missing or damaged ({error}); tune again") from error
    if set(tensors) != {key}:
        raise AdapterError(f"{path}: holds {sorted(tensors)}, not the one tensor {key!r}")
    weights = tensors[key]
    expected = (getattr(config, "num_virtual_tokens", None), width)
    if tuple(weights.shape) != expected:
        raise AdapterError(
            f"{path}: the virtual tokens are {tuple(weights.shape)}, but the config and base model "
            f"{base.name!r} need {expected}; it was trained for another base model"
        )
    if not torch.isfinite(weights).all():
        raise AdapterError(f"{path}: holds NaN or infinity; tune again")
    return weights.float()


def misfit(directory: Path, base: BaseLM) -> str:
    """Return the message for weights of other shapes than those of the base model."""
    return (
        f"{directory}: its weights do not have the shapes of base model {base.name!r}; load the "
        "model it was tuned from"
    )
