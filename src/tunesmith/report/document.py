"""The content of a run's report, before it is a page, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tunesmith.audit import Audit
from tunesmith.errors import RunError
from tunesmith.evaluation.calibration import Calibration
from tunesmith.evaluation.comparison import Comparison
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.records import LearningCurve, ModelRole, Prediction, Reading, Record
from tunesmith.report import formatting as words
from tunesmith.report import verdict
from tunesmith.report.cases import Cases, find_cases
from tunesmith.report.charts import Standing
from tunesmith.report.formatting import measured_with
from tunesmith.report.verdict import (
    Against,
    CalibrationWords,
    Headline,
    calibrated,
    probability_words,
)
from tunesmith.runs.diagnosis import Symptom, diagnose
from tunesmith.runs.judgment import UNTUNED, Judgment, judge
from tunesmith.runs.record import Baseline, ChatChoice, DataRecord, OtherReading, RunRecord

SCHEMA_VERSION = 1


class Document(Record):
    """The report of a run, verdict first; ``report.json`` holds it."""

    schema_version: int = SCHEMA_VERSION
    name: str
    created_at: datetime
    backend: str
    base_model: str
    headline: Headline
    judgment: Judgment
    opponents: tuple[Against, ...]
    """The run's own model with each of them, Holm-corrected."""
    diagnosis: tuple[Symptom, ...]
    warnings: tuple[str, ...]
    answer: Reading
    """The reading of answers that the verdict is about."""
    answer_words: str
    other_reading: OtherReading | None
    chat: ChatChoice | None
    """The choice between chat template and plain text, with the reason."""
    read: dict[str, str]
    """The text of the first test row as each model read it, special tokens included, by role."""
    comparison: Comparison | None
    """Tuned against base; in JSON without its disagreements, which are among the cases."""
    cheap_truth: str
    """The best simple classifier against the run's own model, in words; empty if none was measured.
    The name is that of the first release's files."""
    scoreboard: tuple[Standing, ...]
    curve: LearningCurve | None
    curve_words: str
    evaluations: dict[ModelRole, Evaluation]
    calibration: Calibration | None
    """Of the label probabilities of the run's own model, if the run has validation rows."""
    calibration_words: CalibrationWords | None
    base_calibration: Calibration | None
    """The same for the untuned model beside a tuned one."""
    probability_words: str
    """A sentence on the probabilities in the list of cases; empty if none were recorded."""
    cases: Cases
    notes: tuple[str, ...]
    method: dict[str, Any]
    """As it was tuned with, defaults included."""
    labels: dict[str, Any]
    generation: dict[str, Any]
    """Empty: the defaults of ``sections.DEFAULT_GENERATION``."""
    details: dict[str, Any]
    """Facts about the tuning, from the backend."""
    data: dict[str, DataRecord]
    audit: Audit | None
    provenance: dict[str, Any]
    seconds: dict[str, float]
    """Wall time of each stage."""
    options: dict[str, Any]
    """Options of the backend, secrets redacted."""

    @property
    def subtitle(self) -> str:
        """Method, base model, backend and date, on one line."""
        method = str(self.method["name"]).replace("_", " ")
        return f"{method}, {self.base_model}, backend {self.backend}, {self.created_at:%Y-%m-%d}"

    @property
    def without_baseline(self) -> str:
        """The sentence in place of ``cheap_truth`` if that is empty."""
        titles = "".join(f"{title} " for title in verdict.classifier_baselines()[:1])
        return f"no {titles}baseline was measured beside this run."

    @property
    def primary(self) -> ModelRole:
        """The model that the run is about: the tuned one if there is one."""
        return "tuned" if "tuned" in self.evaluations else "base"

    def to_json(self) -> str:
        """Return the report as JSON text."""
        rows = {"disagreements"}
        without: dict[str, Any] = {
            "comparison": rows,
            "opponents": {"__all__": {"comparison": rows}},
            "other_reading": {"comparison": rows},
        }
        return self.model_dump_json(indent=2, exclude=without)


_AS_RECORDED = (
    "name", "created_at", "backend", "base_model", "answer", "other_reading", "chat", "comparison",
    "notes", "data", "audit", "seconds", "options",
)  # fmt: skip
"""Fields of a document that are those of the record."""
_TOLD_ELSEWHERE = ("notes", "artifact")
"""Details of a tuned model that are among the notes or in the model card."""


def make_document(record: RunRecord, predictions: Sequence[Prediction]) -> Document:
    """Return the report of a run; the same arguments give the same document.

    Args:
        record: of a run that was evaluated.
        predictions: all that it made, in any order.

    Raises:
        RunError: the record has no evaluation.
    """
    if not record.evaluations:
        raise RunError(f"run {record.name!r} has no evaluation; there is nothing to report")
    curve, found = _curve(record), judge(record)
    own = record.calibration if record.primary == "tuned" else record.base_calibration
    return Document(
        **{name: getattr(record, name) for name in _AS_RECORDED},
        headline=verdict.headline(record),
        judgment=found,
        opponents=verdict.against(record, found),
        diagnosis=diagnose(record, predictions),
        warnings=verdict.warnings(record),
        answer_words=verdict.reading_words(record.answer),
        read=_read(predictions),
        cheap_truth=verdict.baseline_words(record),
        scoreboard=tuple(_standings(record)),
        curve=curve,
        curve_words=_curve_in_words(record, curve) if curve else "",
        evaluations=dict(sorted(record.evaluations.items(), reverse=True)),
        calibration=own,
        calibration_words=calibrated(own) if own else None,
        base_calibration=record.base_calibration if record.primary == "tuned" else None,
        probability_words=probability_words(record, predictions),
        cases=find_cases(record, predictions),
        method=record.model.method if record.model else record.experiment["method"],
        labels=record.experiment["labels"],
        generation=words.given(record.experiment.get("generation")),
        details={
            key: value for key, value in _details(record).items() if key not in _TOLD_ELSEWHERE
        },
        provenance=_provenance(record),
    )


def _standings(record: RunRecord) -> list[Standing]:
    other = record.other_reading
    own = list(_own_standings(record, record.evaluations, record.answer if other else None))
    if other is not None:
        apart = _own_standings(record, other.evaluations, other.answer)
        own += [replace(standing, kind="other", seconds=None) for standing in apart]
    cheap = [
        Standing(*_titles(b), b.evaluation, b.seconds, "baseline")
        for b in sorted(record.baselines, key=lambda b: -b.evaluation.accuracy)
    ]  # fmt: skip
    return own + cheap


def _titles(baseline: Baseline) -> tuple[str, str]:
    """Return the name of a baseline in the chart and in the table."""
    if baseline.kind == "constant":
        return "Majority", "Majority class"
    if baseline.method == UNTUNED:
        return "Untuned", "Untuned model, decision on the same text"
    return baseline.title, baseline.long_title


def _own_standings(
    record: RunRecord, evaluations: dict[ModelRole, Evaluation], answer: Reading | None
) -> Iterator[Standing]:
    spent = record.seconds
    tuning = [spent[stage] for stage in ("tune", "deploy", "predict tuned") if stage in spent]
    times = {"tuned": sum(tuning) if tuning else None, "base": spent.get("predict base")}
    how = f", {answer}" if answer else ""
    for role, evaluation in sorted(evaluations.items(), reverse=True):
        title = f"{role.title()} model{how}"
        yield Standing(f"{role.title()}{how}", title, evaluation, times[role], role)


def _read(predictions: Sequence[Prediction]) -> dict[str, str]:
    first: dict[ModelRole, Prediction] = {}
    for one in predictions:
        if one.model not in first or one.row < first[one.model].row:
            first[one.model] = one
    return {role: first[role].prompt for role in sorted(first, reverse=True)}


def _curve(record: RunRecord) -> LearningCurve | None:
    curve = record.model.curve if record.model else LearningCurve()
    return curve if curve.steps or curve.epochs else None


def _curve_in_words(record: RunRecord, curve: LearningCurve) -> str:
    steps = _details(record).get("optimizer_steps") or len(curve.steps)
    epochs = f" in {words.count(len(curve.epochs), 'epoch')}" if curve.epochs else ""
    said = [f"{words.count(steps, 'optimizer step')}{epochs}."]
    if len(curve.epochs) > 1:
        first, last = curve.epochs[0], curve.epochs[-1]
        said.append(f"The training loss went from {first.loss:.3g} to {last.loss:.3g}.")
    if curve.best_epoch is not None:
        said.append(f"Validation chose epoch {curve.best_epoch}; its prompt was kept.")
    return " ".join(said)


def _details(record: RunRecord) -> dict[str, Any]:
    return record.model.details if record.model else {}


def _provenance(record: RunRecord) -> dict[str, Any]:
    seed = record.experiment.get("seed")
    facts = {
        "seed": f"{seed}, {'honored' if record.seed_honored else 'not honored by the backend'}",
        "started": f"{record.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "stand-in": record.stand_in or "none",
        "emulated": record.emulated,
        "job": record.job_id,
        **measured_with([record.provenance]),
    }
    return words.given(facts)
