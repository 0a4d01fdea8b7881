"""Load a base model and its tokenizer, frozen and ready."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from tunesmith.errors import ExperimentError, NotFoundError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_SAMPLED_PER_TENSOR = 64


@dataclass(frozen=True, eq=False)
class BaseLM:
    """A frozen base model with its tokenizer."""

    name: str
    """Portable name."""
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    fingerprint: str
    """See :func:`fingerprint`."""
    padding_exact: bool = False
    """Whether rows of different length may share a batch; :mod:`.self_check` finds out."""
    prefix_exact: bool = False
    """Whether a soft prompt may be read once for a whole batch; likewise."""
    state_exact: bool = False
    """Whether rows may continue the kept states of different prompts; likewise."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.model.dtype

    @property
    def is_seq2seq(self) -> bool:
        """Whether the model has an encoder, as T5 does."""
        return bool(self.model.config.is_encoder_decoder)

    @property
    def embeddings(self) -> torch.nn.Embedding:
        """The input embeddings, ``[vocabulary, hidden_size]``."""
        return cast("torch.nn.Embedding", self.model.get_input_embeddings())

    @property
    def hidden_size(self) -> int:
        """Width of an embedding row."""
        return int(self.embeddings.weight.shape[1])

    @property
    def vocabulary_size(self) -> int:
        """Tokens of the tokenizer; embedding rows past it are padding that nothing trained."""
        return min(len(self.tokenizer), self.embeddings.weight.shape[0])

    @property
    def max_positions(self) -> int | None:
        """Longest sequence that the positions allow; None where there is no such limit."""
        limit = getattr(self.model.config, "max_position_embeddings", None)
        return int(limit) if limit else None

    @property
    def pad_id(self) -> int:
        """Token that fills a batch; never attended to."""
        return int(self.tokenizer.pad_token_id)

    @property
    def end_ids(self) -> frozenset[int]:
        """Tokens that end an answer: the tokenizer's and those of the generation config."""
        configured = getattr(self.model.generation_config, "eos_token_id", None)
        extra = configured if isinstance(configured, list) else [configured]
        return frozenset(
            int(token) for token in [self.tokenizer.eos_token_id, *extra] if token is not None
        )


def load_base_model(
    name: str,
    source: str | Path | None = None,
    *,
    device: str = "auto",
    dtype: str = "auto",
    offline: bool = False,
) -> BaseLM:
    """Load a base model from a directory or the Hugging Face hub.

    Only safetensors files are read. The parameters are frozen and the model is in eval mode.

    Args:
        name: portable name, which the records carry.
        source: local directory or hub id; ``name`` itself by default.
        device: ``auto`` (CUDA where there is one, else CPU) or a torch device.
        dtype: ``auto`` (bfloat16 on CUDA, float32 elsewhere) or a name in :data:`DTYPES`.
        offline: look only at files that are already on this machine.

    Raises:
        NotFoundError: the model cannot be found or read; the message names the choices.
        ExperimentError: the device or the dtype is not one.
    """
    place = str(source if source is not None else name)
    target, kind = _device(device), _dtype(dtype, device)
    try:
        config = AutoConfig.from_pretrained(place, local_files_only=offline)
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=offline)
        family = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        with _quiet_bar():
            model = family.from_pretrained(
                place, config=config, dtype=kind, use_safetensors=True, local_files_only=offline
            )
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise NotFoundError(_not_loaded(name, place, error)) from error
    model.to(target)  # type: ignore[arg-type]  # transformers wraps it without its self
    return freeze(name, model, tokenizer)


def freeze(name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> BaseLM:
    """Freeze a model that is already in memory and return it with its tokenizer.

    Raises:
        ExperimentError: the tokenizer has no end-of-text token, or cannot map tokens to text.
    """
    if tokenizer.eos_token_id is None:
        raise ExperimentError(
            f"base model {name!r}: its tokenizer has no end-of-text token, "
            "so a tuned model could not learn to stop after a label; choose another model"
        )
    if not tokenizer.is_fast:
        raise ExperimentError(
            f"base model {name!r}: its tokenizer has no character offsets, which cutting long "
            "inputs needs; choose a model with a tokenizer.json"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.requires_grad_(False)
    model.train(False)
    return BaseLM(name, model, tokenizer, fingerprint(model))


def fingerprint(model: PreTrainedModel) -> str:
    """Return a hash that tells base models apart, whatever dtype and device they are loaded in.

    It covers the architecture, the name and shape of every parameter and up to 64 elements of
    each, rounded to bfloat16, the coarsest type in which a model is loaded.
    """
    digest = hashlib.sha256(str(model.config.model_type).encode())
    for key, tensor in sorted(model.named_parameters()):
        flat = tensor.detach().reshape(-1)
        sample = flat[:: max(1, flat.numel() // _SAMPLED_PER_TENSOR)][:_SAMPLED_PER_TENSOR]
        digest.update(f"{key}{tuple(tensor.shape)}".encode())
        digest.update(sample.to(torch.bfloat16).to("cpu").view(torch.int16).numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def _quiet_bar() -> Iterator[None]:
    # Reading weights from a disk is no news; the hub's own bar for downloads stays.
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:  # a torch without CUDA asserts
        reason = str(error).splitlines()[0]
        raise ExperimentError(
            f"option device={device!r}: not a device of this machine ({reason}); "
            "use device=cpu, or leave it out"
        ) from error
    return found


def _dtype(dtype: str, device: str) -> torch.dtype:
    if dtype == "auto":
        return torch.bfloat16 if _device(device).type == "cuda" else torch.float32
    if dtype not in DTYPES:
        raise ExperimentError(f"option dtype={dtype!r}: choose auto, {', '.join(DTYPES)}")
    return DTYPES[dtype]


def _not_loaded(name: str, place: str, error: BaseException) -> str:
    what = "the local directory" if Path(place).is_dir() else "the Hugging Face hub and its cache"
    reason = _first_line(str(error).splitlines())
    return (
        f"base model {name!r} could not be loaded from {place!r} ({what} was tried, safetensors "
        f"only): {reason} Without a network, use the embedded 'tunesmith/micro-granite' "
        "(pip install tunesmith-micro-granite) or give a local directory that holds config.json, "
        "the tokenizer and *.safetensors."
    )


def _first_line(lines: Iterable[str]) -> str:
    return next((line.strip() for line in lines if line.strip()), "no reason given.")


def model_summary(base: BaseLM) -> dict[str, Any]:
    """Return what a record should say about a loaded base model."""
    return {
        "device": str(base.device),
        "dtype": str(base.dtype).removeprefix("torch."),
        "architecture": type(base.model).__name__,
        "parameters": sum(p.numel() for p in base.model.parameters()),
        "base_fingerprint": base.fingerprint,
    }
