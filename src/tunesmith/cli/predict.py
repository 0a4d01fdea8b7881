"""``tunesmith predict``: asks a deployment, or the base model under it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from tunesmith.atomic import write_atomically
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import options_option, runs_dir_option
from tunesmith.cli.files import output_option
from tunesmith.cli.prediction_source import PredictionSource, find_source
from tunesmith.cli.progress import progress
from tunesmith.cli.results import score_table
from tunesmith.dataset import Dataset, DataSpec, load_dataset, parse_rows
from tunesmith.errors import DatasetError, RunError
from tunesmith.evaluation.metrics import Evaluation, evaluate
from tunesmith.experiment_file import parse_overrides
from tunesmith.records import Prediction, Record, json_lines

STDIN = "-"


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


@command(
    "predict",
    example="tunesmith predict deployment.json test.json -o predictions.jsonl\n"
    "echo 'The cut was lovely.' | tunesmith predict runs/RUN -",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@output_option("Write the predictions as JSON lines.")
@click.option("--base", is_flag=True, help="Ask the untuned base model.")
@click.option(
    "--labelled/--unlabelled",
    default=None,
    help="Whether the rows have labels; by default, labels are read if every row has one.",
)
@click.option(
    "--input-field",
    metavar="NAME",
    help="The column of the text; by default that of the run, or 'input'.",
)
@click.option(
    "--output-field",
    metavar="NAME",
    help="The column of the label; by default that of the run, or 'output'.",
)
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="KEY=VALUE",
    callback=lambda context, parameter, texts: parse_overrides(texts),
    help="A generation parameter, e.g. max_new_tokens=5; may be repeated.",
)
@click.option(
    "--abstain-below",
    type=click.FloatRange(0, 1),
    help="Leave the label empty if the highest calibrated probability is lower.",
)
@options_option
@runs_dir_option
@screen.json_option
def predict(
    model: Path,
    data: str,
    output: Path | None,
    base: bool,
    labelled: bool | None,
    input_field: str | None,
    output_field: str | None,
    params: dict[str, Any],
    abstain_below: float | None,
    options: dict[str, str],
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Ask MODEL (a deployment.json or a run directory) for the labels of the rows of DATA.

    DATA is a .json, .jsonl, .csv or .parquet file, or - for stdin: a JSON array, JSON lines, or
    one text a line.
    """
    source = find_source(model, base=base, generation=params)
    if abstain_below is not None:
        _require_calibration(source)
    named = source.experiment.data if source.experiment else DataSpec(train=str(model))
    fields = input_field or named.input_field, output_field or named.output_field
    rows = _rows(data, fields, labelled, source)
    with source.connect(options, runs_dir) as backend, progress() as shown:
        predictions = source.predict(backend, rows.rows, shown)
    if abstain_below is None:
        _show(predictions, predictions, source, output, as_json)
        return
    answers = [_answer(prediction, abstain_below) for prediction in predictions]
    kept = [p for p, answer in zip(predictions, answers, strict=True) if not answer.abstained]
    _show(answers, kept, source, output, as_json)


def _require_calibration(source: PredictionSource) -> None:
    if source.calibration is None:
        raise RunError(
            "--abstain-below needs the directory of a calibrated run: its experiment sets "
            "data.validation, and its backend gives label scores"
        )


def _rows(
    source: str, fields: tuple[str, str], labelled: bool | None, asked: PredictionSource
) -> Dataset:
    if source == STDIN:
        if labelled:
            raise DatasetError("stdin is read without labels; write the rows to a .jsonl file")
        return parse_rows(sys.stdin.read(), "stdin", input_field=fields[0])

    def load(*, with_labels: bool) -> Dataset:
        return load_dataset(
            source,
            input_field=fields[0],
            output_field=fields[1],
            labels=asked.spec.labels if with_labels else None,
            labelled=with_labels,
        )

    if labelled is not None:
        return load(with_labels=labelled)
    plain = load(with_labels=False)
    try:
        return load(with_labels=True)
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
    )


def _show(
    answers: Sequence[Prediction] | Sequence[Answer],
    kept: Sequence[Prediction],
    source: PredictionSource,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write and print the answers, with scores over the ``kept`` predictions."""
    if output is not None:
        write_atomically(output, json_lines(answers))
    scored = None
    if kept and all(p.expected is not None for p in kept):
        scored = evaluate(kept, source.spec.labels)
    abstaining = answers is not kept
    document = {
        "rows": len(answers),
        **({"answered": len(kept)} if abstaining else {}),
        "file": None if output is None else str(output),
        "evaluation": None if scored is None else scored.model_dump(mode="json"),
        "predictions": [one.model_dump(mode="json") for one in answers],
    }
    name = "answered" if abstaining or not kept else kept[0].model
    answered = f"{len(kept)} of {len(answers)} rows answered" if abstaining else None
    scores: dict[str, Evaluation] = {} if scored is None else {name: scored}
    screen.emit(as_json, document, lambda: _lines(answers, answered, scores, output))


def _lines(
    answers: Sequence[Prediction] | Sequence[Answer],
    answered: str | None,
    scores: dict[str, Evaluation],
    output: Path | None,
) -> Iterator[str]:
    if answers and output is None:
        headers = ("row", "label", _probability_header(answers[0]), "expected", "input")
        yield from screen.table(headers, map(_columns, answers))
        yield ""
    if answered is not None:
        yield answered
    if scores:
        yield from score_table(scores)
    if output is not None:
        yield screen.relative(output)


def _probability_header(one: Prediction | Answer) -> str:
    return "calibrated" if isinstance(one, Answer) or one.calibrated else "probability"


def _columns(one: Prediction | Answer) -> tuple[str, str, str, str, str]:
    label, probability = _of_answer(one) if isinstance(one, Answer) else _of_prediction(one)
    expected = "-" if one.expected is None else one.expected
    return (str(one.row), label, probability, expected, screen.shortened(one.input))


def _of_answer(answer: Answer) -> tuple[str, str]:
    label = "(abstains)" if answer.abstained else answer.label or "?"
    return label, f"{answer.probability:.2f}"


def _of_prediction(prediction: Prediction) -> tuple[str, str]:
    label = prediction.label
    shares = prediction.calibrated or prediction.probabilities or {}
    shown = f"? {prediction.text!r:.40}" if label is None else label
    return shown, f"{shares[label]:.3f}" if label in shares else "-"
