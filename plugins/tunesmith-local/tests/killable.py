"""A training in a process of its own, for the test that kills it.

Usage: killable.py CHECKPOINTS RESULT
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).parent))

from local_models import build
from test_training import PLAN, examples, start

from tunesmith_local.checkpoint import CheckpointStore
from tunesmith_local.training import Training, TrainingResult


def train(checkpoints: CheckpointStore | None) -> TrainingResult:
    """Run the training that the test compares."""
    torch.set_num_threads(1)
    base = build("granite")
    rows = examples(base)
    plan = replace(PLAN, num_epochs=10)
    training = Training(
        base,
        start(base),
        rows,
        plan,
        validation=rows[:4],
        checkpoints=checkpoints,
        on_event=lambda event: print(event.kind, event.step, flush=True),
    )
    return training.run()


if __name__ == "__main__":
    directory, target = sys.argv[1:]
    result = train(CheckpointStore(Path(directory), "same"))
    save_file({"prompt": result.prompt}, target)
    Path(f"{target}.json").write_text(result.curve.model_dump_json())
