"""``tunesmith init``: a first experiment file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunesmith.atomic import write_atomically
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import open_backend, options_option, parse_options
from tunesmith.cli.progress import progress
from tunesmith.dataset import HUB, Dataset, load_dataset
from tunesmith.errors import DatasetError, ExperimentError, NotFoundError, PluginError
from tunesmith.labels import LabelSet
from tunesmith.pipeline.wording import EXAMPLES, ROWS, Choice, Tried, choose_wording, forms

if TYPE_CHECKING:
    from tunesmith.backend import Backend


BACKEND = "local"
EMBEDDED = "tunesmith/micro-granite"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which model may be asked for the wording, and how."""

    base_model: str | None
    backend: str | None
    options: Sequence[str]
    rows: int
    search: bool

    @property
    def model(self) -> str:
        """The base model of the experiment."""
        return self.base_model or EMBEDDED


@dataclass(frozen=True, slots=True)
class Found:
    """What the base model itself told."""

    choice: Choice | None = None
    chat: bool = False


@command(
    "init",
    example="tunesmith init train.json --test test.json -o experiment.yaml\n"
    "tunesmith init train.json --base-model ibm-granite/granite-4.0-350m --rows 100",
)
@click.argument("data")
@click.option("--test", metavar="FILE", help="Rows to evaluate on, which are never tuned on.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("experiment.yaml"),
    show_default=True,
    help="The experiment file.",
)
@click.option("--input-field", default="input", show_default=True, help="The column of the text.")
@click.option(
    "--output-field", default="output", show_default=True, help="The column of the label."
)
@click.option("--base-model", metavar="NAME", help=f"The base model; by default {EMBEDDED}.")
@click.option("--backend", metavar="NAME", help=f"Where it is asked; by default {BACKEND}.")
@options_option
@click.option(
    "--rows",
    type=click.IntRange(min=2, max=ROWS),
    default=ROWS,
    show_default=True,
    help="Training rows on which templates and label words are tried.",
)
@click.option("--no-search", is_flag=True, help="Try none: ask no model.")
@click.option("--force", is_flag=True, help="Replace an experiment file that is there.")
@screen.json_option
def init(
    data: str,
    test: str | None,
    output: Path,
    input_field: str,
    output_field: str,
    base_model: str | None,
    backend: str | None,
    options: tuple[str, ...],
    rows: int,
    no_search: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Read DATA, find the labels, and write an experiment file with comments.

    DATA is a .json, .jsonl, .csv or .parquet file with a text and a label in each row. A few
    templates and words for the labels are tried with the untuned base model on training rows, never
    on test rows; the file gets the best, and what was tried as a comment.
    """
    if output.exists() and not force:
        raise ExperimentError(
            f"{output}: is there already; replace it with --force, or choose another with -o"
        )
    draft = Draft(data, test, output, input_field, output_field)
    read = load_dataset(data, input_field=input_field, output_field=output_field)
    labels = find_labels(read)
    if test is not None:
        load_dataset(
            test,
            input_field=input_field,
            output_field=output_field,
            labels=LabelSet.model_validate(labels),
        )
    asked = Asked(base_model, backend, options, rows, search=not no_search)
    found = _ask(asked, read, labels)
    text = experiment_text(draft, labels, found.choice, base_model=asked.model, chat=found.chat)
    write_atomically(output, text)
    document = {
        "file": str(output),
        "rows": len(read),
        "labels": labels,
        "test": test,
        "wording": found.choice.model_dump(mode="json") if found.choice else None,
    }
    screen.emit(as_json, document, lambda: _lines(draft, len(read), labels, found.choice))


def _ask(asked: Asked, read: Dataset, labels: Sequence[str]) -> Found:
    """Ask the model; if nobody named one and none is installed, go on without."""
    if not asked.search:
        return Found()
    try:
        with open_backend(
            asked.backend or BACKEND, parse_options(asked.options), Path("runs")
        ) as backend:
            return _search(asked, backend, read, labels)
    except (PluginError, NotFoundError) as error:
        if asked.backend or asked.base_model:
            raise
        screen.note(f"no template was tried: {error}")
        return Found()


def _search(asked: Asked, backend: Backend, read: Dataset, labels: Sequence[str]) -> Found:
    can = backend.capabilities(asked.model)
    if not can.base_label_scores:
        screen.note(
            f"no template was tried: backend {backend.name!r} has no label scores of the untuned "
            f"{asked.model}"
        )
        return Found(chat=can.chat)
    with progress() as shown:
        choice = choose_wording(
            backend, asked.model, read.rows, labels, limit=asked.rows, progress=shown
        )
    return Found(choice, can.chat)


def _lines(draft: Draft, rows: int, labels: list[str], choice: Choice | None) -> Iterator[str]:
    file = screen.relative(draft.target)
    yield f"{file}: {rows} training rows, labels {', '.join(labels)}"
    if choice is not None:
        yield (
            f"of {len(choice.tried)} wordings the untuned {choice.base_model} decides best with "
            f"{wording_text(choice.best)} ({choice.best.correct} of {choice.rows} training rows)"
        )
    if draft.test is None:
        yield f"a run needs test rows: set data.test in {file}, or now:"
        yield f"next: tunesmith run {file} --set data.test=TEST"
    else:
        yield f"next: tunesmith run {file} --dry-run"


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
