"""PEFT models around a base model that is shared, not copied.

PEFT is imported when the first one is made: what only predicts with a base model does without.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from tunesmith_local.methods.settings import Lora, PTuning
from tunesmith_local.model.loading import BaseLM

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel, TaskType

_warning_filters = threading.Lock()  # they belong to the process, not to a thread


def soft_prompt_model(base: BaseLM, weights: torch.Tensor) -> PeftModel:
    """Wrap the base model with PEFT's prompt encoder, holding ``weights``.

    A sequence-to-sequence model gets one prompt, at the encoder (``num_transformer_submodules=1``;
    PEFT's default would train one for the decoder that its forward pass never reads).

    Args:
        base: the base model.
        weights: ``[num_virtual_tokens, hidden_size]``.
    """
    from peft import PromptTuningConfig

    config = PromptTuningConfig(
        task_type=_task(base),
        num_virtual_tokens=weights.shape[0],
        token_dim=weights.shape[1],
        num_transformer_submodules=1,
        prompt_tuning_init="RANDOM",
    )
    return _holding(_wrapped(base, config), weights)


def p_tuning_model(base: BaseLM, method: PTuning, weights: torch.Tensor) -> PeftModel:
    """Wrap the base model with PEFT's P-tuning network, whose input starts as ``weights``."""
    from peft import PromptEncoderConfig

    config = PromptEncoderConfig(
        task_type=_task(base),
        num_virtual_tokens=weights.shape[0],
        token_dim=weights.shape[1],
        num_transformer_submodules=1,
        encoder_hidden_size=method.encoder_hidden_size or base.hidden_size,
        encoder_reparameterization_type=method.encoder_reparameterization_type,
    )
    return _holding(_wrapped(base, config), weights)


def prefix_model(base: BaseLM, keys_and_values: torch.Tensor) -> PeftModel:
    """Wrap the base model with PEFT's prefix encoder.

    Args:
        base: the base model; every layer must cache keys and values of one shape.
        keys_and_values: ``[num_virtual_tokens, layers * 2 * key_value_heads * head_size]``.
    """
    from peft import PrefixTuningConfig

    config = PrefixTuningConfig(
        task_type=_task(base), num_virtual_tokens=len(keys_and_values), init_weights="zero"
    )
    return _holding(_wrapped(base, config), keys_and_values)


def lora_model(base: BaseLM, method: Lora) -> PeftModel:
    """Put PEFT's low-rank layers into the model of ``base`` itself."""
    from peft import LoraConfig

    modules = method.target_modules
    config = LoraConfig(
        task_type=_task(base),
        r=method.rank,
        lora_alpha=method.lora_alpha,  # type: ignore[arg-type]  # a float is what it multiplies by
        lora_dropout=method.lora_dropout,
        target_modules=modules if isinstance(modules, str) else list(modules),
    )
    return _wrapped(base, config)


def encoder(model: PeftModel) -> torch.nn.Module:
    """Return the module that makes the virtual tokens."""
    return cast("torch.nn.Module", cast("Any", model.prompt_encoder)["default"])


def virtual_tokens(model: PeftModel) -> torch.Tensor:
    """Return what the encoder makes, ``[num_virtual_tokens, width]``; gradients flow back to it."""
    made: torch.Tensor = encoder(model)(cast("Any", model.prompt_tokens)["default"][None])
    return made[0]


def save_peft(model: PeftModel, directory: Path) -> None:
    """Write PEFT's two files."""
    model.save_pretrained(str(directory), safe_serialization=True, save_embedding_layers=False)
    # PEFT's card is an empty form that names the base model by its path on this machine.
    (directory / "README.md").unlink(missing_ok=True)


@contextmanager
def drawn_by(seed: int) -> Iterator[None]:
    """Let ``seed`` decide what is random inside, and leave the generators outside as they were."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def quiet_peft() -> Iterator[None]:
    """Silence what PEFT 0.21 provokes: it asks transformers 5.23 for an old attribute name."""
    with _warning_filters, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        yield


def _task(base: BaseLM) -> TaskType:
    from peft import TaskType

    return TaskType.SEQ_2_SEQ_LM if base.is_seq2seq else TaskType.CAUSAL_LM


def _wrapped(base: BaseLM, config: PeftConfig) -> PeftModel:
    from peft import get_peft_model

    with quiet_peft():
        wrapped = get_peft_model(base.model, config)
    # The portable name, where PEFT takes the path on this machine.
    config.base_model_name_or_path = base.name
    return cast("PeftModel", wrapped)


@torch.no_grad()
def _holding(model: PeftModel, weights: torch.Tensor) -> PeftModel:
    start: torch.nn.Parameter = cast("Any", encoder(model)).embedding.weight
    start.copy_(weights)
    return model
