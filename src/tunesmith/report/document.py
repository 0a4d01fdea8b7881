"""The content of a run's report, before it is a page, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tunesmith.audit import Audit
from tunesmith.errors import RunError
from tunesmith.evaluation.calibration import Calibration
from tunesmith.evaluation.comparison import Comparison
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.records import (
    ChosenSetting,
    LearningCurve,
    ModelRole,
    Prediction,
    Reading,
    Record,
)
from tunesmith.report import formatting as words
from tunesmith.report import verdict
from tunesmith.report.cases import Cases, find_cases
from tunesmith.report.charts import Standing
from tunesmith.report.verdict import Against, CalibrationWords, Headline
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
    choices: tuple[ChosenSetting, ...]
    """The settings that were ``auto``, with their reasons."""
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
    def primary(self) -> ModelRole:
        """The model that the run is about: the tuned one if there is one."""
        return "tuned" if "tuned" in self.evaluations else "base"

    def to_json(self) -> str:
        """Return the report as JSON text."""
        without: dict[str, Any] = {"comparison": {"disagreements"}}
        nested = {"opponents": {"__all__": without}, "other_reading": without}
        return self.model_dump_json(indent=2, exclude=without | nested)


_AS_RECORDED = (
    "name", "created_at", "backend", "base_model", "answer", "other_reading", "chat", "comparison",
    "notes", "data", "audit", "seconds", "options",
)  # fmt: skip
"""Fields of a document that are those of the record."""
_TOLD_ELSEWHERE = ("notes", "artifact")
"""Details of a tuned model that are among the notes or in the model card."""


def make_document(record: RunRecord, predictions: Sequence[Prediction]) -> Document:
    """Return the report of a run; the same arguments give the same document.

    ``predictions`` are all that it made, in any order.

    Raises:
        RunError: the record has no evaluation.
    """
    if not record.evaluations:
        raise RunError(f"run {record.name!r} has no evaluation; there is nothing to report")
    model, found, tuned = record.model, judge(record), record.primary == "tuned"
    curve, details = (model.curve, model.details) if model else (LearningCurve(), {})
    own = record.calibration if tuned else record.base_calibration
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
        curve=curve if curve.steps or curve.epochs else None,
        curve_words=_curve_in_words(curve, details),
        evaluations=dict(sorted(record.evaluations.items(), reverse=True)),
        calibration=own,
        calibration_words=verdict.calibrated(own) if own else None,
        base_calibration=record.base_calibration if tuned else None,
        probability_words=verdict.probability_words(record, predictions),
        cases=find_cases(record, predictions),
        method=model.method if model else record.experiment["method"],
        choices=model.choices if model else (),
        labels=record.experiment["labels"],
        generation=words.given(record.experiment.get("generation")),
        details={key: value for key, value in details.items() if key not in _TOLD_ELSEWHERE},
        provenance=_provenance(record),
    )


def _standings(record: RunRecord) -> Iterator[Standing]:
    spent, other = record.seconds, record.other_reading
    tuning = [spent[stage] for stage in ("tune", "deploy", "predict tuned") if stage in spent]
    times = {"tuned": sum(tuning) if tuning else None, "base": spent.get("predict base")}
    readings = [(record.answer, record.evaluations, False)]
    if other is not None:
        readings.append((other.answer, other.evaluations, True))
    for answer, evaluations, apart in readings:
        how = f", {answer}" if other else ""
        for role, found in sorted(evaluations.items(), reverse=True):
            name, (seconds, kind) = role.title(), (None, "other") if apart else (times[role], role)
            yield Standing(f"{name}{how}", f"{name} model{how}", found, seconds, kind)
    for b in sorted(record.baselines, key=lambda b: -b.evaluation.accuracy):
        yield Standing(*_titles(b), b.evaluation, b.seconds, "baseline")


def _titles(baseline: Baseline) -> tuple[str, str]:
    """Return the name of a baseline in the chart and in the table."""
    if baseline.kind == "constant":
        return "Majority", "Majority class"
    if baseline.method == UNTUNED:
        return "Untuned", "Untuned model, decision on the same text"
    return baseline.title, baseline.long_title


def _read(predictions: Sequence[Prediction]) -> dict[str, str]:
    last_first = sorted(predictions, key=lambda one: -one.row)
    return dict(sorted({one.model: one.prompt for one in last_first}.items(), reverse=True))


def _curve_in_words(curve: LearningCurve, details: dict[str, Any]) -> str:
    if not (curve.steps or curve.epochs):
        return ""
    steps = details.get("optimizer_steps") or len(curve.steps)
    epochs = f" in {words.count(len(curve.epochs), 'epoch')}" if curve.epochs else ""
    said = [f"{words.count(steps, 'optimizer step')}{epochs}."]
    if len(curve.epochs) > 1:
        first, last = curve.epochs[0], curve.epochs[-1]
        said.append(f"The training loss went from {first.loss:.3g} to {last.loss:.3g}.")
    if curve.best_epoch is not None:
        said.append(f"Validation chose epoch {curve.best_epoch}; its prompt was kept.")
    return " ".join(said)


def _provenance(record: RunRecord) -> dict[str, Any]:
    seed = record.experiment.get("seed")
    facts = {
        "seed": f"{seed}, {'honored' if record.seed_honored else 'not honored by the backend'}",
        "started": f"{record.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "stand-in": record.stand_in or "none",
        "emulated": record.emulated,
        "job": record.job_id,
        **words.measured_with([record.provenance]),
    }
    return words.given(facts)
