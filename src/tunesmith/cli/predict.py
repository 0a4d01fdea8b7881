"""``tunesmith predict``: asks a deployment, or the base model under it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from tunesmith.backend import Backend
from tunesmith.cli import screen
from tunesmith.cli.answers import AnswersFile, columns_of, other_columns
from tunesmith.cli.command import PATH, command
from tunesmith.cli.connection import Connection, store_options
from tunesmith.cli.files import field_options, output_option, read_record
from tunesmith.cli.progress import progress
from tunesmith.cli.results import score_table
from tunesmith.dataset import Dataset, DataSpec
from tunesmith.dataset.files import decoded, read_table
from tunesmith.dataset.reading import Fields, rows_of, table_of_text
from tunesmith.dataset.rows import Table
from tunesmith.errors import DatasetError, RunError
from tunesmith.evaluation.metrics import evaluate
from tunesmith.experiment_file import parse_overrides
from tunesmith.labels import LabelSet
from tunesmith.pipeline.asking import (
    AskedModel,
    model_of_deployment,
    model_of_run,
    reopen_backend,
)
from tunesmith.progress import Progress
from tunesmith.records import Deployment, Prediction, Record
from tunesmith.runs.run import RunDirectory

STDIN = "-"
PARAMETER = "max_new_tokens=5"


class Answer(Record):
    """The answer for one row with ``--abstain-below``."""

    row: int
    input: str
    label: str | None
    """None if the model abstained, or if its text is not a label."""
    abstained: bool
    probability: float
    """The highest calibrated probability."""
    expected: str | None
    columns: dict[str, Any] | None
    """The other columns of the row."""


@command(
    "predict",
    example="tunesmith predict deployment.json test.json -o predictions.jsonl\n"
    "echo 'The cut was lovely.' | tunesmith predict runs/RUN -",
)
@click.argument("model", type=PATH)
@click.argument("data")
@output_option("Write the answers: .jsonl or .json, or .csv or .tsv with all columns of DATA.")
@click.option("--base", is_flag=True, help="Ask the untuned base model.")
@click.option(
    "--labelled/--unlabelled",
    default=None,
    help="Whether the rows have labels; by default, labels are read if every row has one.",
)
@field_options("that of the run, or ")
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="KEY=VALUE",
    callback=lambda context, parameter, texts: parse_overrides(texts, "--param", PARAMETER),
    help=f"A generation parameter, e.g. {PARAMETER}; may be repeated.",
)
@click.option(
    "--abstain-below",
    type=click.FloatRange(0, 1),
    help="Leave the label empty if the highest calibrated probability is lower.",
)
@store_options
def predict(
    model: Path,
    data: str,
    output: Path | None,
    base: bool,
    labelled: bool | None,
    fields: dict[str, str],
    params: dict[str, Any],
    abstain_below: float | None,
    connection: Connection,
) -> None:
    """Ask MODEL (a deployment.json or a run directory) for the labels of the rows of DATA.

    DATA is a .json, .jsonl, .csv, .tsv or .parquet file, or - for stdin: a JSON array, JSON lines,
    or one text a line.
    """
    asked, connect = _model(model, base, params, connection)
    if abstain_below is not None and asked.calibration is None:
        raise RunError(
            "--abstain-below needs the directory of a calibrated run: its experiment sets "
            "data.validation, and its backend gives label scores"
        )
    spec, labels = asked.data.model_copy(update=fields), asked.spec.labels
    table = _table(spec, data)
    rows = _rows(spec, table, labelled, labels)
    columns = columns_of(table, rows)
    file = None
    if output is not None:
        file = AnswersFile(output, data, f"{asked.key} {rows.fingerprint}")
    with connect() as backend, progress() as shown:
        predictions = _asked(asked, backend, rows, file, shown)
    predictions = [
        one.model_copy(update={"columns": other_columns(row, rows.columns)})
        for one, row in zip(predictions, columns, strict=True)
    ]
    answers: Sequence[Prediction | Answer] = predictions
    kept = predictions
    if abstain_below is not None:
        below = abstain_below
        pairs = [(one, _answer(one, below)) for one in predictions]
        answers = [answer for _, answer in pairs]
        kept = [one for one, answer in pairs if not answer.abstained]
    if file is not None:
        file.write(answers, columns)
    _show(answers, kept, labels, output)


def _asked(
    asked: AskedModel, backend: Backend, rows: Dataset, file: AnswersFile | None, shown: Progress
) -> list[Prediction]:
    if file is None:
        return asked.predict(backend, rows.rows, shown, screen.note)
    if file.kept:
        screen.note(f"{file.partial}: {len(file.kept)} of {len(rows)} rows are answered already")
    with file.open() as keep:
        return asked.predict(backend, rows.rows, shown, screen.note, kept=file.kept, keep=keep)


def _model(
    path: Path, base: bool, generation: dict[str, Any], connection: Connection
) -> tuple[AskedModel, Callable[[], Backend]]:
    """Return the model of a deployment file or a run directory, and how to connect to it."""
    if path.is_dir():
        run = RunDirectory.load(path, finished=False)
        asked = model_of_run(run, base=base, generation=generation)
        return asked, partial(reopen_backend, run, connection.options)
    deployment = read_record(Deployment, path, "tunesmith deploy MODEL.json")
    asked = model_of_deployment(deployment, base=base, generation=generation, source=str(path))
    return asked, partial(connection.open, deployment.backend)


def _table(spec: DataSpec, source: str) -> Table:
    if source == STDIN:
        # Not sys.stdin.read: its encoding is that of the terminal, and data are UTF-8.
        text = decoded("stdin", sys.stdin.buffer.read())
        table = table_of_text(text, "stdin", spec.input_field)
    else:
        table = read_table(source)
    return replace(table, records=list(table.records))


def _rows(spec: DataSpec, table: Table, labelled: bool | None, labels: LabelSet) -> Dataset:
    fields = Fields(spec.input_field, spec.output_field)
    if table.source == "stdin":
        if labelled:
            raise DatasetError("stdin is read without labels; write the rows to a .jsonl file")
        labelled = False
    if labelled:
        return rows_of(table, fields, labels, labelled)
    plain = rows_of(table, fields, None, False)
    if labelled is None:
        try:
            return rows_of(table, fields, labels, True)
        except DatasetError as error:
            # The remedies after the semicolon apply only to files that should have labels.
            screen.note(f"read without labels, because {str(error).partition(';')[0]}")
    return plain


def _answer(prediction: Prediction, below: float) -> Answer:
    probability = max((prediction.calibrated or {}).values(), default=0.0)
    return Answer(
        row=prediction.row,
        input=prediction.input,
        label=prediction.label if probability >= below else None,
        abstained=probability < below,
        probability=probability,
        expected=prediction.expected,
        columns=prediction.columns,
    )


def _show(
    answers: Sequence[Prediction | Answer],
    kept: Sequence[Prediction],
    labels: LabelSet,
    output: Path | None,
) -> None:
    """Print the answers, with scores over the ``kept`` predictions."""
    scored = None
    if kept and all(p.expected is not None for p in kept):
        scored = evaluate(kept, labels)
    abstaining = answers is not kept
    document = {
        "rows": len(answers),
        **({"answered": len(kept)} if abstaining else {}),
        "file": None if output is None else str(output),
        "evaluation": scored,
        "predictions": answers,
    }
    summary = [f"{len(kept)} of {len(answers)} rows answered"] if abstaining else []
    if scored is not None:
        summary += score_table({"answered" if abstaining else kept[0].model: scored})
    screen.emit(document, _lines(answers, summary, output))


def _lines(
    answers: Sequence[Prediction | Answer], summary: list[str], output: Path | None
) -> Iterator[str]:
    if answers and output is None:
        one = answers[0]
        known = "calibrated" if isinstance(one, Answer) or one.calibrated else "probability"
        headers = ("row", "label", known, "expected", "input")
        yield from screen.table(headers, map(_columns, answers))
        yield ""
    yield from summary
    if output is not None:
        yield screen.relative(output)


def _columns(one: Prediction | Answer) -> tuple[str, str, str, str, str]:
    if isinstance(one, Answer):
        label = "(abstains)" if one.abstained else one.label or "?"
        probability = f"{one.probability:.2f}"
    else:
        shares = one.calibrated or one.probabilities or {}
        label = f"? {one.text!r:.40}" if one.label is None else one.label
        probability = f"{shares[one.label]:.3f}" if one.label in shares else "-"
    expected = "-" if one.expected is None else one.expected
    return (str(one.row), label, probability, expected, screen.shortened(one.input))
