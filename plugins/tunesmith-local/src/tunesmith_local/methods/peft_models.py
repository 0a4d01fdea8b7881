"""PEFT models around a base model that is shared, not copied.

PEFT is imported when the first one is made: predictions of a base model do without it.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

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
        task_type=task(base),
        num_virtual_tokens=weights.shape[0],
        token_dim=weights.shape[1],
        num_transformer_submodules=1,
        prompt_tuning_init="RANDOM",
    )
    return holding(wrapped(base, config), weights)


def encoder(model: PeftModel) -> torch.nn.Module:
    """Return the module that makes the virtual tokens."""
    return cast("torch.nn.Module", cast("Any", model.prompt_encoder)["default"])


def virtual_tokens(model: PeftModel) -> torch.Tensor:
    """Return the encoder's output, ``[num_virtual_tokens, width]``; gradients flow back to it."""
    made: torch.Tensor = encoder(model)(cast("Any", model.prompt_tokens)["default"][None])
    return made[0]


def save_peft(model: PeftModel, directory: Path) -> None:
    """Write PEFT's two files."""
    model.save_pretrained(str(directory), safe_serialization=True, save_embedding_layers=False)
    # PEFT's card is an empty form that names the base model by its path on this machine.
    (directory / "README.md").unlink(missing_ok=True)


@contextmanager
def drawn_by(seed: int) -> Iterator[None]:
    """Seed the random generators inside, and restore them on leaving."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def quiet_peft() -> Iterator[None]:
    """Silence a warning: PEFT 0.21 asks transformers 5.23 for an old attribute name."""
    with _warning_filters, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        yield


def task(base: BaseLM) -> TaskType:
    """Return PEFT's word for the kind of base model."""
    from peft import TaskType

    return TaskType.SEQ_2_SEQ_LM if base.is_seq2seq else TaskType.CAUSAL_LM


def wrapped(base: BaseLM, config: PeftConfig) -> PeftModel:
    """Wrap the base model, which is shared; the config names it by its portable name."""
    from peft import get_peft_model

    with quiet_peft():
        model = get_peft_model(base.model, config)
    # The portable name; PEFT takes the path on this machine.
    config.base_model_name_or_path = base.name
    return cast("PeftModel", model)


@torch.no_grad()
def holding(model: PeftModel, weights: torch.Tensor) -> PeftModel:
    """Put ``weights`` into the encoder's embedding and return the model."""
    start: torch.nn.Parameter = cast("Any", encoder(model)).embedding.weight
    start.copy_(weights)
    return model
