"""Whether ``accelerate launch`` or ``torchrun`` started this process, and its part in that."""

from __future__ import annotations

import os

import torch


def launched() -> int:
    """Return how many processes were launched together; 1 if this one was not."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def follows() -> bool:
    """Return whether this process was launched to follow rank 0."""
    return launched() > 1 and int(os.environ.get("RANK", "0")) > 0


def own_device(device: str) -> str:
    """Return ``device`` for this process: ``auto`` is a GPU of its own, if there are any."""
    if device == "auto" and launched() > 1 and torch.cuda.is_available():
        return f"cuda:{int(os.environ.get('LOCAL_RANK', '0'))}"
    return device
