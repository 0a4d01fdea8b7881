"""The number of positions and the width of a base model, read without loading it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from transformers import AutoConfig, PretrainedConfig

from tunesmith_local.model.gguf.files import file_in


def positions_of(place: str) -> int | None:
    """Return the longest sequence that the model reads and writes, in tokens.

    None means that there is no such limit, or that the model is not on this machine.

    Args:
        place: a folder, a GGUF file or a hub id.
    """
    if (gguf := file_in(Path(place))) is not None:
        return _in_gguf(gguf, "context_length")
    config = _config(place)
    limit = getattr(config, "max_position_embeddings", None)
    return None if config is None or config.is_encoder_decoder or not limit else int(limit)


def width_of(place: str) -> int | None:
    """Return the numbers in a hidden state; None if the model is not on this machine.

    Args:
        place: as for :func:`positions_of`.
    """
    if (gguf := file_in(Path(place))) is not None:
        return _in_gguf(gguf, "embedding_length")
    width = getattr(_config(place), "hidden_size", None)
    return int(width) if width else None


def _config(place: str) -> PretrainedConfig | None:
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(
            place, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError):
        return None
    return config


def _in_gguf(file: Path, field: str) -> int | None:
    if find_spec("gguf") is None:  # loading the file raises, with a remedy
        return None
    from tunesmith_local.model.gguf.header import read_header

    return int(read_header(file).own(field, 0)) or None
