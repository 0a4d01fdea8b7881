"""The record of a run: every fact about it except its predictions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, model_validator

from tunesmith.audit import Audit
from tunesmith.clock import now
from tunesmith.evaluation.calibration import Calibration
from tunesmith.evaluation.comparison import Comparison
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.hookspecs import MethodKind
from tunesmith.plugins import development_models
from tunesmith.records import BaseInput, Deployment, ModelRole, Reading, Record, TunedModel, Usage
from tunesmith.runs.directory import StoredRecord
from tunesmith.runs.old_names import OLD_METHODS

RunStatus = Literal["running", "completed", "failed", "interrupted"]


class DataRecord(Record):
    """A data set as a run used it."""

    source: str
    rows: int
    fingerprint: str


class Baseline(Record):
    """A simple method on the same rows, beside that of the run."""

    method: str
    title: str = ""
    """The method in a sentence."""
    long_title: str = ""
    """The method in full."""
    kind: MethodKind | None = None
    evaluation: Evaluation
    seconds: float
    """Fit and predict together."""
    comparison: Comparison
    """The run's own model against the baseline."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Complete a record that holds the method's name alone."""
        old = OLD_METHODS.get(values["method"])
        kind = values.get("kind") or (old.kind if old else None)
        title = values.get("title") or (old.title if old else "") or values["method"]
        long_title = values.get("long_title") or (old.long_title if old else "") or title
        return {**values, "kind": kind, "title": title, "long_title": long_title}


class OtherReading(Record):
    """The numbers of a run in the reading that is not the verdict's."""

    answer: Reading
    evaluations: dict[ModelRole, Evaluation]
    comparison: Comparison | None = None


class ChatChoice(Record):
    """Whether a model was asked in its chat template, with the reason."""

    chat: bool
    why: str
    rows: int = 0
    """Training rows that were asked both ways; 0 if nothing was measured."""
    chat_correct: int | None = None
    """Right decisions of the untuned model among them, in the chat template."""
    plain_correct: int | None = None
    """The same as plain text."""
    text: str | None = None
    """The prompt of the first training row, special tokens included."""


class RunRecord(StoredRecord):
    """All facts about a run except its predictions."""

    name: str
    status: RunStatus = "running"
    error: str | None = None
    created_at: datetime = Field(default_factory=now)
    finished_at: datetime | None = None
    experiment: dict[str, Any]
    """As in the experiment file; data paths are absolute, so that it resumes from anywhere."""
    backend: str
    options: dict[str, Any]
    """Options of the backend, secrets redacted."""
    base_model: str
    method_kind: MethodKind | None = None
    """The kind of its method; None in old records: see :attr:`kind`."""
    stand_in: str | None = None
    development: tuple[str, ...] | None = None
    """The base model, or its stand-in, if it is a small one for development; None in old
    records: see :meth:`is_development`."""
    emulated: bool = False
    seed_honored: bool
    alone: bool = False
    """Whether only the method's own model was asked: no base model beside a tuned one, no
    baselines. This is the case in a ladder or a benchmark."""
    data: dict[str, DataRecord]
    """``train``, ``test`` and, if there is one, ``validation``."""
    audit: Audit | None = None
    """Of the training file and the test file; None in old records."""
    job_id: str | None = None
    model: TunedModel | None = None
    deployment: Deployment | None = None
    answer: Reading = "text"
    """The reading of answers that ``evaluations`` and ``comparison`` are about; text in old
    records."""
    left_out: dict[Reading, str] = Field(default_factory=dict)
    """The reading that was left out, because the settings allow no such answer; the reason."""
    base_input: BaseInput = "bare"
    """The text of the base model beside a tuned one; in old records the bare input."""
    chat: ChatChoice | None = None
    """Whether the model was asked in its chat template; None if the method did not ask for it."""
    evaluations: dict[ModelRole, Evaluation] = Field(default_factory=dict)
    comparison: Comparison | None = None
    """Tuned against base."""
    other_reading: OtherReading | None = None
    """The same in the other reading, if every model of the run holds it."""
    baselines: tuple[Baseline, ...] = ()
    calibration: Calibration | None = None
    """Of the tuned model, if the backend gives probabilities and there are validation rows."""
    base_calibration: Calibration | None = None
    """Of the base model, likewise."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Wall time of each stage."""
    usage: Usage | None = None
    """Tokens of all requests, if the backend counts them; not those of the training."""
    scripted: int = 0
    """Answers that a test had prepared, so that no model gave them."""
    notes: tuple[str, ...] = ()
    """For the reader: truncated rows, repeated init text, a seed not honored…"""
    provenance: dict[str, Any] = Field(default_factory=dict)

    @property
    def kind(self) -> MethodKind | None:
        """The kind of the run's method; None if an old record does not tell."""
        methods = (self.experiment["method"], self.model.method if self.model else {})
        old = (OLD_METHODS[m["name"]].kind for m in methods if m.get("name") in OLD_METHODS)
        return self.method_kind or next(old, None)

    def is_development(self, base_model: str) -> bool:
        """Return whether ``base_model`` is a small stand-in for development.

        An old record does not contain this; then the installed plugins decide.
        """
        if self.development is None:
            return bool(development_models(base_model))
        return base_model in self.development

    @property
    def primary(self) -> ModelRole:
        """The model that the run is about: the tuned one if there is one."""
        return "tuned" if "tuned" in self.evaluations else "base"

    def model_name(self, role: ModelRole) -> str:
        """Return a model of the run in words, without an article."""
        if role == "tuned":
            return "tuned model"
        return "untuned model" if self.primary == "tuned" else "prompted model"
