"""``tunesmith predict``: asks a deployment, or the base model under it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice, tee
from pathlib import Path
from typing import Any

import click

from tunesmith.backend import Backend
from tunesmith.cli import screen
from tunesmith.cli.answers import AnswersFile, FullRows
from tunesmith.cli.command import PATH, command
from tunesmith.cli.connection import Connection, store_options
from tunesmith.cli.files import field_options, output_option, read_record
from tunesmith.cli.progress import progress
from tunesmith.cli.results import score_table
from tunesmith.dataset import DataSpec
from tunesmith.dataset.files import decoded, read_table
from tunesmith.dataset.reading import Fields, streamed_rows, table_of_text
from tunesmith.dataset.rows import Table
from tunesmith.dataset.streamed import StreamedRows
from tunesmith.errors import DatasetError, RunError
from tunesmith.evaluation.metrics import Pair, pair, score
from tunesmith.experiment_file import parse_overrides
from tunesmith.labels import LabelSet
from tunesmith.pipeline.asking import (
    AskedModel,
    answers_for,
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
    rows = FullRows(_rows(spec, _table(spec, data), labelled, labels))
    outcome, answers = _Outcome(abstain_below), list[Prediction | Answer]()
    file = None if output is None else AnswersFile(output, data, asked.key)
    with connect() as backend, progress() as shown:
        if file is None:
            for part in _asked(asked, backend, rows, shown):
                answers += map(outcome.taken, part)
        else:
            _ask_into(file, asked, backend, rows, shown)
    if file is not None:
        if screen.current().as_json:
            answers += map(outcome.taken, file.answers())
        file.write(answers or map(outcome.taken, file.answers()), rows)
    _show(outcome, answers, labels, output)


def _ask_into(
    file: AnswersFile, asked: AskedModel, backend: Backend, rows: FullRows, shown: Progress
) -> None:
    start = file.kept(rows)
    if start:
        screen.note(f"{file.partial}: {start} of {len(rows)} rows are answered already")
    with file.open() as append:
        for part in _asked(asked, backend, rows, shown, start):
            append(part)


def _asked(
    asked: AskedModel, backend: Backend, rows: FullRows, shown: Progress, start: int = 0
) -> Iterator[list[Prediction]]:
    """Yield the predictions for the rows from number ``start`` on, some at a time."""
    ask = asked.asker(backend, rows.rows, shown, screen.note)
    left, full = tee(islice(rows, start, None))
    for part in answers_for((one.row for one in left), ask, len(rows), shown, start):
        pairs = zip(part, full, strict=False)  # the rows behind the part are for the next one
        yield [one.model_copy(update={"columns": row.others}) for one, row in pairs]


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
    if source != STDIN:
        return read_table(source)
    # Not sys.stdin.read: its encoding is that of the terminal, and data are UTF-8.
    text = decoded("stdin", sys.stdin.buffer.read())
    return table_of_text(text, "stdin", spec.input_field)


def _rows(spec: DataSpec, table: Table, labelled: bool | None, labels: LabelSet) -> StreamedRows:
    fields = Fields(spec.input_field, spec.output_field)
    if table.source == "stdin":
        if labelled:
            raise DatasetError("stdin is read without labels; write the rows to a .jsonl file")
        labelled = False
    if labelled is not None:
        return _checked(table, fields, labels, labelled)
    try:
        return _checked(table, fields, labels, True)
    except DatasetError as error:
        plain = _checked(table, fields, labels, False)
        # The remedies after the semicolon apply only to files that should have labels.
        screen.note(f"read without labels, because {str(error).partition(';')[0]}")
        return plain


def _checked(table: Table, fields: Fields, labels: LabelSet, labelled: bool) -> StreamedRows:
    rows = streamed_rows(table, fields, labels if labelled else None, labelled)
    rows.check()
    return rows


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


class _Outcome:
    """What is shown of the answers."""

    def __init__(self, abstain_below: float | None) -> None:
        self.below = abstain_below
        self.rows = 0
        self.model = ""
        self.pairs = Counter[Pair]()
        """The labels of the answers with which the model did not abstain."""

    def taken(self, one: Prediction) -> Prediction | Answer:
        """Count a prediction, and return the answer that it gives."""
        answer = one if self.below is None else _answer(one, self.below)
        self.rows += 1
        self.model = one.model
        if not (isinstance(answer, Answer) and answer.abstained):
            self.pairs[pair(one)] += 1
        return answer


def _show(
    outcome: _Outcome,
    answers: Sequence[Prediction | Answer],
    labels: LabelSet,
    output: Path | None,
) -> None:
    """Print the answers, with scores over those with which the model did not abstain."""
    answered, scored = outcome.pairs.total(), None
    if answered and all(expected is not None for expected, _ in outcome.pairs):
        scored = score(outcome.pairs, labels)
    abstaining = outcome.below is not None
    document = {
        "rows": outcome.rows,
        **({"answered": answered} if abstaining else {}),
        "file": None if output is None else str(output),
        "evaluation": scored,
        "predictions": answers,
    }
    summary = [f"{answered} of {outcome.rows} rows answered"] if abstaining else []
    if scored is not None:
        summary += score_table({"answered" if abstaining else outcome.model: scored})
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
