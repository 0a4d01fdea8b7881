"""Answers of ``tunesmith predict --abstain-below``: only where the model is sure enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tunesmith.atomic import write_atomically
from tunesmith.cli import screen
from tunesmith.cli.prediction_source import Asked
from tunesmith.cli.results import score_table
from tunesmith.errors import RunError
from tunesmith.evaluation.metrics import Evaluation, evaluate
from tunesmith.records import Prediction, Record


class Answer(Record):
    """What the tuned model says for one row, or that it abstains."""

    row: int
    input: str
    label: str | None
    """None where it abstains, or where the text is no label."""
    abstained: bool
    probability: float
    """The highest calibrated one."""
    expected: str | None


def require_calibration(asked: Asked) -> None:
    """Refuse a model whose probabilities were not calibrated.

    Raises:
        RunError: its run has no calibration, or there is no run.
    """
    if asked.calibration is None:
        raise RunError(
            "--abstain-below needs a model of a run that was calibrated: give the run "
            "directory, of an experiment with data.validation on a backend with label scores"
        )


def answers(predictions: Sequence[Prediction], below: float) -> list[Answer]:
    """Drop the answers whose calibrated probability is lower than ``below``."""
    highest = [max((p.calibrated or {}).values(), default=0.0) for p in predictions]
    return [
        Answer(
            row=p.row,
            input=p.input,
            label=p.label if probability >= below else None,
            abstained=probability < below,
            probability=probability,
            expected=p.expected,
        )
        for p, probability in zip(predictions, highest, strict=True)
    ]


def show(
    given: Sequence[Answer],
    predictions: Sequence[Prediction],
    asked: Asked,
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    """Write and print the answers, with scores on the rows that are answered."""
    if output is not None:
        write_atomically(output, "".join(a.model_dump_json() + "\n" for a in given))
    kept = [p for p, a in zip(predictions, given, strict=True) if not a.abstained]
    scored = None
    if kept and all(p.expected is not None for p in kept):
        scored = evaluate(kept, asked.spec.labels)
    document = {
        "rows": len(given),
        "answered": len(kept),
        "file": None if output is None else str(output),
        "evaluation": None if scored is None else scored.model_dump(mode="json"),
        "predictions": [a.model_dump(mode="json") for a in given],
    }
    screen.emit(as_json, document, lambda: _lines(given, len(kept), scored, output))


def _lines(
    given: Sequence[Answer], kept: int, scored: Evaluation | None, output: Path | None
) -> Iterator[str]:
    if output is None:
        yield from screen.table(("row", "label", "sure", "expected", "input"), map(_cells, given))
        yield ""
    yield f"{kept} of {len(given)} rows answered"
    if scored is not None:
        yield from score_table({"answered": scored})
    if output is not None:
        yield screen.relative(output)


def _cells(answer: Answer) -> tuple[str, str, str, str, str]:
    said = "(abstains)" if answer.abstained else answer.label or "?"
    return (
        str(answer.row),
        said,
        f"{answer.probability:.2f}",
        "-" if answer.expected is None else answer.expected,
        screen.shortened(answer.input),
    )
