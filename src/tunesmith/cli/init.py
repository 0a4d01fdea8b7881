"""``tunesmith init``: a first experiment file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunesmith.atomic import write_atomically
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import open_backend, options_option, parse_options
from tunesmith.cli.progress import progress
from tunesmith.dataset import Dataset, load_dataset
from tunesmith.errors import ExperimentError, NotFoundError, PluginError
from tunesmith.init import EMBEDDED, Draft, experiment_text, find_labels, wording_text
from tunesmith.labels import LabelSet
from tunesmith.wording import ROWS, Choice, choose_wording

if TYPE_CHECKING:
    from tunesmith.backend import Backend

BACKEND = "local"


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
