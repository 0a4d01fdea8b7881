"""A job in a thread ends for whoever waits, also if no event of it can be stored."""

from __future__ import annotations

import errno

import pytest

from tunesmith.backends.jobs import JobStopped, ThreadJob
from tunesmith.errors import TuningError
from tunesmith.records import TunedModel, TuningEvent


class OnFullDisk(ThreadJob):
    """Stores its events, which fails from the ``room``-th status on."""

    room = 0

    def emit(self, event: TuningEvent) -> None:
        if self.room == 0:
            raise OSError(errno.ENOSPC, "No space left on device", "events.jsonl")
        self.room -= 1
        super().emit(event)


def work(_: ThreadJob) -> TunedModel:
    return TunedModel.model_construct(id="made")


@pytest.mark.parametrize("room", [0, 1])
def test_a_job_whose_status_cannot_be_stored_fails_and_says_why(room: int) -> None:
    job = OnFullDisk("job", work)
    job.room = room
    with pytest.raises(OSError, match=r"No space left on device: 'events.jsonl'"):
        job.start().wait(timeout=10)
    assert job.events()[-1].status == "failed"


def test_a_job_that_is_stopped_on_a_full_disk_ends() -> None:
    def stopped(job: ThreadJob) -> TunedModel:
        job.stop_requested.wait(10)
        raise JobStopped

    job = OnFullDisk("job", stopped)
    job.room = 1
    job.start().interrupt()
    assert job.status() == "interrupted"


def test_other_errors_name_the_job() -> None:
    def broken(_: ThreadJob) -> TunedModel:
        raise ZeroDivisionError("division by zero")

    with pytest.raises(TuningError, match="job job failed: division by zero"):
        ThreadJob("job", broken).start().wait(timeout=10)
