"""The embedded base models: weights, tokenizers and model cards of both generations."""

from __future__ import annotations

from pathlib import Path

__all__ = ["path", "path_2"]

HERE = Path(__file__).parent


def path() -> Path:
    """The directory of `tunesmith/micro-granite`, in the layout that `from_pretrained` reads.

    Returns:
        A directory with `config.json`, `model.safetensors` (bfloat16) and `tokenizer.json`.
    """
    return HERE / "model"


def path_2() -> Path:
    """The directory of `tunesmith/micro-granite-2`, in the same layout."""
    return HERE / "model_2"
