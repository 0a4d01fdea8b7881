"""Writes a first experiment file for somebody's data."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.dataset import HUB, Dataset
from tunesmith.errors import DatasetError

MAX_LABELS = 50
"""More distinct outputs than this are text, not labels."""

_TEMPLATE = """\
# A tunesmith experiment. Every key can be changed for one run: --set method.num_epochs=5
name: {name}

# The portable name of a base model; "tunesmith models" lists what is known here.
base_model: tunesmith/micro-granite

data:
  train: {train}
{test}
  # A fraction of the training rows, held out to watch the tuning; or a file.
  validation: 0.15
{fields}
# What counts as an answer. A label may have several forms: "1": ["1", "yes"]
labels: {labels}

method:
  name: prompt_tuning
  num_virtual_tokens: 100
  # The text whose embeddings start the soft prompt. Say what the task is.
  init_method: text
  init_text: {init_text}
  # Measured on the embedded model. watsonx.ai's defaults are 20 epochs and 0.3.
  num_epochs: 10
  learning_rate: 0.001
  batch_size: 16
  # Batches for one optimizer step. watsonx.ai's default is 16; few rows need more steps.
  accumulate_steps: 1
  # Stop when the validation loss no longer falls, and keep the best soft prompt.
  early_stopping_patience: 2
  # The template around each input, when tuning and when asking the tuned model:
  # verbalizer: "{{{{input}}}}"

# How the tuned and the base model generate alike; these are watsonx.ai's defaults.
# generation:
#   decoding_method: greedy
#   max_new_tokens: 20

# Drives splits, examples and, where the backend honors it, the tuning.
seed: 0
"""

_NO_TEST = """\
  # A run needs rows that the model never saw. Give a file of its own:
  # test: test.json"""


@dataclass(frozen=True, slots=True)
class Draft:
    """What goes into the file. Paths are relative to the working directory."""

    train: str
    test: str | None
    target: Path
    input_field: str
    output_field: str


def find_labels(data: Dataset) -> list[str]:
    """Return the distinct outputs, numbers in their order, else alphabetically.

    Raises:
        DatasetError: there are fewer than two, or so many that they cannot be labels.
    """
    found = sorted({str(row.output) for row in data.rows})
    if len(found) < 2:
        raise DatasetError(
            f"{data.source}: all rows have the output {found[0]!r}; "
            "a classifier needs rows of another label too"
        )
    if len(found) > MAX_LABELS:
        raise DatasetError(
            f"{data.source}: {len(found)} distinct outputs, such as {found[0]!r:.60}; these are "
            "texts, not labels. Name the column of the label with --output-field"
        )
    return sorted(found, key=int) if all(label.isdecimal() for label in found) else found


def starting_text(labels: Sequence[str]) -> str:
    """Return the text that the soft prompt starts from."""
    return f"Classify the text. Answer with {', '.join(labels[:-1])} or {labels[-1]}."


def experiment_text(draft: Draft, labels: Sequence[str]) -> str:
    """Return the experiment file as YAML with comments."""
    return _TEMPLATE.format(
        name=json.dumps(draft.target.stem),
        train=_path(draft.train, draft),
        test=_NO_TEST if draft.test is None else f"  test: {_path(draft.test, draft)}",
        fields=_fields(draft),
        labels=json.dumps(list(labels), ensure_ascii=False),
        init_text=json.dumps(starting_text(labels), ensure_ascii=False),
    )


def _fields(draft: Draft) -> str:
    lines = ""
    if draft.input_field != "input":
        lines += f"  input_field: {json.dumps(draft.input_field, ensure_ascii=False)}\n"
    if draft.output_field != "output":
        lines += f"  output_field: {json.dumps(draft.output_field, ensure_ascii=False)}\n"
    return lines


def _path(source: str, draft: Draft) -> str:
    if source.startswith(HUB):
        return json.dumps(source)
    # The reader takes paths from the file's folder, so that a project can be moved as a whole.
    relative = Path(os.path.relpath(source, draft.target.parent)).as_posix()
    return json.dumps(relative, ensure_ascii=False)
