"""The gain of each optimization on top of the previous ones, in tuning and classification.

    python -m tests.benchmarks.engine.steps [--shape 352M] [--plot docs/images/engine-steps.svg]

Prints a table and writes ``build/steps.json``; asserts nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch

from tunesmith_local.engine.batching import by_length, padding_worth_a_pass, worth_a_pass
from tunesmith_local.engine.prefix import prefix_of
from tunesmith_local.engine.prompt_reuse import reading
from tunesmith_local.engine.scoring import Example, row_losses
from tunesmith_local.engine.shared_prefix import distinct_tokens
from tunesmith_local.model.attention import fused_attention
from tunesmith_local.model.loading import BaseLM
from tunesmith_local.model.weight_prepacking import PrepackedLinear

from . import machine, ours, peer, shapes, tutorial_rows

ROOT = Path(__file__).parents[3]
Losses = Callable[[Sequence[Example]], torch.Tensor]
PLAIN = "plain PEFT"
NEVER = 10**9
"""Tokens that a further pass must save, if batches are to be full."""
_PACKED = {"grouped": True, "cut": True, "packed": True}
_PREPACKED = {**_PACKED, "prepacked": True}
TUNING = {
    "logits only at labels, length buckets": {"prefix": False, "per_step": False},
    "prompt read once a batch": {"per_step": False},
    "prompt read once an optimizer step": {},
    "grouped attention": {"grouped": True},
    "batches cut for the least padding": {"grouped": True, "cut": True},
    "packed sequences, last layer for scored tokens": _PACKED,
    "shared prefixes once, longer passes": {**_PACKED, "shared": True},
}
CLASSIFYING = {
    "prompt cached, labels scored": {},
    "grouped attention": {"grouped": True},
    "common prefix once, least padding": {"grouped": True, "cut": True},
    "packed sequences, labels in the same pass": _PACKED,
    "prepacked weights": _PREPACKED,
    "shared prefixes once": {**_PREPACKED, "shared": True},
}
_PEER_ROWS = 16
"""Rows on which the peer's classification is timed; the time is scaled to all rows."""


def main() -> None:
    """Measure both lengths of the prompt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=shapes.SHAPES, default="352M")
    parser.add_argument("--tokens", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    stock, base = shapes.build(shapes.SHAPES[asked.shape], machine.device(), 0)
    found = {}
    for tokens in asked.tokens:
        found[f"tuning, {tokens} virtual tokens"] = _tuning(stock, base, tokens)
        found[f"classification, {tokens} virtual tokens"] = _classifying(stock, base, tokens)
    output = ROOT / "build" / "steps.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.plot:
        _plot(found, asked.shape, asked.plot)


def _tuning(stock: torch.nn.Module, base: BaseLM, tokens: int) -> dict[str, float]:
    rows = shapes.examples(base, tutorial_rows.TRAIN, 0, shapes.STEP_ROWS)
    tuned = peer.prompt_tuned(stock, tokens)
    optimizer = peer.optimizer_of(tuned)
    prompt = torch.nn.Parameter(shapes.soft_prompt(base, tokens, 0))
    found = {PLAIN: machine.seconds(lambda: peer.one_step(tuned, optimizer, rows))}
    for name, settings in TUNING.items():
        found[name] = machine.seconds(lambda s=settings: _step(base, prompt, rows, **s))
    return _printed("tune", tokens, found)


def _classifying(stock: torch.nn.Module, base: BaseLM, tokens: int) -> dict[str, float]:
    rows = shapes.examples(base, tutorial_rows.TEST, 0)
    tuned = peer.prompt_tuned(stock, tokens).eval()
    theirs = machine.seconds(lambda: peer.generate(tuned, rows[:_PEER_ROWS]))
    found = {PLAIN: theirs * len(rows) / _PEER_ROWS}
    prompt = shapes.soft_prompt(base, tokens, 0)
    for name, settings in CLASSIFYING.items():
        found[name] = machine.seconds(lambda s=settings: _classify(base, prompt, rows, **s))
    return _printed("classify", tokens, found)


def _printed(task: str, tokens: int, found: dict[str, float]) -> dict[str, float]:
    for name, seconds in found.items():
        ratio = found[PLAIN] / seconds
        print(f"{task:8} {tokens:4} {name:40} {seconds:7.2f} s {ratio:6.2f} x", flush=True)
    return found


def _step(
    base: BaseLM,
    prompt: torch.nn.Parameter,
    rows: Sequence[Example],
    *,
    prefix: bool = True,
    per_step: bool = True,
    grouped: bool = False,
    cut: bool = False,
    packed: bool = False,
    shared: bool = False,
) -> None:
    shares = prefix and base.prefix_exact
    base = replace(base, prefix_exact=shares, packing_exact=packed)
    read = reading(base, prompt) if per_step else _each_time(base, prompt)
    size = peer.BATCH_SIZE * (4 if shared else 2 if cut else 1)
    a_pass = padding_worth_a_pass(base, training=True) if cut else NEVER
    with _attention(base, grouped), _repeated(shared), read as losses:
        for batch in by_length([row.length for row in rows], size, a_pass):
            torch.autograd.backward(losses([rows[i] for i in batch]).sum() / len(rows))
    prompt.grad = None


def _classify(
    base: BaseLM,
    prompt: torch.Tensor,
    rows: Sequence[Example],
    *,
    grouped: bool = False,
    cut: bool = False,
    packed: bool = False,
    prepacked: bool = False,
    shared: bool = False,
) -> None:
    base = replace(base, packing_exact=packed)
    labels = sorted({row.answer for row in rows})
    a_pass, worth = (
        (worth_a_pass(base.device), padding_worth_a_pass(base)) if cut else (NEVER, NEVER)
    )
    with (
        _attention(base, grouped),
        _plain_weights(prepacked),
        _repeated(shared),
        mock.patch("tunesmith_local.engine.mixing.worth_a_pass", return_value=a_pass),
        mock.patch("tunesmith_local.engine.mixing.padding_worth_a_pass", return_value=worth),
    ):
        ours.classify(base, prefix_of(base, prompt), rows, labels)


def _repeated(shared: bool) -> AbstractContextManager[object]:
    every = mock.patch(
        "tunesmith_local.engine.forward_pass.distinct_tokens",
        lambda real, _: distinct_tokens(real, None),
    )
    return nullcontext() if shared else every


def _plain_weights(prepacked: bool) -> AbstractContextManager[object]:
    plain = mock.patch.object(PrepackedLinear, "forward", torch.nn.Linear.forward)
    return nullcontext() if prepacked else plain


@contextmanager
def _each_time(base: BaseLM, prompt: torch.nn.Parameter) -> Iterator[Losses]:
    yield lambda rows: row_losses(base, prompt, rows)


@contextmanager
def _attention(base: BaseLM, grouped: bool) -> Iterator[None]:
    if grouped:
        yield
        return
    with fused_attention(base.model):
        yield


def _plot(found: dict[str, dict[str, float]], shape: str, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.6 * len(found)), layout="constrained")
    panels = figure.subplots(len(found), squeeze=False)[:, 0]
    for axes, (title, seconds) in zip(panels, found.items(), strict=True):
        names = list(seconds)[::-1]
        ratios = [seconds[PLAIN] / seconds[name] for name in names]
        bars = axes.barh(names, ratios, color=["#2a78d6"] * (len(names) - 1) + ["#8a8a8a"])
        axes.bar_label(bars, labels=[f"{ratio:.1f} x" for ratio in ratios], padding=4)
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_xlim(0, max(ratios) * 1.1)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel(f"times as fast as plain PEFT, {shape} shape")
    figure.savefig(path)


if __name__ == "__main__":
    main()
