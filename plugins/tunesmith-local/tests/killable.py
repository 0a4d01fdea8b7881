"""A training in a separate process, for the test that kills it.

Usage: killable.py CHECKPOINTS RESULT POSITION
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).parent))

from local_models import build, start
from test_training import PLAN, but, examples, prompt_of

from tunesmith_local.training.checkpoint import CheckpointStore
from tunesmith_local.training.training import Training, TrainingResult


def train(
    checkpoints: CheckpointStore | None, position: str
) -> tuple[TrainingResult, torch.Tensor]:
    """Run the training that the test compares."""
    torch.set_num_threads(1)
    base = build("granite")
    rows = examples(base)
    plan = but(PLAN, num_epochs=10, prompt_position=position)
    tunable = start(base, plan, 1)
    training = Training(
        tunable,
        rows,
        plan,
        validation=rows[:4],
        checkpoints=checkpoints,
        on_event=lambda event: print(event.kind, event.step, flush=True),
    )
    return training.run(), prompt_of(tunable).detach()


if __name__ == "__main__":
    directory, target, position = sys.argv[1:]
    result, prompt = train(CheckpointStore(Path(directory), "same"), position)
    save_file({"prompt": prompt}, target)
    Path(f"{target}.json").write_text(result.curve.model_dump_json())
