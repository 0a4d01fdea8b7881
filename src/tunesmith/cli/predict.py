"""``tunesmith predict``: asks a deployment, or the model under it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tunesmith.atomic import write_atomically
from tunesmith.cli import abstaining, screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import options_option, parse_options, runs_dir_option
from tunesmith.cli.prediction_source import Asked, find_asked
from tunesmith.cli.progress import progress
from tunesmith.cli.results import score_table
from tunesmith.dataset import Dataset, DataSpec, load_dataset, parse_rows
from tunesmith.errors import DatasetError
from tunesmith.evaluation.metrics import Evaluation, evaluate
from tunesmith.experiment_file import parse_overrides
from tunesmith.records import Prediction

STDIN = "-"


@command(
    "predict",
    example="tunesmith predict deployment.json test.json -o predictions.jsonl\n"
    "echo 'The cut was lovely.' | tunesmith predict runs/RUN -",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the predictions as JSON lines.",
)
@click.option("--base", is_flag=True, help="Ask the untuned base model.")
@click.option(
    "--labelled/--unlabelled",
    default=None,
    help="Whether the rows have labels; by default where every row has one.",
)
@click.option(
    "--input-field", metavar="NAME", help="The column of the text; else the run's, or 'input'."
)
@click.option(
    "--output-field", metavar="NAME", help="The column of the label; else the run's, or 'output'."
)
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="KEY=VALUE",
    help="A generation parameter, e.g. max_new_tokens=5; may be repeated.",
)
@click.option(
    "--abstain-below",
    type=click.FloatRange(0, 1),
    help="Leave the label empty where the highest calibrated probability is lower.",
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
    params: tuple[str, ...],
    abstain_below: float | None,
    options: tuple[str, ...],
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Ask MODEL (a deployment.json or a run directory) about the rows of DATA.

    DATA is a .json, .jsonl, .csv or .parquet file, or - for stdin: a JSON array, JSON lines, or
    one text a line.
    """
    asked = find_asked(model, base=base, generation=parse_overrides(params))
    if abstain_below is not None:
        abstaining.require_calibration(asked)
    named = asked.experiment.data if asked.experiment else DataSpec(train=str(model))
    rows = _rows(data, input_field or named.input_field, output_field or named.output_field,
                 labelled, asked)  # fmt: skip
    with asked.connect(parse_options(options), runs_dir) as backend, progress() as shown:
        predictions = asked.predict(backend, rows.rows, shown)
    if abstain_below is not None:
        given = abstaining.answers(predictions, abstain_below)
        abstaining.show(given, predictions, asked, output, as_json=as_json)
        return
    if output is not None:
        write_atomically(output, "".join(p.model_dump_json() + "\n" for p in predictions))
    scored = None
    if all(p.expected is not None for p in predictions):
        scored = evaluate(predictions, asked.spec.labels)
    document = {
        "rows": len(predictions),
        "file": None if output is None else str(output),
        "evaluation": None if scored is None else scored.model_dump(mode="json"),
        "predictions": [p.model_dump(mode="json") for p in predictions],
    }
    screen.emit(as_json, document, lambda: _lines(predictions, scored, output))


def _rows(
    source: str, input_field: str, output_field: str, labelled: bool | None, asked: Asked
) -> Dataset:
    if source == STDIN:
        if labelled:
            raise DatasetError("stdin is read without labels; write the rows to a .jsonl file")
        return parse_rows(sys.stdin.read(), "stdin", input_field=input_field)

    def load(*, with_labels: bool) -> Dataset:
        return load_dataset(
            source,
            input_field=input_field,
            output_field=output_field,
            labels=asked.spec.labels if with_labels else None,
            labelled=with_labels,
        )

    if labelled is not None:
        return load(with_labels=labelled)
    plain = load(with_labels=False)
    try:
        return load(with_labels=True)
    except DatasetError as error:
        # Its remedies are for those who meant to give labels.
        screen.note(f"read without labels, because {str(error).partition(';')[0]}")
        return plain


def _lines(
    predictions: Sequence[Prediction], scored: Evaluation | None, output: Path | None
) -> Iterator[str]:
    # With a file, the rows are in it.
    shown = [] if output else predictions
    if shown:
        headers = ("row", "label", _sure(shown[0]), "expected", "input")
        yield from screen.table(headers, map(_cells, shown))
        yield ""
    if scored is not None:
        yield from score_table({predictions[0].model: scored})
    if output is not None:
        yield screen.relative(output)


def _sure(prediction: Prediction) -> str:
    return "calibrated" if prediction.calibrated else "probability"


def _cells(prediction: Prediction) -> tuple[str, str, str, str, str]:
    label = prediction.label
    shares = prediction.calibrated or prediction.probabilities or {}
    return (
        str(prediction.row),
        f"? {prediction.text!r:.40}" if label is None else label,
        f"{shares[label]:.3f}" if label in shares else "-",
        "-" if prediction.expected is None else prediction.expected,
        screen.shortened(prediction.input),
    )
