"""``tunesmith evaluate``: scores a predictions file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click

from tunesmith.cli import screen
from tunesmith.cli.command import PATH, command
from tunesmith.cli.results import score_table
from tunesmith.errors import RunError, near_misses
from tunesmith.evaluation.metrics import Evaluation, score
from tunesmith.evaluation.readings import READINGS, no_reading
from tunesmith.labels import LabelSet
from tunesmith.records import ModelRole, Reading
from tunesmith.runs.run import PREDICTIONS, RECORD, RunDirectory, each_prediction

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
    found = _counted(file, answer)
    names = _labels(labels, file, found)
    _check(file, found, names)
    evaluations = {
        role: score(own, names)
        for role in ("tuned", "base")
        if (own := {(a.expected, a.label): n.count for a, n in found.items() if a.model == role})
    }
    screen.emit(evaluations, _lines(evaluations, list(names)))


class _Answers(NamedTuple):
    """Answers of one model with the same labels, of which a file has any number."""

    model: ModelRole
    expected: str | None
    label: str | None


@dataclass(slots=True)
class _Lines:
    """The lines with such answers."""

    first: int
    count: int = 0


def _counted(file: Path, answer: Reading | None) -> dict[_Answers, _Lines]:
    """Count the answers of a file in the reading ``answer``, in the order of their first lines."""
    found: dict[_Answers, _Lines] = {}
    lacking = False
    for number, line in each_prediction(file):
        read = line if answer is None else line.read_as(answer)
        lacking = lacking or read is None
        if read is not None:
            same = _Answers(read.model, read.expected, read.label)
            found.setdefault(same, _Lines(number)).count += 1
    if lacking:
        raise RunError(f"{file}: {no_reading(answer)}")
    return found


def _labels(given: str | None, file: Path, found: Iterable[_Answers]) -> LabelSet:
    if given is not None:
        names = [name.strip() for name in given.split(",") if name.strip()]
    elif (file.parent / RECORD).is_file():
        names = list(RunDirectory.load(file.parent, finished=False).record.experiment["labels"])
    else:
        names = sorted({n for one in found for n in (one.expected, one.label) if n is not None})
        screen.note(f"labels taken from the file: {', '.join(names)}; --labels sets others")
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise RunError(
            f"{file}: two or more different labels are needed; set them, e.g. --labels 0,1"
        )
    return LabelSet.model_validate(names)


def _check(file: Path, found: Mapping[_Answers, _Lines], names: LabelSet) -> None:
    if not found:
        raise RunError(f"{file}: the file has no predictions; write some with: tunesmith predict")
    for answers, lines in found.items():
        if answers.expected is None:
            raise RunError(
                f"{file}, line {lines.first}: no expected label; make the predictions "
                "from rows with labels: tunesmith predict MODEL DATA --labelled"
            )
        for name in (answers.expected, answers.label):
            if name is not None and name not in names:
                raise RunError(
                    f"{file}, line {lines.first}: {name!r} is not one of the labels "
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
