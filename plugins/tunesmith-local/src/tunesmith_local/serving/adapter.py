"""A tuned model on disk: the files of PEFT or transformers, and what they do not record."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from tunesmith.errors import NotFoundError
from tunesmith_local.engine.answers import Rule
from tunesmith_local.errors import AdapterError
from tunesmith_local.methods.linear_probe import PROBE_CONFIG, PROBE_WEIGHTS, read_probe
from tunesmith_local.methods.lora import adapted, sharing
from tunesmith_local.methods.peft_models import quiet_peft
from tunesmith_local.methods.prefix_tuning import check_prefix, prefix_state, width
from tunesmith_local.methods.suffix_prompt import SUFFIX_KEY, SuffixConfig, suffix_config
from tunesmith_local.methods.tunable import Savable
from tunesmith_local.model.loading import BaseLM, load_base_model
from tunesmith_local.serving.tuned import AdapterCard, TunedLM

if TYPE_CHECKING:  # PEFT is imported by what needs it: a base model alone does not
    from peft import PeftConfig

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
SIDECAR = "tunesmith.json"
_MODEL_CONFIG = "config.json"
_MODEL_WEIGHTS = "model.safetensors"
_KEY = "prompt_embeddings"
_Load = Callable[[BaseLM, Path, AdapterCard, "PeftConfig"], TunedLM]


def save_tuned(
    tunable: Savable,
    template: str,
    max_input_tokens: int | None,
    directory: Path,
    rule: Rule = "continued",
) -> None:
    """Write a tuned model with its library's ``save_pretrained``; it appears complete or not.

    Plain PEFT or transformers reads it, unless it is a soft prompt behind the text. The config
    names the base model by its portable name, never by a path.

    Raises:
        AdapterError: ``directory`` exists and is not empty.
    """
    if directory.exists() and any(directory.iterdir()):
        raise AdapterError(f"{directory} is not empty; export into a new directory")
    directory.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        tunable.save(scratch)
        base = tunable.base
        card = AdapterCard(
            base.name,
            base.fingerprint,
            template,
            max_input_tokens,
            base.tokenizer_fingerprint,
            _sha256(_weights_path(scratch)),
            rule,
        )
        (scratch / SIDECAR).write_text(json.dumps(asdict(card), indent=2), "utf-8")
        scratch.chmod(0o755)
        scratch.replace(directory)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def load_tuned(base: BaseLM, directory: Path) -> TunedLM:
    """Read a tuned model and check that it belongs to ``base``.

    An adapter of plain PEFT, which has no fingerprint, is accepted on the shape alone, with the
    bare input as its template.

    Raises:
        AdapterError: a file is missing or damaged, the kind is unknown, or it was tuned from
            another base model.
    """
    card = _read_card(base, directory)
    _check_weights(directory, card)
    if (directory / PROBE_CONFIG).exists():
        return TunedLM(base, card, probe=read_probe(base, directory))
    if not (directory / CONFIG).exists() and (directory / _MODEL_CONFIG).exists():
        return _fine_tuned(base, directory, card)
    suffix = suffix_config(directory / CONFIG)
    if suffix is not None:
        return _suffix_prompt(base, directory, card, suffix)
    config = _read_config(directory)
    load = _LOADERS.get(type(config).__name__)
    if load is not None:
        return load(base, directory, card, config)
    raise AdapterError(
        f"{directory / CONFIG}: a {config.peft_type} adapter; there is no method for it here"
    )


def _soft_prompt(base: BaseLM, directory: Path, card: AdapterCard, config: PeftConfig) -> TunedLM:
    if getattr(config, "num_transformer_submodules", None) not in (None, 1):
        raise AdapterError(
            f"{directory / CONFIG}: more than one prompt for each token; only one prompt, at the "
            "encoder, is supported"
        )
    weights = _read_virtual_tokens(base, directory, config, base.hidden_size)
    return TunedLM(base, card, prompt=weights)


def _suffix_prompt(
    base: BaseLM, directory: Path, card: AdapterCard, config: SuffixConfig
) -> TunedLM:
    weights = _read_virtual_tokens(base, directory, config, base.hidden_size, SUFFIX_KEY)
    return TunedLM(base, card, prompt=weights, prompt_position="suffix")


def _prefix(base: BaseLM, directory: Path, card: AdapterCard, config: PeftConfig) -> TunedLM:
    check_prefix(base)
    weights = _read_virtual_tokens(base, directory, config, width(base))
    return TunedLM(base, card, state=prefix_state(base, weights))


def _lora(base: BaseLM, directory: Path, card: AdapterCard, config: PeftConfig) -> TunedLM:
    from peft import PeftModel

    del config
    copied = sharing(base)
    try:
        with quiet_peft():
            model = PeftModel.from_pretrained(copied.model, str(directory), local_files_only=True)
    except (OSError, ValueError, SafetensorError) as error:
        raise AdapterError(f"{directory}: cannot be read ({error}); tune again") from error
    except RuntimeError as error:  # of torch, whose next lines name every matrix
        raise AdapterError(_misfit(directory, base)) from error
    return TunedLM(adapted(copied, model), card)


def _fine_tuned(base: BaseLM, directory: Path, card: AdapterCard) -> TunedLM:
    kind = str(base.dtype).removeprefix("torch.")
    try:
        own = load_base_model(
            base.name, directory, device=str(base.device), dtype=kind, offline=True
        )
    except NotFoundError as error:
        raise AdapterError(f"{directory}: cannot be read ({error}); tune again") from error
    if _shapes(own) != _shapes(base):
        raise AdapterError(_misfit(directory, base))
    return TunedLM(replace(base, model=own.model), card)


def _misfit(directory: Path, base: BaseLM) -> str:
    return (
        f"{directory}: its weights do not have the shapes of base model {base.name!r}; load the "
        "model it was tuned from"
    )


def _shapes(base: BaseLM) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in base.model.named_parameters()}


_LOADERS: dict[str, _Load] = {
    "PromptTuningConfig": _soft_prompt,
    "PromptEncoderConfig": _soft_prompt,
    "PrefixTuningConfig": _prefix,
    "LoraConfig": _lora,
}
"""By the class of PEFT's config."""


def _weights_path(directory: Path) -> Path:
    names = (_MODEL_WEIGHTS, PROBE_WEIGHTS)
    return next((directory / n for n in names if (directory / n).exists()), directory / WEIGHTS)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_config(directory: Path) -> PeftConfig:
    from peft import PeftConfig

    try:
        config: PeftConfig = PeftConfig.from_pretrained(str(directory), local_files_only=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise AdapterError(
            f"{directory / CONFIG}: missing or not a PEFT config ({error}); tune again or restore "
            "the directory"
        ) from error
    return config


def _read_card(base: BaseLM, directory: Path) -> AdapterCard:
    path = directory / SIDECAR
    if not path.exists():
        return AdapterCard(base.name, "")
    try:
        card = AdapterCard(**json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise AdapterError(f"{path}: damaged ({error})") from error
    if card.base_fingerprint != base.fingerprint:
        raise AdapterError(
            f"{directory}: tuned from {card.base_model!r} with fingerprint "
            f"{card.base_fingerprint[:12]}, but the base model loaded as {base.name!r} has "
            f"{base.fingerprint[:12]}; load the model it was tuned from"
        )
    if card.tokenizer_fingerprint not in ("", base.tokenizer_fingerprint):
        raise AdapterError(
            f"{directory}: tuned with another tokenizer than that of {base.name!r} as it is loaded "
            "now; load the tokenizer it was tuned with"
        )
    return card


def _check_weights(directory: Path, card: AdapterCard) -> None:
    path = _weights_path(directory)
    try:
        if card.weights_sha256 and _sha256(path) != card.weights_sha256:
            raise AdapterError(f"{path}: damaged, its sha256 is not the recorded one; tune again")
    except OSError as error:
        raise AdapterError(f"{path}: missing or damaged ({error}); tune again") from error


def _read_virtual_tokens(
    base: BaseLM, directory: Path, config: PeftConfig | SuffixConfig, width: int, key: str = _KEY
) -> torch.Tensor:
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
