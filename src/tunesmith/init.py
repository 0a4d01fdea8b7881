"""Writes a first experiment file for somebody's data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.dataset import HUB, Dataset
from tunesmith.errors import DatasetError
from tunesmith.wording import EXAMPLES, Choice, Tried, forms

EMBEDDED = "tunesmith/micro-granite"
MAX_LABELS = 50
"""More distinct outputs than this are text, not labels, unless each has rows enough."""
ROWS_EACH = 5
"""Rows that each label must have on average where there are more than that."""
SHOWN = 12
"""Wordings that stand in the file, at most."""

_TEMPLATE = """\
# A tunesmith experiment. Every key can be changed for one run: --set method.num_epochs=5
name: {name}

# The portable name of a base model; "tunesmith models" lists what is known here.
base_model: {base_model}

data:
  train: {train}
{test}
  # A fraction of the training rows, held out to watch the tuning; or a file.
  validation: 0.15
{fields}
# What counts as an answer. A label may have several forms: "1": ["1", "yes"]
labels: {labels}
{tried}
method:
  name: prompt_tuning
{settings}
  # Stop when the validation loss no longer falls, and keep the best soft prompt.
  early_stopping_patience: 2
{reading}

# How the tuned and the base model generate alike; these are watsonx.ai's defaults.
# generation:
#   decoding_method: greedy
#   max_new_tokens: 20
{ladder}
# Drives splits, examples and, where the backend honors it, the tuning.
seed: 0
"""

_EMBEDDED_SETTINGS = """\
  num_virtual_tokens: 100
  # The text whose embeddings start the soft prompt. Say what the task is.
  init_method: text
  init_text: {init_text}
  # Measured on the embedded model. watsonx.ai's defaults are 20 epochs and 0.3.
  num_epochs: 10
  learning_rate: 0.001
  batch_size: 16
  # Batches for one optimizer step. watsonx.ai's default is 16; few rows need more steps.
  accumulate_steps: 1"""

_SETTINGS = """\
  num_virtual_tokens: 20
  # The text whose embeddings start the soft prompt. Say what the task is.
  init_method: text
  init_text: {init_text}
  # A start for a real model: what "make proof" uses. watsonx.ai's defaults are 20 epochs and 0.3.
  num_epochs: 4
  learning_rate: 0.3
  batch_size: 8
  # Batches for one optimizer step. watsonx.ai's default is 16; few rows need more steps.
  accumulate_steps: 1"""

_NO_VERBALIZER = """\
  # The template around each input, when tuning and when asking the tuned model:
  # verbalizer: "{{input}}\""""

_VERBALIZER = """\
  # The template around each input, when tuning and when asking the tuned model. It ends in a line
  # break, so that the answer begins a line.
  verbalizer: {verbalizer}"""

_CHAT = """
  # Whether the model reads its chat template: auto measures that on training rows.
  chat: auto"""

_LADDER = """
# Settings of other methods on the same data, for: tunesmith ladder {file}
ladder:
  # What the untuned model decided best with.
  - name: zero_shot
    template: {template}{chat}
  - name: few_shot
    template: {alone}{chat}
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
    if len(found) > MAX_LABELS and len(data) < ROWS_EACH * len(found):
        raise DatasetError(
            f"{data.source}: {len(found)} distinct outputs, such as {found[0]!r:.60}; these are "
            "texts, not labels. Name the column of the label with --output-field"
        )
    return sorted(found, key=int) if all(label.isdecimal() for label in found) else found


def starting_text(words: Sequence[str]) -> str:
    """Return the text that the soft prompt starts from."""
    return f"Classify the text. Answer with {', '.join(words[:-1])} or {words[-1]}."


def experiment_text(
    draft: Draft,
    labels: Sequence[str],
    choice: Choice | None = None,
    *,
    base_model: str = EMBEDDED,
    chat: bool = False,
) -> str:
    """Return the experiment file as YAML with comments.

    Args:
        draft: files and fields.
        labels: the names of the labels.
        choice: what was tried on training rows; None if nothing was.
        base_model: its portable name.
        chat: whether it has a chat template.
    """
    spoken = forms(choice.best.wording.words) if choice else {label: [label] for label in labels}
    settings = _EMBEDDED_SETTINGS if base_model == EMBEDDED else _SETTINGS
    first = starting_text([words[0] for words in spoken.values()])
    return _TEMPLATE.format(
        name=json.dumps(draft.target.stem),
        base_model=base_model if base_model == EMBEDDED else _quoted(base_model),
        train=_path(draft.train, draft),
        test=_NO_TEST if draft.test is None else f"  test: {_path(draft.test, draft)}",
        fields=_fields(draft),
        labels=_label_text(spoken),
        tried="\n".join(_tried(choice)) if choice else "",
        settings=settings.format(init_text=_quoted(first)),
        reading=_reading(choice) + (_CHAT if chat else ""),
        ladder=_ladder(draft, choice) if choice else "",
    )


def _label_text(spoken: Mapping[str, list[str]]) -> str:
    if all(words == [label] for label, words in spoken.items()):
        return _quoted(list(spoken))
    return _quoted(spoken)


def _tried(choice: Choice) -> Iterator[str]:
    """Return the comment that says what was tried, the best first."""
    yield ""
    yield f"# Right decisions of the untuned model on {choice.rows} training rows, by template and"
    yield "# words for the labels. No test row was read. The best stands under ladder; the"
    yield "# verbalizer is the same with a line break behind it, or the best that has one."
    order = sorted(choice.tried, key=lambda one: -one.correct)
    for one in order[:SHOWN]:
        yield f"#   {one.correct:>3}  {wording_text(one)}{_mark(choice, one)}"
    if len(order) > SHOWN:
        yield f"#   and {len(order) - SHOWN} more, none of which was better"
    yield ""


def _mark(choice: Choice, one: Tried) -> str:
    marks = [name for name, chosen in (("ladder", choice.best), ("verbalizer", choice.best_tuned))
             if one is chosen]  # fmt: skip
    return f"  <- {' and '.join(marks)}" if marks else ""


def wording_text(one: Tried) -> str:
    """Return a wording on one line: the template, then the words for the labels."""
    words = list(one.wording.words.values())
    shown = ", ".join(words[:3]) + (", …" if len(words) > 3 else "")
    chat = " as a chat message" if one.wording.chat else ""
    return f"{_quoted(one.wording.template)}{chat}: {' '.join(shown.split())}"


def _reading(choice: Choice | None) -> str:
    best = choice.best_tuned if choice else None
    if best is None:
        return _NO_VERBALIZER
    return _VERBALIZER.format(verbalizer=_quoted(best.wording.template))


def _ladder(draft: Draft, choice: Choice) -> str:
    wording = choice.best.wording
    return _LADDER.format(
        file=draft.target.name,
        template=_quoted(wording.template),
        # Few-shot has solved rows of its own in place of the invented ones.
        alone=_quoted(wording.template.removeprefix(EXAMPLES)),
        chat="\n    chat: true" if wording.chat else "",
    )


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


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
