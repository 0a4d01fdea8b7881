"""Trials, their results, and the records of ladders and benchmarks. All can be stored as JSON.

The keys ``cell``, ``rung`` and ``tunes`` of the JSON files are older than the names of the fields.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeVar, cast

from pydantic import AliasChoices, ConfigDict, Field

from tunesmith.clock import now
from tunesmith.evaluation.comparison import p_text
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.evaluation.readings import READINGS
from tunesmith.evaluation.statistics import wilson_interval
from tunesmith.plugins import method_entry
from tunesmith.records import Reading, Record
from tunesmith.runs.directory import StoredRecord
from tunesmith.sweep.costs import UNKNOWN, Cost
from tunesmith.sweep.latency import Latency, percentiles

TrialStatus = Literal["waiting", "done", "failed", "skipped"]
SweepStatus = Literal["running", "interrupted", "incomplete", "completed"]
"""``incomplete``: the sweep ended, and a trial failed."""
CAUTION = (
    "'not shown to beat' does not mean equal, because more test rows may show a difference. The "
    "best step was chosen on the rows that measure it, so its accuracy is probably too high: "
    "confirm the choice on rows that no step has used"
)


def _renamed(old: str, new: str) -> Any:
    return Field(validation_alias=AliasChoices(new, old), serialization_alias=old)


class _Renamed(Record):
    """Base of records with a field whose JSON key is another name."""

    model_config = ConfigDict(serialize_by_alias=True)


class Trial(_Renamed):
    """One experiment on one backend."""

    name: str
    """Of the method in tables; two settings of one method have two names."""
    backend: str
    """The name in tables; see ``BackendRef``."""
    base_model: str
    seed: int
    experiment: dict[str, Any]
    """As in an experiment file, data paths absolute."""
    directory: str
    """Of its run, relative to that of the sweep. No two trials of a sweep share one."""
    trains_base_model: bool = _renamed("tunes", "trains_base_model")
    """Whether the base model itself is tuned. A prompt, or a classifier beside it, does not."""
    notes: tuple[str, ...] = ()
    """The changes made to fit the backend."""

    @property
    def constant(self) -> bool:
        """Whether every row gets the same answer."""
        entry = method_entry(self.name)
        return entry is not None and entry.kind == "constant"

    def __str__(self) -> str:
        return f"{self.name} on {self.backend}, {self.base_model}, seed {self.seed}"


class TrialResult(_Renamed):
    """The outcome of a trial."""

    trial: Trial = _renamed("cell", "trial")
    status: TrialStatus = "waiting"
    reason: str | None = None
    """Why it failed or was skipped."""
    evaluation: Evaluation | None = None
    answer: Reading = "text"
    """The reading of answers that ``evaluation`` is about."""
    other_evaluation: Evaluation | None = None
    """The same in the other reading, if the run holds it."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Wall time of each stage."""
    cost: Cost | None = None
    costs_money: bool = False
    """As the backend declared."""
    latency: Latency | None = None
    stand_in: str | None = None
    emulated: bool = False
    notes: tuple[str, ...] = ()

    @property
    def total_seconds(self) -> float:
        """Wall time of all stages."""
        return sum(self.seconds.values())

    @property
    def open(self) -> bool:
        """Whether the trial has not run yet, or failed and runs again."""
        return self.status in ("waiting", "failed")

    @property
    def outcome(self) -> str:
        """The outcome in a few words."""
        if self.evaluation is None:
            return f"{self.status}: {self.reason}" if self.reason else self.status
        return f"accuracy {self.evaluation.accuracy:.3f} in {self.total_seconds:.1f} s"

    def read_as(self, answer: Reading) -> TrialResult | None:
        """Return the result in a reading; None if its run does not hold that reading."""
        if self.evaluation is None or answer == self.answer:
            return self
        if self.other_evaluation is None:
            return None
        swapped = {"evaluation": self.other_evaluation, "other_evaluation": self.evaluation}
        return self.model_copy(update={"answer": answer, **swapped})


def in_common(results: Sequence[TrialResult]) -> tuple[list[TrialResult], Reading | None]:
    """Return the results in a reading that all hold, and that reading.

    If all have the same reading, that one is returned; otherwise decisions are preferred to text.
    If nothing is done, or if the results have no reading in common, returns them unchanged and
    None.
    """
    judged = {result.answer for result in results if result.status == "done"}
    for answer in READINGS if len(judged) > 1 else judged:
        read = [one for result in results if (one := result.read_as(answer))]
        if len(read) == len(results):
            return read, answer
    return list(results), None


class SweepRecord(StoredRecord):
    """The record of a sweep: many trials on the same rows."""

    kind: ClassVar[str]
    grows: ClassVar[bool] = False
    """Whether a later call may add trials."""

    name: str
    status: SweepStatus = "running"
    created_at: datetime = Field(default_factory=now)
    finished_at: datetime | None = None
    setup: dict[str, Any]
    """Backends with options (secrets redacted) and fingerprints of the data. With the trials, they
    decide the results."""
    results: tuple[TrialResult, ...]
    notes: tuple[str, ...] = ()


class StepComparison(_Renamed):
    """The comparison of the best step of a ladder with a cheaper one, on the same rows."""

    step: str = _renamed("rung", "step")
    """The cheaper one."""
    difference: float
    """Accuracy of the best less that of this one."""
    p_value: float
    """Two-sided, of the exact McNemar test."""
    corrected_p: float
    """After Holm, over all cheaper steps."""
    established: bool
    """Whether the best step is shown to be right more often."""
    by_format: bool = False
    """Whether the difference is only in format: without answers that are no label it is 0."""
    unparsable: int | None = None
    """Answers of the cheaper step that are no label."""

    @property
    def line(self) -> str:
        """The comparison in a few words."""
        verdict = "beaten" if self.established else "not shown to be worse"
        if self.established and self.by_format:
            verdict = "a difference of format"
        return f"{verdict} ({-self.difference:+.3f}, {p_text(self.corrected_p)})"


class LadderVerdict(Record):
    """The step to take."""

    best: str
    """The step of the highest accuracy; of equals the cheapest."""
    recommended: str
    """The cheapest step that the best one is not established to beat."""
    comparisons: tuple[StepComparison, ...]
    answer: Reading = "text"
    """The reading of answers in which the steps were compared."""
    lead: str
    """The recommendation in a few words."""
    why: str
    settled: bool
    """Whether the verdict answers if tuning is needed; False if nothing was tuned."""
    caution: str = CAUTION

    @property
    def sentence(self) -> str:
        """Recommendation and reason."""
        return f"{self.lead}: {self.why}."


class LadderRecord(SweepRecord):
    """``ladder.json``. ``results`` are the steps, cheapest first."""

    kind = "ladder"
    grows = True

    stop_at: float | None = None
    """The ladder stops after a step whose interval of accuracy is at or above this."""
    stopped_at: str | None = None
    """The step after which it ended."""
    verdict: LadderVerdict | None = None
    """None until the ladder ends, and if no step is done."""


class BenchmarkLine(Record):
    """One method on one backend with one base model, over all seeds."""

    method: str
    backend: str
    base_model: str
    stand_in: str | None = None
    emulated: bool = False
    seeds: tuple[int, ...]
    """Those whose trials are done; the figures are over these."""
    planned: int
    """Number of seeds in the file."""
    status: TrialStatus
    """``done`` if the trial of one seed is done, otherwise the status of the first."""
    accuracy: float | None = None
    """Mean."""
    accuracy_range: tuple[float, float] | None = None
    accuracy_interval: tuple[float, float] | None = None
    """Wilson's 95 % interval for one run of the mean accuracy: the seeds share their test rows."""
    unparsable: float | None = None
    """Mean of unparsable answers, as a share."""
    seconds: float | None = None
    """Mean wall time of all stages."""
    cost: Cost | None = None
    """Mean."""
    latency: Latency | None = None
    """Over the requests of all seeds."""


class BenchmarkRecord(SweepRecord):
    """``benchmark.json``."""

    kind = "benchmark"

    lines: tuple[BenchmarkLine, ...] = ()


AnySweep = LadderRecord | BenchmarkRecord
SWEEPS: dict[str, type[AnySweep]] = {kind.kind: kind for kind in (LadderRecord, BenchmarkRecord)}
"""By the name of the record's file without its ending."""
S = TypeVar("S", bound=AnySweep)


def with_results(record: S, results: tuple[TrialResult, ...]) -> S:
    """Return ``record`` with other results and, in a benchmark, their lines."""
    lines = {"lines": lines_of(results)} if isinstance(record, BenchmarkRecord) else {}
    return cast("S", record.model_copy(update={"results": results, **lines}))


def lines_of(results: Sequence[TrialResult]) -> tuple[BenchmarkLine, ...]:
    """Return a line for each method, backend and base model, in the order of the trials.

    The figures are those of the reading of answers that all trials hold.
    """
    groups: dict[tuple[str, str, str], list[TrialResult]] = {}
    for result in in_common(results)[0]:
        trial = result.trial
        groups.setdefault((trial.base_model, trial.name, trial.backend), []).append(result)
    return tuple(_line(group) for group in groups.values())


def _line(group: Sequence[TrialResult]) -> BenchmarkLine:
    trial = group[0].trial
    done = [result for result in group if result.status == "done"]
    return BenchmarkLine(
        method=trial.name,
        backend=trial.backend,
        base_model=trial.base_model,
        seeds=tuple(result.trial.seed for result in done),
        planned=len(group),
        status=(done or group)[0].status,
        **(_figures(done) if done else {}),
    )


def _figures(done: Sequence[TrialResult]) -> dict[str, Any]:
    scores = [result.evaluation for result in done if result.evaluation is not None]
    accuracies = [score.accuracy for score in scores]
    mean, rows = statistics.fmean(accuracies), scores[0].rows
    requests = [t for result in done if result.latency for t in result.latency.requests]
    return {
        "stand_in": done[0].stand_in,
        "emulated": any(result.emulated for result in done),
        "accuracy": mean,
        "accuracy_range": (min(accuracies), max(accuracies)),
        "accuracy_interval": wilson_interval(round(mean * rows), rows),
        "unparsable": statistics.fmean(score.unparsable / score.rows for score in scores),
        "seconds": statistics.fmean(result.total_seconds for result in done),
        "cost": _mean_cost([result.cost or UNKNOWN for result in done]),
        "latency": percentiles(requests) if requests else None,
    }


def _mean_cost(costs: Sequence[Cost]) -> Cost:
    amounts = [cost.amount for cost in costs if cost.amount is not None]
    if len(amounts) < len(costs):
        return UNKNOWN
    return Cost(currency=costs[0].currency, amount=statistics.fmean(amounts))
