"""A job at a service is followed without repeats, ends in its record, and stops when asked to.

The service is a list of answers: what it says at each look.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from tunesmith.backends.remote_job import (
    LONGEST_LOOK,
    UNKNOWN_TIME,
    Look,
    RemoteJob,
    RemoteJobRecord,
    described,
    find_record,
    longer,
    undone_on_error,
)
from tunesmith.errors import BackendError, BackendTimeoutError, NotFoundError, TuningError
from tunesmith.methods import PromptTuning
from tunesmith.records import LearningCurve, TunedModel, TuningEvent
from tunesmith.spec import TuningSpec

START = datetime(2026, 11, 1, tzinfo=UTC)
SPEC = TuningSpec(base_model="me/model", method=PromptTuning(), labels=["no", "yes"])
MODEL = TunedModel.model_construct(id="made")


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def look(status: str, **told: object) -> Look:
    return Look(status, lambda: MODEL, created_at=START, **told)  # type: ignore[arg-type]


class Scripted(RemoteJob[RemoteJobRecord]):
    """A job whose service answers each look with the next of ``looks``, then with the last."""

    noun: ClassVar[str] = "training"
    stop_seconds: ClassVar[float] = 0.0
    refusal: BackendError | None = None
    """What the service says to a wish to cancel."""

    def __init__(self, looks: Sequence[Look], record: RemoteJobRecord | None = None) -> None:
        self.kept: list[RemoteJobRecord] = []
        made = record or RemoteJobRecord.model_validate(described(SPEC, "job-1", 5))
        super().__init__(made, self.kept.append)
        self.looks, self.asked, self.cancelled = list(looks), 0, 0

    def learning_curve(self) -> LearningCurve:
        return LearningCurve()

    def _ask(self) -> Look:
        self.asked += 1
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def _ask_to_cancel(self) -> None:
        self.cancelled += 1
        if self.refusal:
            raise self.refusal


def note(text: str, time: datetime = UNKNOWN_TIME) -> TuningEvent:
    return TuningEvent(time=time, kind="note", message=text)


def followed(job: Scripted) -> Iterator[TuningEvent]:
    while job.looks:
        ended = len(job.looks) == 1
        job.look()
        if ended:
            break
    yield from job.events()


def test_a_status_is_told_once_and_in_order() -> None:
    job = Scripted([look("queued"), look("running"), look("running"), look("completed")])
    told = [(event.kind, event.status) for event in followed(job)]
    assert told == [("status", s) for s in ("queued", "running", "completed")]


def test_a_job_that_was_not_seen_running_has_run() -> None:
    failed = look("failed", ran=True, running_at=at(3), ended_at=at(9), error="no memory")
    assert [(e.status, e.time, e.message) for e in followed(Scripted([failed]))] == [
        ("queued", at(0), ""), ("running", at(3), ""), ("failed", at(9), "no memory"),
    ]  # fmt: skip


def test_no_event_is_before_an_earlier_one() -> None:
    events = [note("late", at(9)), note("without a time"), note("from a slow clock", at(2))]
    told = list(followed(Scripted([look("running", running_at=at(1), events=events)])))
    assert [event.time for event in told] == [at(0), at(1), at(9), at(9), at(9)]


def test_a_service_without_times_gives_the_time_of_the_look() -> None:
    (first, *_) = followed(Scripted([Look("queued", lambda: MODEL)]))
    assert first.time > START


def test_the_service_is_not_asked_at_every_question() -> None:
    job = Scripted([look("running")])
    for _ in range(3):
        job.status(), job.events()
    assert job.asked == 1


def test_a_record_is_kept_once_the_job_has_ended() -> None:
    job = Scripted([look("running"), look("completed", events=[note("done")])])
    job.look()
    assert job.kept == []
    job.look()
    (record,) = job.kept
    assert (record.status, record.model, record.events) == ("completed", MODEL, job.events())
    again = Scripted([look("failed")], record)
    assert (again.result(), again.events(), again.asked) == (MODEL, job.events(), 0)


def test_a_job_without_a_model_gives_the_reason_of_the_service() -> None:
    job = Scripted([look("failed", error="no memory")])
    with pytest.raises(TuningError, match=r"^training job-1 is failed; it has no tuned model: no"):
        job.result()


def test_a_job_that_does_not_stop_is_an_error() -> None:
    job = Scripted([look("running")])
    with pytest.raises(BackendTimeoutError, match="training job-1 was cancelled and does not end"):
        job.cancel()
    assert job.cancelled == 1


@pytest.mark.parametrize("last", ["completed", "cancelled"])
def test_cancelling_waits_for_the_end(last: str) -> None:
    job = Scripted([look("running"), look(last)])
    job.cancel()
    assert (job.status(), job.cancelled) == (last, 1)
    job.cancel()
    assert job.cancelled == 1


def test_a_job_that_ended_unseen_is_not_cancelled() -> None:
    job = Scripted([look("running"), look("completed")])
    job.refusal = BackendError("400: it has ended")
    job.cancel()
    assert job.result() is MODEL


def test_a_refusal_to_cancel_is_told_if_the_job_goes_on() -> None:
    job = Scripted([look("running")])
    job.refusal = BackendError("403: not yours")
    with pytest.raises(BackendError, match="403"):
        job.cancel()
    assert job.status() == "running"


def test_an_interrupted_job_can_be_cancelled() -> None:
    job = Scripted([look("interrupted"), look("cancelled")])
    assert job.status() == "interrupted"
    job.cancel()
    assert [event.status for event in job.events()] == ["queued", "interrupted", "cancelled"]


def test_pauses_grow_up_to_the_longest() -> None:
    assert longer(1.0) > 1.0
    assert longer(LONGEST_LOOK) == LONGEST_LOOK


@pytest.mark.parametrize(
    ("state", "told"),
    [(None, "The service has no such run either"), ("Failed", r"has the run \(Failed\), but not")],
)
def test_an_unknown_job_is_looked_for_at_the_service(state: str | None, told: str) -> None:
    def get(job_id: str) -> RemoteJobRecord:
        raise NotFoundError(f"no job {job_id!r} here")

    with pytest.raises(NotFoundError, match=rf"no job 'x' here\. .*{told}"):
        find_record(get, "x", lambda job_id: state, "run")


def test_a_failure_is_undone_and_told_although_the_undoing_fails() -> None:
    undone = []

    def undo() -> None:
        undone.append(1)
        raise BackendError("cannot delete")

    with pytest.raises(BackendError, match="cannot start"), undone_on_error(undo):
        raise BackendError("cannot start")
    with undone_on_error(undo):
        pass
    assert undone == [1]
