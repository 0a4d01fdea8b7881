"""Defects of tuning jobs."""

from __future__ import annotations

import uuid
import zlib
from datetime import timedelta
from typing import ClassVar

from defective import Defective, caught_by

from tunesmith.backends.jobs import ThreadJob
from tunesmith.clock import now
from tunesmith.errors import NotFoundError, TuningError
from tunesmith.records import FINISHED, LearningCurve
from tunesmith.testing.fake import FakeTuner
from tunesmith.testing.fake_model import Training


class TamperedJob(Defective):
    """Returns jobs of another class."""

    Job: ClassVar[type[ThreadJob]]

    class Tuner(FakeTuner):
        def submit(self, spec, train, validation=None):
            job = super().submit(spec, train, validation)
            job.__class__ = self._backend.Job
            return job


class TamperedTraining(Defective):
    """Trains in another way."""

    Training: ClassVar[type[Training]]

    class Tuner(FakeTuner):
        def _start(self, training, job_id, events=()):
            training.__class__ = self._backend.Training
            return super()._start(training, job_id, events)


class TamperedEvents(Defective):
    """Leaves some events out."""

    def keeps(self, event):
        raise NotImplementedError

    class Tuner(FakeTuner):
        def _work(self, training, job):
            emit, keeps = job.emit, self._backend.keeps
            job.emit = lambda event: emit(event) if keeps(event) else None
            return super()._work(training, job)


class OtherSpec(Defective):
    """Changes the spec or the rows that it is given."""

    def other(self, spec, train, validation):
        raise NotImplementedError

    class Tuner(FakeTuner):
        def submit(self, spec, train, validation=None):
            return super().submit(*self._backend.other(spec, train, validation))


@caught_by("test_job_ends_completed")
class NewRecordEachTime(TamperedJob):
    """Makes a new record of the model for each call."""

    class Job(ThreadJob):
        def result(self):
            return super().result().model_copy(update={"created_at": now()})


@caught_by("test_events_are_in_order")
class EndsBeforeItBegins(TamperedJob):
    """Gives its last event an earlier time."""

    class Job(ThreadJob):
        def events(self, start=0):
            *first, last = super().events()
            early = last.model_copy(update={"time": last.time - timedelta(days=1)})
            return (*first, early)[start:]


@caught_by("test_events_are_in_order")
class TellsNoEnd(TamperedEvents):
    """Has no event for its end."""

    def keeps(self, event):
        return event.status != "completed"


@caught_by("test_every_event_is_passed_once")
class TellsAllAgain(TamperedJob):
    """Ignores the number of the first event that is asked for."""

    class Job(ThreadJob):
        def events(self, start=0):
            return super().events(0)


@caught_by("test_cancel_after_the_end_does_nothing")
class CancelsTooLate(TamperedJob):
    """Fails to cancel a job that has ended."""

    class Job(ThreadJob):
        def cancel(self):
            if self.status() == "completed":
                raise TuningError("the job has ended; it cannot be cancelled")
            super().cancel()


@caught_by("test_cancel")
class Unstoppable(TamperedJob):
    """Waits for the end in place of cancelling."""

    class Job(ThreadJob):
        def cancel(self):
            self.wait()


@caught_by("test_cancel")
class CancelsInName(TamperedJob):
    """Calls the job cancelled and lets it make its model."""

    class Job(ThreadJob):
        def cancel(self):
            if self.status() not in FINISHED:
                self.wait()
                self._status = "cancelled"


@caught_by("test_learning_curve")
class OneEpochLess(TamperedTraining):
    """Trains one epoch less than it was asked to."""

    class Training(Training):
        @property
        def finished(self):
            return len(self._epochs) == self._method.num_epochs - 1


@caught_by("test_learning_curve")
class OneEpochMore(TamperedTraining):
    """Trains one epoch more than it was asked to."""

    class Training(Training):
        @property
        def finished(self):
            return len(self._epochs) == self._method.num_epochs + 1


@caught_by("test_learning_curve")
class CountsFromZero(TamperedTraining):
    """Numbers steps from zero."""

    class Training(Training):
        def curve(self):
            whole = super().curve()
            steps = [s.model_copy(update={"step": s.step - 1}) for s in whole.steps]
            return whole.model_copy(update={"steps": tuple(steps)})


@caught_by("test_learning_curve")
class DropsTheRest(TamperedTraining):
    """Drops an incomplete accumulation at the end of an epoch."""

    class Training(Training):
        def run_epoch(self):
            self._train = self._train[: len(self._train) // 3 * 3]
            return super().run_epoch()


@caught_by("test_learning_curve")
class TellsNoEpochs(TamperedEvents):
    """Has no events for its epochs."""

    def keeps(self, event):
        return event.kind != "epoch"


@caught_by("test_learning_curve")
class UndeclaredCurve(Defective):
    """Records losses that it does not declare."""

    declares: ClassVar = {"learning_curve": False}


@caught_by("test_learning_curve")
class LosesTheCurve(TamperedJob):
    """Forgets the last step."""

    class Job(ThreadJob):
        def learning_curve(self):
            return LearningCurve(steps=super().learning_curve().steps[:-1])


@caught_by("test_failed_job")
class SwallowsErrors(Defective):
    """Completes a tuning that failed."""

    class Tuner(FakeTuner):
        def _work(self, training, job):
            try:
                return super()._work(training, job)
            except TuningError:
                return self._tuned(training, job.id)


@caught_by("test_failed_job")
class HidesTheReason(Defective):
    """Fails without a reason."""

    class Tuner(FakeTuner):
        def _work(self, training, job):
            try:
                return super()._work(training, job)
            except TuningError:
                raise TuningError from None


@caught_by("test_validation")
class IgnoresValidation(OtherSpec):
    """Takes a validation set and does not use it."""

    def other(self, spec, train, validation):
        return spec, train, None


@caught_by("test_validation")
class UndeclaredValidation(IgnoresValidation):
    """Takes a validation set that it does not declare, and does not use it."""

    declares: ClassVar = {"validation": False}


@caught_by("test_validation")
class TrainsOnValidation(OtherSpec):
    """Trains on the validation rows too."""

    def other(self, spec, train, validation):
        return spec, [*train, *(validation or ())], validation


@caught_by("test_each_tuning_is_its_own")
class OneJobForEachSpec(Defective):
    """Derives the id of a job from its settings."""

    class Tuner(FakeTuner):
        def _start(self, training, job_id, events=()):
            trainings = self._backend.stored.trainings
            own = f"job{zlib.crc32(training.spec.model_dump_json().encode())}"
            first = trainings.get(own)
            job = super()._start(training, own, events)
            trainings[own] = first or trainings[own]
            return job


@caught_by("test_same_seed_same_model")
class Unseeded(OtherSpec):
    """Draws another seed for each tuning."""

    def other(self, spec, train, validation):
        seed = uuid.uuid4().int % 2**31
        return spec.model_copy(update={"seed": seed}), train, validation


@caught_by("test_another_seed_makes_another_model")
class OneSeedForAll(OtherSpec):
    """Tunes with its own seed."""

    def other(self, spec, train, validation):
        return spec.model_copy(update={"seed": 0}), train, validation


@caught_by("test_export")
class ExportsNothing(Defective):
    """Does not export, and does not say so."""

    class Tuner(FakeTuner):
        def export(self, model, directory):
            directory.mkdir(parents=True, exist_ok=True)


@caught_by("test_resume_a_finished_job")
class TunesAgain(Defective):
    """Tunes again if a finished job is resumed."""

    class Tuner(FakeTuner):
        def resume(self, job_id):
            job = super().resume(job_id)
            if job.status() != "completed":
                return job
            training = self._backend.stored.trainings[job_id][1]
            again = Training(training.spec, TunesAgain.rows[job_id], None, training.choices)
            return self._start(again, job_id)

        def submit(self, spec, train, validation=None):
            job = super().submit(spec, train, validation)
            TunesAgain.rows[job.id] = train
            return job

    # Of all instances: on a fast machine a job is finished before its backend is closed.
    rows: ClassVar = {}


@caught_by("test_resume_a_finished_job")
class UndeclaredResumption(Defective):
    """Resumes a job without declaring it."""

    declares: ClassVar = {"resumable": False}

    def require(self, capability):
        if capability != "resumable":
            super().require(capability)


@caught_by("test_resume_an_interrupted_job")
class ForgetsTheSeed(Defective):
    """Continues an interrupted job with another seed."""

    class Tuner(FakeTuner):
        def _work(self, training, job):
            job.stop_requested.wait(0.05)  # so that a job can be interrupted
            return super()._work(training, job)

        def _start(self, training, job_id, events=()):
            if events:
                training.spec = training.spec.model_copy(update={"seed": 1})
            return super()._start(training, job_id, events)


@caught_by("test_unknown_job")
class NamesNoJob(Defective):
    """Does not name the job that it does not find."""

    class Tuner(FakeTuner):
        def resume(self, job_id):
            try:
                return super().resume(job_id)
            except NotFoundError:
                raise NotFoundError("no such job") from None


@caught_by("test_nothing_is_tuned_without_a_method")
class TunesWithoutAMethod(Defective):
    """Accepts a tuning although it offers no method."""

    declares: ClassVar = {"methods": ()}
    knobs: ClassVar = {
        "experiment_values": {"base_model": "tunesmith/fake", "method": {"name": "zero_shot"}}
    }
    lenient = False

    def capabilities(self, base_model):
        declared = super().capabilities(base_model)
        own = {"methods": ("prompt_tuning",), "resumable": False}
        return declared.model_copy(update=own) if self.lenient else declared

    class Tuner(FakeTuner):
        def submit(self, spec, train, validation=None):
            self._backend.lenient = True
            try:
                return super().submit(spec, train, validation)
            finally:
                self._backend.lenient = False
