"""Run directories: the files of one execution of an experiment, written atomically.

run.json            the record; its ``status`` is ``completed`` if the run is complete
predictions.jsonl   a line for each row and model
probabilities.jsonl a line for each validation and test row, if the run was calibrated
learning_curve.svg  report.html  report.md  report.json  adapter/
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from tunesmith.atomic import write_atomically
from tunesmith.clock import now
from tunesmith.errors import RunError, first_problem, near_misses, reason_of, unreadable
from tunesmith.evaluation.calibration import ScoredRow
from tunesmith.records import ModelRole, Prediction, Record, json_lines
from tunesmith.runs.diagnosis import Symptom, diagnose, needs_answers
from tunesmith.runs.directory import RecordDirectory, new_name, read_record, slug_of
from tunesmith.runs.judgment import judge
from tunesmith.runs.record import OtherReading, RunRecord

RECORD = "run.json"
PREDICTIONS = "predictions.jsonl"
PROBABILITIES = "probabilities.jsonl"
LEARNING_CURVE = "learning_curve.svg"
REPORT = "report.html"
ADAPTER = "adapter"
TUNED_MODEL = "tuned_model.json"
"""The file of an adapter folder that describes its tuned model."""


class RunDirectory(RecordDirectory[RunRecord]):
    """A run directory and its record."""

    noun, file_name = "run", RECORD

    @classmethod
    def create(
        cls, runs_dir: Path, record: RunRecord, begin: Callable[[Path], Mapping[str, Any]]
    ) -> Self:
        """Make a new directory under ``runs_dir``; otherwise as :meth:`at`."""
        name = new_name(record.created_at, slug_of(record.name) or "run", record.backend)
        return cls.at(runs_dir / name, record, begin)

    @classmethod
    def load(cls, directory: Path | str, *, finished: bool = True) -> Self:
        """Read a run directory; with ``finished``, refuse a run that is not completed.

        Raises:
            RunError: no run there, unreadable, of another version, or not finished.
        """
        path = Path(directory)
        file = path / RECORD
        if not file.is_file():
            siblings = (p.parent.name for p in path.parent.glob(f"*/{RECORD}"))
            raise RunError(f"{path}: no run here (no {RECORD}).{near_misses(path.name, siblings)}")
        record = read_record(file, RunRecord, "run")
        if finished and record.status != "completed":
            raise RunError(
                f"{path}: the run is {record.status}, not completed; "
                f"resume it with: tunesmith resume {shlex.quote(str(path))}"
            )
        return cls(path, record)

    def note(self, text: str) -> None:
        """Add a note, once."""
        if text not in self.record.notes:
            self.update(notes=(*self.record.notes, text))

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage of the pipeline; a resumed stage adds to its time.

        Yields a place for the fields of the record that the stage finds. They are written with its
        time, so that a killed process keeps both or does the stage again.
        """
        start = time.monotonic()
        found: dict[str, Any] = {}
        yield found
        spent = self.record.seconds.get(name, 0.0) + time.monotonic() - start
        self.update(seconds={**self.record.seconds, name: round(spent, 3)}, **found)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Record how the work ended: completed, failed with the reason, or interrupted.

        Raises:
            RunError: another process works on this run; its record is left alone.
        """
        with self.locked():
            self.update(status="running", error=None)
            try:
                yield
            except KeyboardInterrupt:
                self._end_early(status="interrupted")
                raise
            except Exception as error:
                self._end_early(status="failed", error=reason_of(error), finished_at=now())
                raise
            self.update(status="completed", finished_at=now())

    def _end_early(self, **changes: Any) -> None:
        with suppress(OSError):  # a full disk must not hide the error itself
            self.update(**changes)

    def write_predictions(self, predictions: Sequence[Prediction]) -> None:
        """Write ``predictions.jsonl``."""
        write_atomically(self.directory / PREDICTIONS, json_lines(predictions))

    def write_probabilities(self, rows: Sequence[ScoredRow]) -> None:
        """Write ``probabilities.jsonl``."""
        write_atomically(self.directory / PROBABILITIES, json_lines(rows))

    def predictions(self) -> list[Prediction]:
        """Read ``predictions.jsonl``, as :func:`read_predictions`."""
        return read_predictions(self.directory / PREDICTIONS)

    def answers(self, model: ModelRole | None = None) -> list[Prediction]:
        """Return the predictions of ``model``, by default of the one that the run is about."""
        role = model or self.record.primary
        return [p for p in self.predictions() if p.model == role]

    def diagnosis(self) -> tuple[Symptom, ...]:
        """Return the findings of the run; its answers are read only if some are no label."""
        answers: Sequence[Prediction] = ()
        if needs_answers(self.record):
            # Without them the diagnosis is shorter, but the record is still useful.
            with suppress(RunError):
                answers = self.predictions()
        return diagnose(self.record, answers)

    def summary(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        record, other = self.record, self.record.other_reading
        found = judge(record)
        return {
            "headline": found.headline,
            "run_dir": str(self.directory),
            **{name: getattr(record, name) for name in _RECORDED},
            "method": record.experiment["method"]["name"],
            "seed": record.experiment["seed"],
            "answer": record.answer,
            "base_input": record.base_input,
            "chat": record.chat.model_dump(mode="json") if record.chat else None,
            "test": {"rows": record.data["test"].rows},
            **_numbers(record),
            "baselines": {b.method: _values(b.evaluation, _SCORES) for b in record.baselines},
            "judgment": found.model_dump(mode="json"),
            "diagnosis": [one.model_dump(mode="json") for one in self.diagnosis()],
            "other_reading": {"answer": other.answer, **_numbers(other)} if other else None,
            "steps": record.model.details.get("optimizer_steps") if record.model else None,
            "seconds": record.seconds,
            "notes": list(record.notes),
        }


def read_predictions(path: Path) -> list[Prediction]:
    """Read a predictions file, as :func:`each_prediction`."""
    return [prediction for _, prediction in each_prediction(path)]


def each_prediction(path: Path) -> Iterator[tuple[int, Prediction]]:
    """Yield the predictions of a file, each behind the number of its line; only one is held.

    Raises:
        RunError: the file is missing or a line of it is wrong; the message names the line.
    """
    try:
        # Not str.splitlines: it also splits at U+2028 and others, which JSON allows in a text.
        with path.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, _prediction(path, number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(unreadable(error, path)) from None


def _prediction(path: Path, number: int, line: str) -> Prediction:
    try:
        return Prediction.from_json(line)
    except ValidationError as error:
        raise RunError(
            f"{path}, line {number}: not a prediction ({first_problem(error)}); "
            "give a file that 'tunesmith predict' or a run wrote"
        ) from None


_RECORDED = ("name", "status", "backend", "base_model", "stand_in", "emulated")
_SCORES = ("accuracy", "accuracy_interval", "f1_macro", "unparsable")
_COMPARED = (
    "verdict", "by_format", "difference", "interval", "p_value", "rows_needed", "agreement", "kappa"
)  # fmt: skip


def _numbers(found: RunRecord | OtherReading) -> dict[str, Any]:
    return {
        "tuned": _values(found.evaluations.get("tuned"), _SCORES),
        "base": _values(found.evaluations.get("base"), _SCORES),
        "comparison": _values(found.comparison, _COMPARED),
    }


def _values(record: Record | None, names: Sequence[str]) -> dict[str, Any] | None:
    """Return the fields ``names`` of ``record`` as JSON has them; None if there is no record."""
    if record is None:
        return None
    values = ((name, getattr(record, name)) for name in names)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values}
