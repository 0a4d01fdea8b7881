"""The peer's side: plain PEFT, used as in its documentation, without the engine."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from peft import PromptTuningConfig, TaskType, get_peft_model
from transformers import PreTrainedModel

from tunesmith_local.engine.scoring import Example

BATCH_SIZE = 8
_PAD, _IGNORED = 0, -100
# PEFT 0.21 asks transformers 5.23 for an attribute under its old name.
warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
warnings.filterwarnings("ignore", "Position ids are not supported")


def prompt_tuned(model: PreTrainedModel, tokens: int, adapters: int = 1) -> Any:
    """Return the model with ``adapters`` random soft prompts, named ``0``, ``1`` and so on."""
    config = PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=tokens)
    tuned = get_peft_model(model, config, adapter_name="0")
    for number in range(1, adapters):
        tuned.add_adapter(str(number), config)
    return tuned


def optimizer_of(tuned: Any) -> torch.optim.Optimizer:
    """Return AdamW over the soft prompt."""
    return torch.optim.AdamW([p for p in tuned.parameters() if p.requires_grad], lr=1e-3)


def batches(rows: Sequence[Example]) -> Iterator[Sequence[Example]]:
    """Yield the rows as they come, eight at a time."""
    for start in range(0, len(rows), BATCH_SIZE):
        yield rows[start : start + BATCH_SIZE]


def one_step(tuned: Any, optimizer: torch.optim.Optimizer, rows: Sequence[Example]) -> None:
    """Do one optimizer step over ``rows``."""
    count = -(-len(rows) // BATCH_SIZE)
    for batch in batches(rows):
        (tuned(**_with_labels(batch, tuned.device)).loss / count).backward()
    optimizer.step()
    optimizer.zero_grad()


@torch.no_grad()
def generate(tuned: Any, rows: Sequence[Example]) -> None:
    """Generate two tokens for each row, eight rows at a time."""
    for batch in batches(rows):
        fields = _padded([row.prompt for row in batch], tuned.device)
        tuned.generate(**fields, max_new_tokens=2, min_new_tokens=2, do_sample=False)


@torch.no_grad()
def generate_switching(tuned: Any, rows: Sequence[Example]) -> None:
    """Generate two tokens for each row, each with the adapter of its own number."""
    for number, row in enumerate(rows):
        tuned.set_adapter(str(number))
        generate(tuned, [row])


def _with_labels(rows: Sequence[Example], device: torch.device) -> dict[str, torch.Tensor]:
    fields = _padded([row.prompt + row.answer for row in rows], device)
    labels = torch.full_like(fields["input_ids"], _IGNORED)
    for line, row in zip(labels, rows, strict=True):
        line[-len(row.answer) :] = torch.tensor(row.answer)
    return {**fields, "labels": labels}


def _padded(rows: Sequence[Sequence[int]], device: torch.device) -> dict[str, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([[_PAD] * (width - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
