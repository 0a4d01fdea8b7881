"""What a report of a run says, before it is a page, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tunesmith.audit import Audit
from tunesmith.calibration import Calibration
from tunesmith.charts import Standing
from tunesmith.comparison import Comparison
from tunesmith.errors import RunError
from tunesmith.evaluation import Evaluation
from tunesmith.records import LearningCurve, ModelRole, Prediction, Record
from tunesmith.report import verdict, words
from tunesmith.report.calibrated import CalibrationWords, calibrated
from tunesmith.report.cases import Cases, find_cases
from tunesmith.report.machine import measured_with
from tunesmith.report.verdict import Headline
from tunesmith.runs import DataRecord, RunRecord

SCHEMA_VERSION = 1
DEFAULT_GENERATION = (
    "Generation: watsonx.ai's defaults (greedy, at most 20 new tokens), tuned and base alike."
)
"""Stands where no parameter of generation was set."""

_TITLES = {"majority": "Majority class", verdict.TFIDF: "TF-IDF + logistic regression"}
_NAMES = {"majority": "Majority", verdict.TFIDF: "TF-IDF"}


class Document(Record):
    """The report of a run, verdict first; ``report.json`` holds it."""

    schema_version: int = SCHEMA_VERSION
    name: str
    created_at: datetime
    backend: str
    base_model: str
    headline: Headline
    warnings: tuple[str, ...]
    comparison: Comparison | None
    """Tuned against base; in JSON without its disagreements, which are among the cases."""
    cheap_truth: str
    """TF-IDF against the run's own model in words; empty where it was not measured."""
    scoreboard: tuple[Standing, ...]
    curve: LearningCurve | None
    curve_words: str
    evaluations: dict[ModelRole, Evaluation]
    calibration: Calibration | None
    """Of the tuned model's label probabilities, where the run has validation rows."""
    calibration_words: CalibrationWords | None
    cases: Cases
    notes: tuple[str, ...]
    method: dict[str, Any]
    """As it was tuned with, defaults included."""
    labels: dict[str, Any]
    generation: dict[str, Any]
    """Empty: see ``DEFAULT_GENERATION``."""
    details: dict[str, Any]
    """What the backend reports of the tuning."""
    data: dict[str, DataRecord]
    audit: Audit | None
    provenance: dict[str, Any]
    seconds: dict[str, float]
    """Wall time of each stage."""
    options: dict[str, Any]
    """Options of the backend, secrets redacted."""

    @property
    def primary(self) -> ModelRole:
        """The model that the run is about: the tuned one where there is one."""
        return "tuned" if "tuned" in self.evaluations else "base"

    def to_json(self) -> str:
        """Return the report as JSON text."""
        return self.model_dump_json(indent=2, exclude={"comparison": {"disagreements"}})


def make_document(record: RunRecord, predictions: Sequence[Prediction]) -> Document:
    """Return what the report of a run says; the same arguments give the same document.

    Args:
        record: of a run that was evaluated.
        predictions: all that it made, in any order.

    Raises:
        RunError: the record holds no evaluation.
    """
    if not record.evaluations:
        raise RunError(f"run {record.name!r} holds no evaluation; there is nothing to report")
    curve = _curve(record)
    return Document(
        name=record.name,
        created_at=record.created_at,
        backend=record.backend,
        base_model=record.base_model,
        headline=verdict.headline(record),
        warnings=verdict.warnings(record),
        comparison=record.comparison,
        cheap_truth=verdict.cheap_truth(record.baselines),
        scoreboard=tuple(_standings(record)),
        curve=curve,
        curve_words=_curve_in_words(record, curve) if curve else "",
        evaluations=dict(sorted(record.evaluations.items(), reverse=True)),
        calibration=record.calibration,
        calibration_words=calibrated(record.calibration) if record.calibration else None,
        cases=find_cases(record, predictions),
        notes=record.notes,
        method=record.model.method if record.model else record.experiment["method"],
        labels=record.experiment["labels"],
        generation=words.given(record.experiment.get("generation")),
        details={key: value for key, value in _details(record).items() if key != "notes"},
        data=record.data,
        audit=record.audit,
        provenance=_provenance(record),
        seconds=record.seconds,
        options=record.options,
    )


def _standings(record: RunRecord) -> list[Standing]:
    spent = record.seconds
    tuning = [spent[stage] for stage in ("tune", "deploy", "predict tuned") if stage in spent]
    times = {"tuned": sum(tuning) if tuning else None, "base": spent.get("predict base")}
    own = [
        Standing(role.title(), f"{role.title()} model", evaluation, times[role], role)
        for role, evaluation in sorted(record.evaluations.items(), reverse=True)
    ]
    cheap = [
        Standing(
            _NAMES.get(b.method, b.method), _TITLES.get(b.method, b.method), b.evaluation,
            b.seconds, "baseline",
        )
        for b in sorted(record.baselines, key=lambda b: -b.evaluation.accuracy)
    ]  # fmt: skip
    return own + cheap


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
