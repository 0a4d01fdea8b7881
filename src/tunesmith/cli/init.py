"""``tunesmith init``: a first experiment file, from the template ``experiment.yaml.jinja``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunesmith.atomic import write_atomically
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import open_backend, options_option
from tunesmith.cli.files import output_option
from tunesmith.cli.progress import progress
from tunesmith.dataset import HUB, Dataset, load_dataset
from tunesmith.errors import DatasetError, ExperimentError, NotFoundError, PluginError
from tunesmith.labels import LabelSet
from tunesmith.pipeline.wording import EXAMPLES, ROWS, Choice, Tried, choose_wording, forms
from tunesmith.plugins import DEFAULT_BACKEND, DEFAULT_BASE_MODEL

if TYPE_CHECKING:
    from jinja2 import Template

    from tunesmith.backend import Backend


MAX_LABELS = 50
"""More distinct outputs than this are texts, unless each has ``ROWS_EACH`` rows on average."""
ROWS_EACH = 5
SHOWN = 12
"""Wordings that are listed in the file, at most."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Files and fields of the experiment. Paths are relative to the working directory."""

    train: str
    test: str | None
    target: Path
    input_field: str
    output_field: str

    def load(self, source: str, labels: Sequence[str] | None = None) -> Dataset:
        """Read the labelled rows of ``source``; with ``labels``, refuse all other labels."""
        return load_dataset(
            source,
            input_field=self.input_field,
            output_field=self.output_field,
            labels=LabelSet.model_validate(labels) if labels else None,
        )

    def path(self, source: str) -> str:
        """Return ``source`` as the experiment file names it: relative to the file's folder."""
        if source.startswith(HUB):
            return source
        return Path(os.path.relpath(source, self.target.parent)).as_posix()


@command(
    "init",
    example="tunesmith init train.json --test test.json -o experiment.yaml\n"
    "tunesmith init train.json --base-model ibm-granite/granite-4.0-350m --rows 100",
)
@click.argument("data")
@click.option("--test", metavar="FILE", help="Rows for the evaluation; they are never tuned on.")
@output_option("The experiment file.", "experiment.yaml")
@click.option("--input-field", default="input", show_default=True, help="The column of the text.")
@click.option(
    "--output-field", default="output", show_default=True, help="The column of the label."
)
@click.option(
    "--base-model", metavar="NAME", help=f"The base model; by default {DEFAULT_BASE_MODEL}."
)
@click.option(
    "--backend", metavar="NAME", help=f"The backend to ask; by default {DEFAULT_BACKEND}."
)
@options_option
@click.option(
    "--rows",
    type=click.IntRange(min=2, max=ROWS),
    default=ROWS,
    show_default=True,
    help="Training rows on which templates and label words are tried.",
)
@click.option("--no-search", is_flag=True, help="Try no templates and ask no model.")
@click.option("--force", is_flag=True, help="Replace an existing experiment file.")
@screen.json_option
def init(
    data: str,
    test: str | None,
    output: Path,
    input_field: str,
    output_field: str,
    base_model: str | None,
    backend: str | None,
    options: dict[str, str],
    rows: int,
    no_search: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Read DATA, find the labels, and write an experiment file with comments.

    DATA is a .json, .jsonl, .csv or .parquet file with a text and a label in each row. The untuned
    base model tries a few templates and label words on training rows, never on test rows. The file
    gets the best of them, and lists all that were tried in a comment.
    """
    if output.exists() and not force:
        raise ExperimentError(
            f"{output}: the file exists; replace it with --force, or choose another with -o"
        )
    draft = Draft(data, test, output, input_field, output_field)
    read = draft.load(data)
    labels = find_labels(read)
    if test is not None:
        draft.load(test, labels)
    model, choice, chat = base_model or DEFAULT_BASE_MODEL, None, False
    if not no_search:
        name = backend or DEFAULT_BACKEND
        connect = partial(open_backend, name, options, Path("runs"))
        try:
            choice, chat = _search(connect, model, read, labels, rows)
        except (PluginError, NotFoundError) as error:
            if backend or base_model:
                raise
            screen.note(f"no template was tried: {error}")
    text = experiment_text(draft, labels, choice, base_model=model, chat=chat)
    write_atomically(output, text)
    document = {
        "file": str(output),
        "rows": len(read),
        "labels": labels,
        "test": test,
        "wording": choice.model_dump(mode="json") if choice else None,
    }
    screen.emit(as_json, document, lambda: _lines(draft, len(read), labels, choice))


def _search(
    connect: Callable[[], Backend], model: str, read: Dataset, labels: Sequence[str], rows: int
) -> tuple[Choice | None, bool]:
    """Return the wordings that were tried, and whether the model has a chat template."""
    with connect() as backend:
        can = backend.capabilities(model)
        if not can.base_label_scores:
            screen.note(
                f"no template was tried: backend {backend.name!r} gives no label scores of the "
                f"untuned {model}"
            )
            return None, can.chat
        with progress() as shown:
            found = choose_wording(backend, model, read.rows, labels, limit=rows, progress=shown)
        return found, can.chat


def _lines(draft: Draft, rows: int, labels: list[str], choice: Choice | None) -> Iterator[str]:
    file = screen.relative(draft.target)
    yield f"{file}: {rows} training rows, labels {', '.join(labels)}"
    if choice is not None:
        yield (
            f"the best of {len(choice.tried)} wordings for the untuned {choice.base_model} is "
            f"{wording_text(choice.best)} ({choice.best.correct} of {choice.rows} training rows "
            "right)"
        )
    if draft.test is None:
        yield f"a run needs test rows: set data.test in {file}, or name the file in the command"
        yield f"next: tunesmith run {file} --set data.test=TEST"
    else:
        yield f"next: tunesmith run {file} --dry-run"


def find_labels(data: Dataset) -> list[str]:
    """Return the distinct outputs: numbers in numeric order, other texts alphabetically.

    Raises:
        DatasetError: there are fewer than two, or too many to be labels.
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
    """Return the text from which the soft prompt starts."""
    return f"Classify the text. Answer with {', '.join(words[:-1])} or {words[-1]}."


def experiment_text(
    draft: Draft,
    labels: Sequence[str],
    choice: Choice | None = None,
    *,
    base_model: str = DEFAULT_BASE_MODEL,
    chat: bool = False,
) -> str:
    """Return the experiment file as YAML with comments.

    Args:
        draft: files and fields.
        labels: the names of the labels.
        choice: the wordings that were tried on training rows; None if none were.
        base_model: its portable name.
        chat: whether it has a chat template.
    """
    spoken = forms(choice.best.wording.words) if choice else {label: [label] for label in labels}
    as_named = all(words == [label] for label, words in spoken.items())
    best = choice.best.wording.template if choice else ""
    return _template().render(
        name=draft.target.stem,
        file=draft.target.name,
        base_model=base_model,
        embedded=base_model == DEFAULT_BASE_MODEL,
        train=draft.path(draft.train),
        test=draft.path(draft.test) if draft.test else None,
        input_field=draft.input_field,
        output_field=draft.output_field,
        labels=list(spoken) if as_named else spoken,
        choice=choice,
        tried=sorted(choice.tried, key=lambda one: -one.correct) if choice else (),
        shown=SHOWN,
        init_text=starting_text([words[0] for words in spoken.values()]),
        chat=chat,
        # The solved rows of few_shot replace the invented examples of the template.
        ladder=(("zero_shot", best), ("few_shot", best.removeprefix(EXAMPLES))),
    )


def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701  # YAML: the filter "quoted" escapes
        variable_start_string="<<",
        variable_end_string=">>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"quoted": _quoted, "wording": wording_text}
    source = files("tunesmith.cli").joinpath("experiment.yaml.jinja").read_text(encoding="utf-8")
    return environment.from_string(source)


def wording_text(one: Tried) -> str:
    """Return a wording on one line: the template, then the words for the labels."""
    words = list(one.wording.words.values())
    shown = ", ".join(words[:3]) + (", …" if len(words) > 3 else "")
    chat = " as a chat message" if one.wording.chat else ""
    return f"{_quoted(one.wording.template)}{chat}: {' '.join(shown.split())}"


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
