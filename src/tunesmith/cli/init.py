"""``tunesmith init``: a first experiment file, from the template ``experiment.yaml.jinja``."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunesmith.atomic import write_atomically
from tunesmith.audit.balance import label_findings
from tunesmith.capabilities import Capabilities
from tunesmith.cli import paste, screen
from tunesmith.cli.command import bundled, command
from tunesmith.cli.connection import Connection, options_option
from tunesmith.cli.files import field_options, output_option, refuse_input
from tunesmith.cli.progress import progress
from tunesmith.dataset import HUB, Dataset, DataSpec, stratified_split
from tunesmith.errors import DatasetError, ExperimentError, NotFoundError, PluginError
from tunesmith.labels import LabelSet
from tunesmith.methods import AUTO_SETTINGS
from tunesmith.pipeline.wording import EXAMPLES, ROWS, Choice, Tried, choose_wording, forms
from tunesmith.plugins import DEFAULT_BACKEND, DEFAULT_BASE_MODEL, development_models

if TYPE_CHECKING:
    from jinja2 import Template

MAX_LABELS = 50
"""More distinct outputs than this are texts, unless each has ``ROWS_EACH`` rows on average."""
ROWS_EACH = 5
SHOWN = 12
"""Wordings that are listed in the file, at most."""
VALIDATION = 0.15
"""Share of the training rows that watch the tuning, if there are enough of them."""
FEW = 300
"""With fewer rows for each label, on average, all are trained on; see docs/decisions/0022."""
BATCH = 8
"""Rows of one optimizer step."""
STEPS, STEPS_EACH = 200, 64
"""Optimizer steps of a whole tuning: at least, and for each label."""
EPOCHS = (4, 40)
"""The fewest and the most epochs."""
STEADY = {"warmup_ratio": 0.1, "max_grad_norm": 1.0}
"""Settings against long first steps and long gradients; see docs/decisions/0022."""
LONG_KEY = 1000
"""Characters of a key in YAML; a longer one needs a question mark in front."""
_NOT_IN_YAML = re.compile(
    r"[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)

backend_option = click.option(
    "--backend", metavar="NAME", help=f"The backend to ask; by default {DEFAULT_BACKEND}."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The answers of the backend about the base model; by default it was not asked."""

    choice: Choice | None = None
    """The wordings that were tried on training rows; None if none were."""
    can: Capabilities = field(default_factory=Capabilities)
    """The abilities of the backend with the base model."""


@command(
    "init",
    example="tunesmith init train.json --test test.json -o experiment.yaml\n"
    "tunesmith init train.json --base-model ibm-granite/granite-4.0-350m --rows 100",
)
@click.argument("data")
@click.option("--test", metavar="FILE", help="Rows for the evaluation; they are never tuned on.")
@output_option("The experiment file.", "experiment.yaml")
@field_options()
@click.option(
    "--base-model", metavar="NAME", help=f"The base model; by default {DEFAULT_BASE_MODEL}."
)
@bundled("connection", Connection, backend_option, options_option)
@click.option(
    "--rows",
    type=click.IntRange(min=2, max=ROWS),
    default=ROWS,
    show_default=True,
    help="Training rows on which templates and label words are tried.",
)
@click.option("--no-search", is_flag=True, help="Try no templates and ask no model.")
@click.option("--force", is_flag=True, help="Replace an existing experiment file.")
def init(
    data: str,
    test: str | None,
    output: Path,
    fields: dict[str, str],
    base_model: str | None,
    connection: Connection,
    rows: int,
    no_search: bool,
    force: bool,
) -> None:
    """Read DATA, find the labels, and write an experiment file with comments.

    DATA is a .json, .jsonl, .csv, .tsv or .parquet file with a text and a label in each row. The
    untuned base model tries a few templates and label words on training rows, never on test rows.
    The file gets the best of them, and lists all that were tried in a comment.
    """
    refuse_input(output, data, test)
    if output.exists() and not force:
        raise ExperimentError(
            f"{output}: the file exists; replace it with --force, or choose another with -o"
        )
    spec = DataSpec(train=data, test=test, **fields)
    read = spec.read(data)
    for note in read.notes:
        screen.note(note)
    text_column, label_column = read.columns
    found = {"input_field": text_column, "output_field": label_column}
    spec = spec.model_copy(update={**found, "validation": held_out_share(read)})
    labels = find_labels(read, named=spec.output_field != "output" or "output_field" in fields)
    for alike in label_findings(labels, None):
        if alike.severity == "problem":
            screen.note(alike.message)
    if test is not None:
        spec.read(test, LabelSet.model_validate(labels))
    model, asked = base_model or DEFAULT_BASE_MODEL, Asked()
    if not no_search:
        try:
            asked = _search(connection, model, read, labels, rows)
        except (PluginError, NotFoundError) as error:
            if connection.backend or base_model:
                raise
            screen.note(f"no template was tried: {error}")
    text = experiment_text(spec, output, labels, asked, base_model=model, rows=len(read))
    write_atomically(output, text)
    facts = {"file": str(output), "rows": len(read), "labels": labels, "test": test}
    file, choice = screen.relative(output), asked.choice
    first = f"{file}: {len(read)} training rows, labels {screen.listed(labels)}"
    more = ("--set", "data.test=TEST") if test is None else ("--dry-run",)
    following = paste.following("run", output, *more, backend=connection.backend or DEFAULT_BACKEND)
    lines = [first, *_lines(file, test, choice), f"next: {following}"]
    screen.emit({**facts, "wording": choice}, lines)


def held_out_share(read: Dataset) -> float | None:
    """Return the share to hold out; None if there are few rows, or a part would lack a label."""
    if len(read) < FEW * len(read.outputs):
        return None
    try:
        stratified_split(read, VALIDATION, seed=0)
    except DatasetError:
        return None
    return VALIDATION


def _search(
    connection: Connection, model: str, read: Dataset, labels: Sequence[str], rows: int
) -> Asked:
    """Try wordings, if the backend has label scores, and ask what it can do."""
    with connection.open(connection.backend or DEFAULT_BACKEND) as backend:
        can = backend.capabilities(model)
        if not can.base_label_scores:
            screen.note(
                f"no template was tried: backend {backend.name!r} gives no label scores of the "
                f"untuned {model}"
            )
            return Asked(None, can)
        with progress() as shown:
            found = choose_wording(backend, model, read.rows, labels, limit=rows, progress=shown)
        return Asked(found, can)


def _lines(file: str, test: str | None, choice: Choice | None) -> Iterator[str]:
    if choice is not None:
        yield (
            f"the best of {len(choice.tried)} wordings for the untuned {choice.base_model} is "
            f"{wording_text(choice.best)} ({choice.best.correct} of {choice.rows} training rows "
            "right)"
        )
    if test is None:
        yield f"a run needs test rows: set data.test in {file}, or name the file in the command"


def find_labels(data: Dataset, *, named: bool = False) -> list[str]:
    """Return the distinct outputs, checked to be labels.

    Args:
        data: the rows.
        named: whether the column is one of labels by its name or by an option. Then there may be
            any number of labels.

    Raises:
        DatasetError: there are fewer than two, or too many to be labels.
    """
    found = data.outputs
    if len(found) < 2:
        raise DatasetError(
            f"{data.source}: all rows have the output {found[0]!r}; "
            "a classifier needs rows of another label too"
        )
    if not named and len(found) > MAX_LABELS and len(data) < ROWS_EACH * len(found):
        raise DatasetError(
            f"{data.source}: {len(found)} distinct outputs, such as {found[0]!r:.60}; these look "
            "like texts, not labels. Name the column of the label with --output-field, even if it "
            f"is {data.columns[1]!r}"
        )
    if len(found) == len(data) > MAX_LABELS:
        raise DatasetError(
            f"{data.source}: each of the {len(data)} rows has a label of its own, such as "
            f"{found[0]!r:.60}; a classifier needs several rows of each label"
        )
    return found


def epochs_for(rows: int, labels: int) -> int:
    """Return the epochs in which ``rows`` training rows make enough optimizer steps."""
    a_pass = math.ceil(rows * (1 - VALIDATION) / BATCH)
    return max(EPOCHS[0], min(EPOCHS[1], math.ceil(max(STEPS, STEPS_EACH * labels) / a_pass)))


def experiment_text(
    data: DataSpec,
    target: Path,
    labels: Sequence[str],
    asked: Asked,
    *,
    base_model: str = DEFAULT_BASE_MODEL,
    rows: int,
) -> str:
    """Return the experiment file as YAML with comments.

    Args:
        data: files and fields; paths are relative to the working directory.
        target: the experiment file, to whose folder the paths in it are relative.
        labels: the names of the labels.
        asked: what the backend told.
        base_model: its portable name.
        rows: training rows, with those that watch the tuning.
    """
    choice, epochs = asked.choice, epochs_for(rows, len(labels))
    asks = choice.best_asked.wording if choice else None
    spoken = forms(asks.words) if asks else {label: [label] for label in labels}
    as_named = all(words == [label] for label, words in spoken.items())
    best = asks.template if asks else ""
    return _template().render(
        name=target.stem,
        file=_escaped(" ".join(target.name.split())),
        base_model=base_model,
        embedded=base_model in (DEFAULT_BASE_MODEL, *development_models(base_model)),
        train=_path(str(data.train), target),
        test=_path(str(data.test), target) if data.test else None,
        input_field=data.input_field,
        output_field=data.output_field,
        validation=data.validation,
        labels=list(spoken) if as_named else spoken,
        choice=choice,
        tried=_listed(choice) if choice else (),
        shown=SHOWN,
        init_text=starting_text([first for first, *_ in spoken.values()]),
        chat=asked.can.chat,
        auto=set(AUTO_SETTINGS) <= asked.can.auto_settings,
        steady=STEADY if STEADY.keys() <= asked.can.hyperparameters.keys() else None,
        epochs=epochs,
        # The rate depends on the base model, not on the number of labels.
        search_epochs=epochs_for(rows, 2) / 2,
        batch=BATCH,
        # The solved rows of few_shot replace the invented examples of the template.
        ladder=(("zero_shot", best), ("few_shot", best.removeprefix(EXAMPLES))),
    )


def _listed(choice: Choice) -> list[Tried]:
    """Return the best wordings, and in any case those that the file has."""
    ranked = sorted(choice.tried, key=lambda one: -one.correct)
    taken = (choice.best_asked, choice.best_tuned)
    return [one for place, one in enumerate(ranked) if place < SHOWN or one in taken]


def starting_text(words: Sequence[str]) -> str:
    """Return the text from which the soft prompt starts; it names labels if they are few."""
    if len(words) > SHOWN:
        return "Classify the text."
    return f"Classify the text. Answer with {', '.join(words[:-1])} or {words[-1]}."


def _path(source: str, target: Path) -> str:
    if source.startswith(HUB):
        return source
    return Path(os.path.relpath(source, target.parent)).as_posix()


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
    return f"{_quoted(one.wording.template)}{chat}: {_escaped(' '.join(shown.split()))}"


def _quoted(value: object) -> str:
    """Return texts as YAML on one line, in double quotes."""
    if isinstance(value, dict):
        pairs = ((_quoted(key), _quoted(words)) for key, words in value.items())
        marked = (f"{'? ' if len(key) > LONG_KEY else ''}{key}: {words}" for key, words in pairs)
        return f"{{{', '.join(marked)}}}"
    return _escaped(json.dumps(value, ensure_ascii=False))


def _escaped(text: str) -> str:
    """Return ``text`` with an escape for each character that YAML lacks or takes as a line end."""
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
