"""The embedded base model `tunesmith/micro-granite`: weights, tokenizer and model card."""

from __future__ import annotations

from pathlib import Path

__all__ = ["path"]


def path() -> Path:
    """The directory of the model, in the layout that `from_pretrained` reads.

    Returns:
        A directory with `config.json`, `model.safetensors` (bfloat16) and `tokenizer.json`.
    """
    return Path(__file__).with_name("model")
