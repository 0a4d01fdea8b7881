"""``tunesmith evaluate``: scores a predictions file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tunesmith.cli import screen
from tunesmith.cli.command import PATH, command
from tunesmith.cli.results import score_table
from tunesmith.errors import RunError, near_misses
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.evaluation.metrics import evaluate as evaluate_predictions
from tunesmith.evaluation.readings import READINGS, read_as
from tunesmith.labels import LabelSet
from tunesmith.records import Prediction, Reading
from tunesmith.runs.run import PREDICTIONS, RECORD, RunDirectory, read_predictions

answer_option = click.option(
    "--answer",
    type=click.Choice(READINGS),
    help="Read answers as the most probable label, or as the label that was written.",
)


@command("evaluate", example="tunesmith evaluate predictions.jsonl --labels 0,1")
@click.argument("predictions", type=PATH)
@click.option(
    "--labels",
    metavar="A,B,…",
    help="The labels, in order; by default those of the run in the same folder, or of the file.",
)
@answer_option
def evaluate(predictions: Path, labels: str | None, answer: Reading | None) -> None:
    """Score PREDICTIONS: a file of "tunesmith predict" with labels, or a run directory.

    By default answers are read in the way that the file records.
    """
    folder = predictions.is_dir()
    file = RunDirectory.load(predictions).directory / PREDICTIONS if folder else predictions
    lines = read_predictions(file)
    if answer is not None:
        try:
            lines = read_as(lines, answer)
        except RunError as error:
            raise RunError(f"{file}: {error}") from None
    names = _labels(labels, file, lines)
    _check(file, lines, names)
    evaluations = {
        role: evaluate_predictions(own, names)
        for role in ("tuned", "base")
        if (own := [p for p in lines if p.model == role])
    }
    screen.emit(evaluations, _lines(evaluations, list(names)))


def _labels(given: str | None, file: Path, lines: Sequence[Prediction]) -> LabelSet:
    if given is not None:
        names = [name.strip() for name in given.split(",") if name.strip()]
    elif (file.parent / RECORD).is_file():
        names = list(RunDirectory.load(file.parent, finished=False).record.experiment["labels"])
    else:
        names = sorted({name for p in lines for name in (p.expected, p.label) if name is not None})
        screen.note(f"labels taken from the file: {', '.join(names)}; --labels sets others")
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise RunError(
            f"{file}: two or more different labels are needed; set them, e.g. --labels 0,1"
        )
    return LabelSet.model_validate(names)


def _check(file: Path, lines: Sequence[Prediction], names: LabelSet) -> None:
    if not lines:
        raise RunError(f"{file}: the file has no predictions; write some with: tunesmith predict")
    for number, prediction in enumerate(lines, 1):
        if prediction.expected is None:
            raise RunError(
                f"{file}, line {number}: no expected label; make the predictions "
                "from rows with labels: tunesmith predict MODEL DATA --labelled"
            )
        for name in (prediction.expected, prediction.label):
            if name is not None and name not in names:
                raise RunError(
                    f"{file}, line {number}: {name!r} is not one of the labels "
                    f"{', '.join(map(repr, names))}.{near_misses(name, names)} "
                    "Set all labels with --labels"
                )


def _lines(evaluations: dict[str, Evaluation], names: list[str]) -> Iterator[str]:
    yield from score_table(evaluations)
    answered = [f"answered {name}" for name in names]
    headers = ("label", "precision", "recall", "F1", "rows", *answered, "(unparsable)")
    for role, evaluation in evaluations.items():
        yield ""
        yield f"{role}, by label"
        rows = (_label_columns(evaluation, name, place) for place, name in enumerate(names))
        yield from screen.table(headers, rows, right=5 + len(names))


def _label_columns(evaluation: Evaluation, name: str, place: int) -> tuple[str, ...]:
    score = evaluation.labels[name]
    return (
        name,
        *(f"{value:.3f}" for value in (score.precision, score.recall, score.f1)),
        str(score.support),
        *map(str, evaluation.confusion[place]),
    )
