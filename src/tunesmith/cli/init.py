"""``tunesmith init``: a first experiment file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from tunesmith.atomic import write_atomically
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.dataset import load_dataset
from tunesmith.errors import ExperimentError
from tunesmith.init import Draft, experiment_text, find_labels
from tunesmith.labels import LabelSet


@command("init", example="tunesmith init train.json --test test.json -o experiment.yaml")
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
@click.option("--force", is_flag=True, help="Replace an experiment file that is there.")
@screen.json_option
def init(
    data: str,
    test: str | None,
    output: Path,
    input_field: str,
    output_field: str,
    force: bool,
    as_json: bool,
) -> None:
    """Read DATA, find the labels, and write an experiment file with comments.

    DATA is a .json, .jsonl, .csv or .parquet file with a text and a label in each row.
    """
    if output.exists() and not force:
        raise ExperimentError(
            f"{output}: is there already; replace it with --force, or choose another with -o"
        )
    draft = Draft(data, test, output, input_field, output_field)
    rows = load_dataset(data, input_field=input_field, output_field=output_field)
    labels = find_labels(rows)
    if test is not None:
        load_dataset(
            test,
            input_field=input_field,
            output_field=output_field,
            labels=LabelSet.model_validate(labels),
        )
    write_atomically(output, experiment_text(draft, labels))
    document = {"file": str(output), "rows": len(rows), "labels": labels, "test": test}
    screen.emit(as_json, document, lambda: _lines(draft, len(rows), labels))


def _lines(draft: Draft, rows: int, labels: list[str]) -> Iterator[str]:
    file = screen.relative(draft.target)
    yield f"{file}: {rows} training rows, labels {', '.join(labels)}"
    if draft.test is None:
        yield f"a run needs test rows: set data.test in {file}, or now:"
        yield f"next: tunesmith run {file} --set data.test=TEST"
    else:
        yield f"next: tunesmith run {file} --dry-run"
