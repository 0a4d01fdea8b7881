"""A soft prompt on disk: PEFT's own two files, and what PEFT does not record."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from peft import PeftConfig, PromptTuningConfig
from safetensors import SafetensorError
from safetensors.torch import load_file

from tunesmith.methods import PLACEHOLDER
from tunesmith_local.errors import AdapterError
from tunesmith_local.loading import BaseLM
from tunesmith_local.soft_prompt import peft_model

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
SIDECAR = "tunesmith.json"
_KEY = "prompt_embeddings"


@dataclass(frozen=True)
class AdapterCard:
    """What belongs to a soft prompt and PEFT's files do not say."""

    base_model: str
    base_fingerprint: str
    template: str = PLACEHOLDER
    max_input_tokens: int | None = None
    weights_sha256: str | None = None
    """Of the weights file; a flipped bit is found, which safetensors does not look for."""


@dataclass(frozen=True, eq=False)
class SoftPrompt:
    """A trained soft prompt, ready to stand before a text."""

    weights: torch.Tensor
    """``[num_virtual_tokens, hidden_size]``, float32, on the CPU."""
    card: AdapterCard


def save_adapter(base: BaseLM, prompt: SoftPrompt, directory: Path) -> None:
    """Write the adapter with PEFT's ``save_pretrained``; the directory appears complete or not.

    ``PeftModel.from_pretrained(base, directory)`` of plain PEFT reads it. The config names the
    base model by its portable name, never by a path.

    Raises:
        AdapterError: ``directory`` exists and is not empty.
    """
    if directory.exists() and any(directory.iterdir()):
        raise AdapterError(f"{directory} is not empty; export into a new directory")
    directory.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        peft_model(base, prompt.weights).save_pretrained(
            str(scratch), safe_serialization=True, save_embedding_layers=False
        )
        # PEFT's card is an empty form that names the base model by its path on this machine.
        (scratch / "README.md").unlink(missing_ok=True)
        card = replace(prompt.card, weights_sha256=_sha256(scratch / WEIGHTS))
        (scratch / SIDECAR).write_text(json.dumps(asdict(card), indent=2), "utf-8")
        scratch.chmod(0o755)
        scratch.replace(directory)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def load_adapter(base: BaseLM, directory: Path) -> SoftPrompt:
    """Read an adapter and check that it belongs to ``base``.

    An adapter of plain PEFT, which has no fingerprint, is accepted on the shape alone, with the
    bare input as its template.

    Raises:
        AdapterError: a file is missing or damaged, the adapter is no soft prompt, or it was
            trained for another base model.
    """
    config = _read_config(directory)
    card = _read_card(directory, base, config)
    weights = _read_weights(directory, card.weights_sha256)
    expected = (config.num_virtual_tokens, base.hidden_size)
    if tuple(weights.shape) != expected:
        raise AdapterError(
            f"{directory / WEIGHTS}: the soft prompt is {tuple(weights.shape)}, but the config and "
            f"base model {base.name!r} need {expected}; it was trained for another base model"
        )
    if not torch.isfinite(weights).all():
        raise AdapterError(f"{directory / WEIGHTS}: the soft prompt holds NaN or infinity")
    return SoftPrompt(weights.float(), card)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_config(directory: Path) -> PromptTuningConfig:
    try:
        config = PeftConfig.from_pretrained(str(directory), local_files_only=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise AdapterError(
            f"{directory / CONFIG}: missing or not a PEFT config ({error}); tune again or restore "
            "the directory"
        ) from error
    if not isinstance(config, PromptTuningConfig):
        raise AdapterError(
            f"{directory / CONFIG}: a {config.peft_type} adapter, not a prompt-tuning one"
        )
    if config.num_transformer_submodules not in (None, 1):
        raise AdapterError(
            f"{directory / CONFIG}: {config.num_transformer_submodules} prompts per token; only "
            "one prompt, at the encoder, is supported"
        )
    return config


def _read_card(directory: Path, base: BaseLM, config: PromptTuningConfig) -> AdapterCard:
    path = directory / SIDECAR
    if not path.exists():
        return AdapterCard(str(config.base_model_name_or_path), "")
    try:
        card = AdapterCard(**json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise AdapterError(f"{path}: damaged ({error})") from error
    if card.base_fingerprint != base.fingerprint:
        raise AdapterError(
            f"{directory}: trained for {card.base_model!r} with fingerprint "
            f"{card.base_fingerprint[:12]}, but the base model loaded as {base.name!r} has "
            f"{base.fingerprint[:12]}; load the model it was trained for"
        )
    return card


def _read_weights(directory: Path, sha256: str | None) -> torch.Tensor:
    path = directory / WEIGHTS
    try:
        if sha256 is not None and _sha256(path) != sha256:
            raise AdapterError(f"{path}: damaged, its sha256 is not the recorded one; tune again")
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise AdapterError(f"{path}: missing or damaged ({error}); tune again") from error
    if set(tensors) != {_KEY}:
        raise AdapterError(f"{path}: holds {sorted(tensors)}, not the one tensor {_KEY!r}")
    return tensors[_KEY]
