"""Frozen weights in 8 and 4 bits against the plain ones, with SmolLM2 on SST-2.

    python -m tests.benchmarks.quantization [--rows 300] [--judges 300] [--build DIR]

Prints what the self-check finds, the bytes of the weights, the time of one tuning, and the share of
training rows that were kept aside and are decided right: by the untuned model, by the tuned one,
and by its prompt on the plain weights.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from tunesmith import connect
from tunesmith.backend import Backend, Target
from tunesmith.records import Deployment, decided
from tunesmith.spec import TuningSpec
from tunesmith_local.catalog import Catalog
from tunesmith_local.engine.self_check import FLAGS
from tunesmith_local.model.loading import model_summary
from tunesmith_local.options import LocalOptions, Quantization

from .auto_settings import Task, task_of
from .proof.__main__ import ROOT
from .proof.sizes import MODEL

KINDS: tuple[Quantization, ...] = ("none", "int8", "nf4")
METHOD = {
    "name": "prompt_tuning",
    "num_virtual_tokens": 20,
    "init_method": "sample_vocab",
    "learning_rate": 0.3,
    "num_epochs": 4,
    "batch_size": 16,
    "accumulate_steps": 1,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--judges", type=int, default=300)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    asked = parser.parse_args()
    folder = asked.build / "quantization"
    task = task_of("sst2", folder / "data")
    print("| weights | short cuts | MB | seconds | untuned | tuned | its prompt on plain weights |")
    print("|---|---|---|---|---|---|---|")
    for kind in KINDS:
        print(_line(kind, task, folder / kind, asked.rows, asked.judges), flush=True)


def _line(kind: Quantization, task: Task, store: Path, rows: int, judges: int) -> str:
    base = Catalog(LocalOptions(quantization=kind)).load(MODEL)
    cuts = ", ".join(flag.removesuffix("_exact") for flag in FLAGS if getattr(base, flag)) or "none"
    megabytes = model_summary(base)["weights_bytes"] / 2**20
    with connect("local", store=store, quantization=kind) as backend:
        untuned = _right(backend, MODEL, task, judges)
        begun = time.monotonic()
        model = backend.tuner.tune(_spec(task), task.train.rows[:rows], task.validation.rows)
        seconds = time.monotonic() - begun
        deployment = backend.deployer.deploy(model, kind)
        tuned = _right(backend, deployment, task, judges)
    with connect("local", store=store) as backend:
        plain = _right(backend, deployment, task, judges)
    return (
        f"| {kind} | {cuts} | {megabytes:.0f} | {seconds:.0f} | {untuned:.3f} | {tuned:.3f} | "
        f"{plain:.3f} |"
    )


def _spec(task: Task) -> TuningSpec:
    method = {**METHOD, "verbalizer": task.template}
    values: dict[str, Any] = {"base_model": MODEL, "labels": task.labels, "method": method}
    return TuningSpec.from_values({"name": "quantization", **values})


def _right(backend: Backend, target: Target, task: Task, judges: int) -> float:
    judged = task.judges[:judges]
    texts = [row.input for row in judged]
    if not isinstance(target, Deployment):
        texts = [task.template.replace("{{input}}", text) for text in texts]
    found = backend.predictor.classify(target, texts, list(task.labels))
    pairs = zip(found, judged, strict=True)
    return sum(decided(one.probabilities) == row.output for one, row in pairs) / len(judged)


if __name__ == "__main__":
    main()
