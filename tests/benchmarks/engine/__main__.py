"""Compares the engine with plain PEFT on this machine. Run by ``make bench``.

    python -m tests.benchmarks.engine [--quick] [--shape 88M] [--task tune] [--epochs 1]

Prints a table and writes ``build/bench.json``; asserts nothing. The share of the matrix rate is
computed from the FLOPs that the real tokens of all rows need. In brackets, tokens behind the same
tokens count once, as the engine computes them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .shapes import SHAPES
from .tasks import TASKS, load

ROOT = Path(__file__).parents[3]
VIRTUAL_TOKENS = (20, 100)
_ONE_ROW = ("mixed-long", "memory")
"""Tasks measured only with the longer prompt, and with the largest shape unless another is named.
Otherwise the benchmark would take more than 15 minutes."""
_ROUNDS = {"352M": 1, "88M": 1, "micro": 5}
"""Optimizer steps of which the median is taken; one is eight of the peer's batches."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the tasks that the arguments name."""
    asked = _parser().parse_args(arguments)
    if asked.quick:
        asked.shape = ["micro"]
    rows = []
    for name in asked.shape or SHAPES:
        rounds = 1 if asked.quick else _ROUNDS[name]
        bench = load(SHAPES[name], asked.seed, epochs=asked.epochs, rounds=rounds)
        tasks = [task for task in TASKS if name == "352M" or task not in _ONE_ROW]
        for task in asked.task or tasks:
            for tokens in VIRTUAL_TOKENS:
                if task not in _ONE_ROW or tokens == max(VIRTUAL_TOKENS):
                    rows.append(_measured(task, bench, tokens))
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    Console(width=120).print(_table(rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", action="append", choices=SHAPES, help="repeatable")
    parser.add_argument("--task", action="append", choices=TASKS, help="repeatable")
    parser.add_argument("--epochs", type=int, default=0, help="tune whole epochs, not one step")
    parser.add_argument("--quick", action="store_true", help="the embedded model alone, once")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench.json")
    return parser


def _measured(task: str, bench: Any, tokens: int) -> dict[str, Any]:
    started = time.perf_counter()
    print(f"{bench.shape.name} {task} {tokens} virtual tokens ...", file=sys.stderr, flush=True)
    row = TASKS[task](bench, tokens)
    took = time.perf_counter() - started
    print(f"  {row['ratio']:.2f} x, {took:.0f} s", file=sys.stderr, flush=True)
    return row


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(
        title="The engine against plain PEFT",
        caption="tokens: virtual; memory: ours to PEFT's; rate: share of the matrix rate for all "
        "tokens (for distinct ones)",
    )
    for column in ("shape", "task", "tokens", "dtype", "work"):
        table.add_column(column)
    for column in ("peer", "ours", "ratio", "tokens/s", "rate"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row["shape"], row["task"], str(row["virtual_tokens"]), row["dtype"], row["work"],
            *_amounts(row), f"{row['ratio']:.2f} x", *_rates(row),
        )  # fmt: skip
    return table


def _amounts(row: dict[str, Any]) -> tuple[str, str]:
    if row["task"] == "memory":
        return f"{row['peer_bytes'] / 2**20:.0f} MiB", f"{row['our_bytes'] / 2**20:.0f} MiB"
    return f"{row['peer_seconds']:.2f} s", f"{row['our_seconds']:.2f} s"


def _rates(row: dict[str, Any]) -> tuple[str, str]:
    if "matrix_share" not in row:
        return "", ""
    shares = f"{row['matrix_share']:.0%} ({row['distinct_share']:.0%})"
    return f"{row['tokens_per_second']:.0f}", shares


if __name__ == "__main__":
    main()
