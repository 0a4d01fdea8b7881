"""What the table of runs shows of a run, a trial, a ladder or a benchmark."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePath
from typing import Literal, NamedTuple

from tunesmith.evaluation.metrics import Evaluation
from tunesmith.runs.judgment import Judgment, Tone, judge
from tunesmith.runs.record import RunRecord
from tunesmith.sweep.records import AnySweep, BenchmarkRecord, LadderRecord, TrialResult, in_common

Kind = Literal["run", "trial", "ladder", "benchmark"]


class MeasuredOn(NamedTuple):
    """The rows on which a run was measured."""

    file: str
    """With its folder, because many are called ``test.json``."""
    rows: int
    fingerprint: str
    """Only runs with equal ones can be compared."""


class Entry(NamedTuple):
    """A line of the table."""

    id: str
    """The directory, relative to the folder of the runs, with slashes."""
    kind: Kind
    status: str
    """``running``, ``completed``…, or ``unreadable``."""
    problem: str = ""
    """Why it failed or cannot be read."""
    created_at: datetime | None = None
    name: str = ""
    method: str = ""
    """Of a run; of a sweep, the one that ``accuracy`` is about."""
    base_model: str = ""
    """With its stand-in, if there was one."""
    backend: str = ""
    seed: int | None = None
    test: MeasuredOn | None = None
    accuracy: float | None = None
    interval: tuple[float, float] | None = None
    """Of the accuracy, at 95 %."""
    lead: str = ""
    """The verdict in a few words."""
    sentence: str = ""
    """The rest of the verdict."""
    tone: Tone = "plain"
    difference: float | None = None
    """To the accuracy of the opponent that the verdict is about."""
    corrected_p: float | None = None
    """Of that comparison."""
    seconds: float | None = None
    """Wall time of all stages."""
    trials: int = 0
    """Of a sweep."""
    done: int = 0
    paired: bool = False
    """Whether the run holds the answers of a tuned model and of its base model."""


def of_run(id_: str, kind: Kind, record: RunRecord) -> Entry:
    """Return the line of a run."""
    own: Evaluation | None = record.evaluations.get(record.primary)
    found: Judgment | None = judge(record) if own else None
    about = found.opponent if found else None
    test = record.data["test"]
    return Entry(
        id=id_,
        kind=kind,
        status=record.status,
        problem=record.error or "",
        created_at=record.created_at,
        name=record.name,
        method=record.experiment["method"]["name"],
        base_model=_model(record.base_model, record.stand_in),
        backend=record.backend + " (emulated)" * record.emulated,
        seed=record.experiment["seed"],
        test=MeasuredOn(_file(test.source), test.rows, test.fingerprint),
        accuracy=own.accuracy if own else None,
        interval=own.accuracy_interval if own else None,
        lead=found.lead if found else "",
        sentence=found.sentence if found else "",
        tone=found.tone if found else "plain",
        difference=about.difference if about else None,
        corrected_p=about.corrected_p if about else None,
        seconds=sum(record.seconds.values()) if record.seconds else None,
        paired=len(record.evaluations) > 1,
    )


def of_sweep(id_: str, record: AnySweep) -> Entry:
    """Return the line of a ladder or a benchmark; its accuracy is that of the best trial."""
    results, _ = in_common(record.results)
    done = [(one, one.evaluation) for one in results if one.status == "done" and one.evaluation]
    best, evaluation = max(done, key=lambda one: one[1].accuracy, default=(None, None))
    lead, sentence, settled = _outcome(record)
    failed = [one for one in results if one.status == "failed"]
    return Entry(
        id=id_,
        kind="ladder" if isinstance(record, LadderRecord) else "benchmark",
        status=record.status,
        problem=f"{failed[0].trial}: {failed[0].reason}" if failed else "",
        created_at=record.created_at,
        name=record.name,
        method=best.trial.name if best else "",
        base_model=", ".join(
            dict.fromkeys(_model(one.trial.base_model, one.stand_in) for one in results)
        ),
        backend=", ".join(dict.fromkeys(one.trial.backend for one in results)),
        test=_test_of(record, results, evaluation),
        accuracy=evaluation.accuracy if evaluation else None,
        interval=evaluation.accuracy_interval if evaluation else None,
        lead=lead,
        sentence=sentence,
        tone="good" if settled else "plain",
        seconds=sum(one.total_seconds for one in results),
        trials=len(results),
        done=len(done),
    )


def _model(name: str, stand_in: str | None) -> str:
    return f"{name} ({stand_in} stands in)" if stand_in else name


def _outcome(record: AnySweep) -> tuple[str, str, bool]:
    """Return the verdict of a sweep: lead, sentence, and whether it settles something."""
    if isinstance(record, BenchmarkRecord):
        return "", "A benchmark has no verdict; pick two of its trials.", False
    if record.verdict is None:
        return "", "", False
    return f"{record.verdict.lead}:", f"{record.verdict.why}.", record.verdict.settled


def _test_of(
    record: AnySweep, results: list[TrialResult], evaluation: Evaluation | None
) -> MeasuredOn | None:
    fingerprint = record.setup.get("data", {}).get("test")
    if fingerprint is None or evaluation is None:
        return None
    source = results[0].trial.experiment.get("data", {}).get("test") or ""
    return MeasuredOn(_file(source), evaluation.rows, fingerprint)


def _file(source: str) -> str:
    return "/".join(PurePath(source).parts[-2:])
