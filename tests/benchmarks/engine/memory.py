"""Peak memory of one optimizer step, above the loaded model, in a separate process for each side.

    python -m tests.benchmarks.engine.memory peer|ours SHAPE VIRTUAL_TOKENS SEED

prints bytes. On a GPU it is the allocator's peak. On a CPU it is the resident set's: read from
Linux, which lets a process reset its peak after loading (``getrusage`` would count the loading
and, after a fork, the parent).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROWS = 32
"""Four of the peer's batches, and the most rows that the engine reads at once."""


def measure(side: str, shape: str, tokens: int, seed: int) -> int:
    """Return the bytes of one side, measured in a fresh process."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.engine.memory"]
    arguments = [side, shape, str(tokens), str(seed)]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return int(done.stdout.split()[-1])


def main(side: str, name: str, tokens: int, seed: int) -> int:
    """Load, do one step and return its peak."""
    from tunesmith_local.engine.self_check import checked
    from tunesmith_local.model.weight_prepacking import prepacked

    from . import machine, ours, peer, shapes, tutorial_rows

    shape = shapes.SHAPES[name]
    stock = shapes.build_stock(shape, machine.device(), seed)
    base = shapes.unchecked(shape, stock)
    rows = shapes.examples(base, tutorial_rows.TRAIN, seed, ROWS)
    if side == "peer":
        tuned = peer.prompt_tuned(stock, tokens)
        optimizer = peer.optimizer_of(tuned)
        before = _resident()
        peer.one_step(tuned, optimizer, rows)
    else:
        tunable = ours.prompt_tuned(prepacked(checked(base)), tokens, seed)
        before = _resident()
        ours.one_step(tunable, rows)
    return _peak() - before


def _resident() -> int:
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    import torch

    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else _status("VmHWM")


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
