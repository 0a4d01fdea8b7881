"""The measurements; each returns one row of ``bench.json``."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel

from tunesmith_local.engine.prefix import Prefix, prefix_of
from tunesmith_local.engine.scoring import Example
from tunesmith_local.model.loading import BaseLM

from . import machine, memory, ours, peer, shapes, tutorial_rows
from .shapes import Shape

Row = dict[str, Any]
DEPLOYMENTS = 64
_SAMPLE = 16
"""Rows on which the peer is timed if all rows would take minutes; the time is scaled to all."""
_CLASSIFICATIONS = 4
"""Number of classifications of all rows. Between them, the peer is timed as often, on eight of its
batches."""


@dataclass(frozen=True)
class Bench:
    """A shape, loaded."""

    shape: Shape
    stock: PreTrainedModel
    base: BaseLM
    rate: float
    """FLOP per second of a matrix product in the shape's type."""
    seed: int
    epochs: int = 0
    """Whole epochs to tune; 0 is a few optimizer steps."""
    rounds: int = 1

    @property
    def is_large(self) -> bool:
        """Whether the peer needs minutes for the same work."""
        return self.shape.name == "352M" and self.base.device.type == "cpu"

    def row(self, task: str, tokens: int, peer_value: float, our_value: float) -> Row:
        """Return the keys of every timed row."""
        return {
            "task": task, "shape": self.shape.name, "virtual_tokens": tokens,
            "dtype": str(self.shape.dtype).removeprefix("torch."), "peer": "peft",
            "peer_seconds": peer_value, "our_seconds": our_value,
            "ratio": peer_value / our_value, "device": _device_name(),
            "short_cuts": [name for name in ("padding", "prefix", "state")
                           if getattr(self.base, f"{name}_exact")],
        }  # fmt: skip


def load(shape: Shape, seed: int, *, epochs: int, rounds: int) -> Bench:
    """Build a shape and measure the machine in its type."""
    stock, base = shapes.build(shape, machine.device(), seed)
    return Bench(shape, stock, base, machine.matrix_rate(shape.dtype), seed, epochs, rounds)


def tune(bench: Bench, tokens: int) -> Row:
    """Optimizer steps over the same rows, the two sides in turn."""
    tuned = peer.prompt_tuned(bench.stock, tokens)
    optimizer = peer.optimizer_of(tuned)
    tunable = ours.prompt_tuned(bench.base, tokens, bench.seed)
    peer.one_step(tuned, optimizer, _few(bench))  # a first step allocates and compiles
    ours.one_step(tunable, _few(bench))
    steps = _steps(bench)
    theirs, mine = _in_turn(
        [lambda rows=rows: peer.one_step(tuned, optimizer, rows) for rows in steps],
        [lambda rows=rows: ours.one_step(tunable, rows) for rows in steps],
        sum if bench.epochs else statistics.median,
    )
    row = bench.row("tune", tokens, theirs, mine)
    counted = steps if bench.epochs else steps[:1]
    read = [[(*e.prompt, *e.answer[:-1]) for e in rows] for rows in counted]
    scored = sum(len(e.answer) for rows in counted for e in rows)
    work = f"{bench.epochs} epochs" if bench.epochs else f"step of {len(steps[0])} rows"
    text = sum(len(ids) for rows in read for ids in rows)
    prompts = tokens * len(read)
    distinct = prompts + sum(map(shapes.distinct, read))
    counts = _Counts(text, prompts + text, distinct, scored)
    return _with_rate(bench, row, work, counts, backward=True)


def classify(bench: Bench, tokens: int) -> Row:
    """Two labels for the tutorial's test rows: label scores against two generated tokens."""
    rows = shapes.examples(bench.base, tutorial_rows.TEST, bench.seed)
    labels = sorted({row.answer for row in rows})
    prefix = _deployed(bench, tokens, rows, 0)
    tuned = peer.prompt_tuned(bench.stock, tokens).eval()
    peer.generate(tuned, rows[:2])  # a first call allocates memory and prepacks weights
    ours.classify(bench.base, prefix, rows[:2], labels)
    asked = [rows[n * _SAMPLE : (n + 1) * _SAMPLE] for n in range(_CLASSIFICATIONS)]
    theirs, mine = _in_turn(
        [lambda some=some: peer.generate(tuned, some) for some in asked],
        [lambda: ours.classify(bench.base, prefix, rows, labels)] * len(asked),
    )
    row = bench.row("classify", tokens, theirs * len(rows) / _SAMPLE, mine)
    row |= {"peer_rows": _SAMPLE * len(asked)}
    text = sum(len(one.prompt) for one in rows)
    forked = [(*one.prompt, *label[:-1]) for one in rows for label in labels]
    scored = len(rows) * (1 + sum(len(label) - 1 for label in labels))
    counts = _Counts(text, text + scored - len(rows), shapes.distinct(forked), scored)
    return _with_rate(bench, row, f"{len(rows)} rows", counts, backward=False)


def mixed(bench: Bench, tokens: int) -> Row:
    """One row for each of 64 deployments, as long as the tutorial's training rows."""
    return _mixed(bench, tokens, tutorial_rows.TRAIN, "training")


def mixed_long(bench: Bench, tokens: int) -> Row:
    """The same with rows as long as the test rows, which contain an instruction."""
    return _mixed(bench, tokens, tutorial_rows.TEST, "test")


def _mixed(bench: Bench, tokens: int, lengths: Sequence[tuple[int, int]], like: str) -> Row:
    rows = shapes.examples(bench.base, lengths, bench.seed, DEPLOYMENTS)
    prefixes = [_deployed(bench, tokens, rows, number) for number in range(DEPLOYMENTS)]
    asked = rows[:_SAMPLE] if bench.is_large else rows
    tuned = peer.prompt_tuned(bench.stock, tokens, adapters=len(asked)).eval()
    peer.generate_switching(tuned, asked[:2])
    ours.generate(bench.base, prefixes[:2], rows[:2])
    theirs = machine.seconds(lambda: peer.generate_switching(tuned, asked))
    mine = machine.seconds(lambda: ours.generate(bench.base, prefixes, rows))
    row = bench.row("mixed", tokens, theirs * len(rows) / len(asked), mine)
    text = sum(len(one.prompt) for one in rows)
    row |= {"peer_rows": len(asked)}
    work = f"{DEPLOYMENTS} deployments, {like} rows"
    read = text + len(rows) - tutorial_rows.OPENING * len(rows)
    return _with_rate(bench, row, work, _Counts(text, read, read, 2 * len(rows)), backward=False)


def peak_memory(bench: Bench, tokens: int) -> Row:
    """Bytes of one optimizer step above the loaded model; the smaller the ratio the better."""
    theirs, mine = (
        memory.measure(side, bench.shape.name, tokens, bench.seed) for side in ("peer", "ours")
    )
    row = bench.row("memory", tokens, 1.0, 1.0)
    row |= {"peer_seconds": None, "our_seconds": None, "ratio": mine / theirs}
    work = f"step of {memory.ROWS} rows"
    return row | {"peer_bytes": theirs, "our_bytes": mine, "work": work}


TASKS: dict[str, Callable[[Bench, int], Row]] = {
    "tune": tune,
    "classify": classify,
    "mixed": mixed,
    "mixed-long": mixed_long,
    "memory": peak_memory,
}


def _in_turn(
    theirs: Sequence[Callable[[], object]],
    mine: Sequence[Callable[[], object]],
    fold: Callable[[Sequence[float]], float] = statistics.median,
) -> tuple[float, float]:
    """Return the seconds of each side, combined by ``fold``."""
    times = [tuple(map(machine.seconds, works)) for works in zip(theirs, mine, strict=True)]
    their_times, my_times = zip(*times, strict=True)
    return fold(their_times), fold(my_times)


def _deployed(bench: Bench, tokens: int, rows: Sequence[Example], number: int) -> Prefix:
    """Return the cached state of a soft prompt and the prefix ids behind it, as in a deployment."""
    weights = shapes.soft_prompt(bench.base, tokens, bench.seed + number)
    return prefix_of(bench.base, weights, rows[0].prompt[: tutorial_rows.OPENING])


def _few(bench: Bench) -> list[Example]:
    return shapes.examples(bench.base, tutorial_rows.TRAIN, bench.seed, 2)


def _steps(bench: Bench) -> list[list[Example]]:
    size = shapes.STEP_ROWS
    if not bench.epochs:
        rows = shapes.examples(bench.base, tutorial_rows.TRAIN, bench.seed, size)
        return [rows] * bench.rounds
    rows = shapes.examples(bench.base, tutorial_rows.TRAIN, bench.seed)
    return [rows[i : i + size] for i in range(0, len(rows), size)] * bench.epochs


@dataclass(frozen=True)
class _Counts:
    """Tokens of a row of the table."""

    text: int
    read: int
    """Tokens including those of the labels, and of the prompt if it is computed."""
    distinct: int
    """The same, but tokens behind the same tokens count once."""
    scored: int


def _with_rate(bench: Bench, row: Row, work: str, counts: _Counts, *, backward: bool) -> Row:
    shares = [
        machine.needed_flops(bench.base, tokens, counts.scored, backward=backward)
        / bench.rate
        / row["our_seconds"]
        for tokens in (counts.read, counts.distinct)
    ]
    row["work"] = work
    row["tokens_per_second"] = counts.text / row["our_seconds"]
    row["matrix_flops"] = bench.rate
    row["matrix_share"], row["distinct_share"] = shares
    return row


def _device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
