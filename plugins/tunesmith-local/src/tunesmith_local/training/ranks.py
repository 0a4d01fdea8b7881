"""Ranks, the processes that tune together: each reads a part of the rows, and they add up.

The gradient of a step is a sum over its rows, so it does not matter which process reads a row. All
processes start alike, add up their gradients and take the same optimizer step. Nothing else is
exchanged, and only the first process (rank 0) writes.

The sums go through gloo, on the CPU, also for models on GPUs: a soft prompt has some kilobytes, and
a gradient is exchanged once a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist

from tunesmith.errors import TuningError

T = TypeVar("T")


PATIENCE = timedelta(days=7)
"""How long a process waits for the next job. That another one ended is noticed at once."""


class RankError(TuningError):
    """Another process of a tuning has ended."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The place of this process among those that tune together; by default it is alone."""

    rank: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes events, checkpoints and the result."""
        return self.rank == 0

    def mine(self, items: Sequence[T]) -> Sequence[T]:
        """Return the part of ``items`` that this process works on."""
        return items[self.rank :: self.count]

    def add(self, *tensors: torch.Tensor) -> None:
        """Replace each tensor by its sum over all processes, the same bits in each of them.

        Raises:
            RankError: another process ended.
        """
        if self.count == 1:
            return
        flat = torch.cat([tensor.detach().reshape(-1).cpu() for tensor in tensors])
        with _together():
            dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        with torch.no_grad():
            for tensor, part in zip(tensors, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def any(self, here: bool) -> bool:
        """Return whether ``here`` is true in any process; see :meth:`add`."""
        votes = torch.tensor([float(here)])
        self.add(votes)
        return bool(votes.item())

    def same(self, tensor: torch.Tensor) -> None:
        """Replace ``tensor`` by that of rank 0; see :meth:`add`."""
        if self.count == 1:
            return
        sent = tensor.detach().cpu().contiguous()
        with _together():
            dist.broadcast(sent, 0)
        tensor.copy_(sent)

    def told(self, message: bytes = b"") -> bytes:
        """Return the message of rank 0. The others wait for it; see :meth:`add`."""
        size = torch.tensor([len(message)])
        self.same(size)
        content = torch.zeros(int(size.item()), dtype=torch.uint8)
        if self.writes and message:
            content = torch.frombuffer(bytearray(message), dtype=torch.uint8)
        if len(content):
            self.same(content)
        return content.numpy().tobytes()


ALONE = Ranks()


def joined() -> Ranks:
    """Join the processes that were launched with this one."""
    if not dist.is_initialized():
        dist.init_process_group("gloo", timeout=PATIENCE)
    return Ranks(dist.get_rank(), dist.get_world_size())


@contextmanager
def _together() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # gloo's, if a connection is closed
        raise RankError(
            "one of the processes that tune together has ended, and what it printed says why; the "
            "tuning goes on from its last checkpoint if it is resumed"
        ) from error
