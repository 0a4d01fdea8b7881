"""Clock, matrix rate and needed work."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from tunesmith_local.model.loading import BaseLM

_SIDE = 2048
_TRIES = 8


def device() -> torch.device:
    """Return the GPU if there is one, otherwise the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of ``work``, including its work on a GPU."""
    _synchronize()
    started = time.perf_counter()
    work()
    _synchronize()
    return time.perf_counter() - started


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def matrix_rate(dtype: torch.dtype) -> float:
    """Return the FLOP per second of a large matrix product, the best of several."""
    left, right = (torch.randn(_SIDE, _SIDE, device=device()).to(dtype) for _ in range(2))
    best = min(seconds(lambda: left @ right) for _ in range(_TRIES))
    return 2 * _SIDE**3 / best


def needed_flops(base: BaseLM, tokens: int, scored: int, *, backward: bool) -> float:
    """Return the least FLOPs of the frozen weights.

    Two FLOP for each parameter and token forward and two backward (no weight has a gradient),
    the vocabulary head for ``scored`` tokens only. The products inside attention are not counted.
    """
    head = base.embeddings.weight.numel()
    body = sum(p.numel() for p in base.model.parameters()) - head
    return (4.0 if backward else 2.0) * (body * tokens + head * scored)
