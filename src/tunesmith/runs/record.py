"""The record of a run: every fact about it except its predictions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from tunesmith.audit import Audit
from tunesmith.evaluation.calibration import Calibration
from tunesmith.evaluation.comparison import Comparison
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.records import (
    BaseInput,
    Deployment,
    ModelRole,
    Reading,
    Record,
    TunedModel,
    now,
)
from tunesmith.runs.directory import StoredRecord

RunStatus = Literal["running", "completed", "failed", "interrupted"]


class DataRecord(Record):
    """A data set as a run used it."""

    source: str
    rows: int
    fingerprint: str


class Baseline(Record):
    """A cheap method on the same rows, shown beside the expensive one."""

    method: str
    evaluation: Evaluation
    seconds: float
    """Fit and predict together."""
    comparison: Comparison
    """The run's own model against the baseline."""


class OtherReading(Record):
    """The numbers of a run in the reading that its verdict is not about."""

    answer: Reading
    evaluations: dict[ModelRole, Evaluation]
    comparison: Comparison | None = None


class ChatChoice(Record):
    """Whether a model was asked in its chat template, and why."""

    chat: bool
    why: str
    rows: int = 0
    """Training rows that were asked both ways; 0 if nothing was measured."""
    chat_correct: int | None = None
    """Right decisions of the untuned model among them, in the chat template."""
    plain_correct: int | None = None
    """The same as plain text."""
    text: str | None = None
    """What the model reads for the first training row, special tokens included."""


class RunRecord(StoredRecord):
    """Everything that a run knows about itself, except the predictions."""

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
    stand_in: str | None = None
    emulated: bool = False
    seed_honored: bool
    alone: bool = False
    """Whether only the method's own model was asked: no base model beside a tuned one, no
    baselines; so in a ladder or a benchmark."""
    data: dict[str, DataRecord]
    """``train``, ``test`` and, where there is one, ``validation``."""
    audit: Audit | None = None
    """Of the training file and the test file; None in records of before there was one."""
    job_id: str | None = None
    model: TunedModel | None = None
    deployment: Deployment | None = None
    answer: Reading = "text"
    """The reading of answers that ``evaluations`` and ``comparison`` are about; records of before
    there were two are about text."""
    base_input: BaseInput = "bare"
    """What the base model read beside a tuned one; in records of before there was a choice, the
    input as it stands."""
    chat: ChatChoice | None = None
    """Whether the model was asked in its chat template; None if the method did not ask for it."""
    evaluations: dict[ModelRole, Evaluation] = Field(default_factory=dict)
    comparison: Comparison | None = None
    """Tuned against base."""
    other_reading: OtherReading | None = None
    """The same in the other reading, if every model of the run holds it."""
    baselines: tuple[Baseline, ...] = ()
    calibration: Calibration | None = None
    """Of the tuned model, where the backend gives probabilities and there are validation rows."""
    base_calibration: Calibration | None = None
    """Of the base model, likewise."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Wall time of each stage."""
    notes: tuple[str, ...] = ()
    """What a reader must know: truncated rows, repeated init text, a seed not honored…"""
    provenance: dict[str, Any] = Field(default_factory=dict)

    @property
    def primary(self) -> ModelRole:
        """The model that the run is about: the tuned one where there is one."""
        return "tuned" if "tuned" in self.evaluations else "base"
