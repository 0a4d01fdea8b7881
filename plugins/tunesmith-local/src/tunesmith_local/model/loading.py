"""Load a base model and its tokenizer, frozen and ready."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import psutil
import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from tunesmith.errors import ExperimentError, NotFoundError, PluginError
from tunesmith_local.model.attention import use_grouped_attention
from tunesmith_local.model.dtypes import check_name, chosen_dtype
from tunesmith_local.model.gguf.files import file_in
from tunesmith_local.model.last_layer import read_last_layer_where_scored
from tunesmith_local.model.quantization import check_quantization, quantize
from tunesmith_local.options import Quantization

SPLIT = "split"
"""The device that stands for all GPUs."""
_SAMPLED_PER_TENSOR = 64
_Choice = Callable[[torch.dtype | None], torch.dtype]


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
    """Whether rows of different length may share a batch. :mod:`.self_check` decides this and the
    fields below."""
    prefix_exact: bool = False
    """Whether a soft prompt may be read once for a whole batch."""
    state_exact: bool = False
    """Whether rows may continue the cached states of different prompts."""
    packing_exact: bool = False
    """Whether rows may be packed into one sequence, and label paths read side by side behind a
    text."""
    text_exact: bool = False
    """Whether a soft prompt may continue the cached states of texts, in training too."""
    quantization: str = "none"
    """See :mod:`.quantization`."""

    @cached_property
    def tokenizer_fingerprint(self) -> str:
        """See :func:`tokenizer_fingerprint`. It takes a while, and only tuned models need it."""
        return tokenizer_fingerprint(self.tokenizer)

    @property
    def score_count(self) -> int:
        """The scores that the model gives at a position; it may exceed the tokenizer's tokens."""
        return int(cast("Any", self.model).get_output_embeddings().weight.shape[0])

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
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
        """Longest sequence that the positions allow; None if there is no such limit."""
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
    quantization: Quantization = "none",
    offline: bool = False,
) -> BaseLM:
    """Load a base model from a directory, a GGUF file or the Hugging Face hub.

    Of a directory, only safetensors files are read. The parameters are frozen and the model is in
    eval mode.

    Args:
        name: portable name, which the records carry.
        source: local directory, GGUF file or hub id; ``name`` itself by default.
        device: ``auto`` (CUDA if there is one, else CPU), a torch device, or ``split`` (all GPUs,
            some layers on each).
        dtype: ``auto`` (bfloat16 on CUDA, and on a CPU that multiplies it natively if the
            checkpoint is stored in it; else float32) or a name in :data:`.dtypes.DTYPES`.
        quantization: see :mod:`.quantization`.
        offline: look only at files that are already on this machine.

    Raises:
        NotFoundError: the model cannot be found or read; the message names the choices.
        ExperimentError: the device or the dtype is not one, or they do not go together.
        PluginError: a package that reads GGUF files or that quantizes is not installed.
    """
    place = str(source if source is not None else name)
    check_name(dtype)
    check_quantization(quantization)
    target = _device(device)
    if (file := file_in(Path(place))) is not None:
        model, tokenizer = _from_gguf(name, file, partial(chosen_dtype, dtype, target))
    else:
        model, tokenizer = _from_folder(name, place, partial(chosen_dtype, dtype, target), offline)
    if quantization != "none":
        # On the CPU until then, because the plain weights may not fit on the device.
        base = freeze(name, model, tokenizer)
        quantize(name, model, quantization, target)
        return replace(base, quantization=quantization)
    if device == SPLIT:
        _split(model)
    else:
        model.to(target)  # type: ignore[arg-type]  # transformers wraps it without its self
    return freeze(name, model, tokenizer)


def _from_gguf(name: str, file: Path, choose: _Choice) -> tuple[PreTrainedModel, Any]:
    if find_spec("gguf") is None:
        raise PluginError(
            f"base model {name!r}: {file.name} is read by the package gguf, which is not "
            "installed; install it with: pip install 'tunesmith-local[gguf]'"
        )
    from tunesmith_local.model.gguf.reading import read_gguf

    with _reading(name, str(file)), quiet_bar():
        return read_gguf(file, choose)


def _from_folder(
    name: str, place: str, choose: _Choice, offline: bool
) -> tuple[PreTrainedModel, Any]:
    with _reading(name, place):
        config = AutoConfig.from_pretrained(place, local_files_only=offline)
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=offline)
    kind = choose(config.dtype)
    family = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    with _reading(name, place), quiet_bar():
        model = family.from_pretrained(
            place, config=config, dtype=kind, use_safetensors=True, local_files_only=offline
        )
    return model, tokenizer


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
    head = cast("torch.nn.Module", cast("Any", model).get_output_embeddings())
    head.register_forward_pre_hook(_unstrided)
    use_grouped_attention(model)
    read_last_layer_where_scored(model)
    return BaseLM(name, model, tokenizer, fingerprint(model))


def _unstrided(head: torch.nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    # The hidden states of the last tokens are a view with gaps. torch multiplies such a batch row
    # by row, and copies the vocabulary head, the largest weight, for each. The view renews the
    # strides of dimensions of size one, which may have gaps and still count as contiguous.
    (hidden,) = inputs
    return (hidden.contiguous().view(hidden.shape),)


def fingerprint(model: PreTrainedModel) -> str:
    """Return a hash of a base model, the same for every dtype and device.

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


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a hash of a tokenizer's rules, without the state of its last call."""
    rules = json.loads(tokenizer.backend_tokenizer.to_str())
    # How a batch was last padded or cut is kept there too.
    kept = {key: value for key, value in rules.items() if key not in ("padding", "truncation")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def free_bytes(device: torch.device) -> int:
    """Return the free bytes of a CUDA device or, for any other device, of this machine."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


@contextmanager
def quiet_bar() -> Iterator[None]:
    """Hide transformers' progress bars inside; the hub's own bar for downloads stays."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


@contextmanager
def _reading(name: str, place: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, ImportError, KeyError, SafetensorError) as error:
        raise NotFoundError(_not_loaded(name, place, error)) from error


def _split(model: PreTrainedModel) -> None:
    """Spread the layers over all GPUs. Each layer moves its input to its own one."""
    from accelerate import dispatch_model, infer_auto_device_map

    blocks = sorted(getattr(model, "_no_split_modules", None) or ())
    plan = infer_auto_device_map(model, no_split_module_classes=blocks)
    if {"cpu", "disk"} & set(map(str, plan.values())):
        raise ExperimentError(
            f"option device={SPLIT!r}: the GPUs do not hold the model; set quantization=nf4, or "
            "use a smaller model"
        )
    dispatch_model(model, plan)


def _device(device: str) -> torch.device:
    if device == SPLIT:
        if torch.cuda.device_count() < 2:
            raise ExperimentError(
                f"option device={SPLIT!r}: this machine has {torch.cuda.device_count()} GPUs, and "
                "a model is split over two or more; leave it out"
            )
        return torch.device("cuda", 0)
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
    """Return the facts about a loaded base model for a record."""
    return {
        "device": str(base.device),
        "dtype": str(base.dtype).removeprefix("torch."),
        **({"quantization": base.quantization} if base.quantization != "none" else {}),
        "architecture": type(base.model).__name__,
        "parameters": sum(map(_numbers, base.model.parameters())),
        "weights_bytes": sum(p.nbytes for p in base.model.parameters()),
        "base_fingerprint": base.fingerprint,
    }


def _numbers(parameter: torch.Tensor) -> int:
    # Two numbers of four bits share a byte; bitsandbytes keeps the shape.
    state = getattr(parameter, "quant_state", None)
    return parameter.numel() if state is None else math.prod(state.shape)
