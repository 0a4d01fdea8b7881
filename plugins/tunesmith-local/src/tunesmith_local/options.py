"""Options of the local backend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tunesmith.backend import BackendOptions

Quantization = Literal["none", "int8", "nf4"]


class LocalOptions(BackendOptions):
    """Devices, number types, folders and limits."""

    device: Annotated[str, Field(json_schema_extra={"env": "TUNESMITH_DEVICE"})] = "auto"
    """``auto`` (CUDA if there is one, else CPU), a torch device such as ``cuda:1``, or ``split``:
    all GPUs, some layers on each, for a model that one does not hold."""
    devices: Annotated[int, Field(ge=1)] = 1
    """Processes of this machine that tune together, each with a GPU of its own if there are any.
    For many machines, use ``accelerate launch`` instead."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the frozen weights. ``auto`` is bfloat16 on CUDA, and on a CPU that multiplies it
    natively if the checkpoint is stored in bfloat16; else, and for embedded models, float32.
    Trained parameters and the loss are float32 always."""
    quantization: Quantization = "none"
    """``int8`` or ``nf4`` (4 bits) keeps the frozen weights smaller, through bitsandbytes."""
    models: Annotated[Path | None, Field(json_schema_extra={"env": "TUNESMITH_MODELS"})] = None
    """A directory that holds base models under their portable names, e.g.
    ``MODELS/ibm-granite/granite-4.0-350m/config.json``."""
    cache: Annotated[Path | None, Field(json_schema_extra={"env": "TUNESMITH_CACHE"})] = None
    """The folder of findings about base models, shared by processes; ``tunesmith`` in
    ``XDG_CACHE_HOME`` or ``~/.cache`` by default. It may be deleted at any time."""
    offline: bool = False
    """Never ask the Hugging Face hub; use only what is on this machine."""
    predict_batch_size: Annotated[int, Field(ge=1)] = 64
    """Rows that generate together, at most. It changes the speed, never a result."""
    prompt_cache_mb: Annotated[float, Field(ge=0)] = 512.0
    """Megabytes (2**20 bytes) for the KV caches or states of deployed prompts; the least recently
    used goes first. A prompt that is larger is read anew for each call: slower,
    with the same results. ``details`` of a deployment give the bytes of its prompt."""
    text_cache_mb: Annotated[float, Field(ge=0)] = 1024.0
    """Megabytes (2**20 bytes) for the KV caches or states of texts before a soft prompt
    (``prompt_position`` suffix), on the device of the model. Texts that do not fit are read each
    time: slower, with the same results. ``details`` of a tuned model give their number."""
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 1.0
    """Least time between two checkpoints of a tuning; 0 saves after every optimizer step."""
