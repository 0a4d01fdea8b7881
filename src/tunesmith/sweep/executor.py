"""Runs many trials: one after the other in this process, or by an executor in others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.errors import BackendError, TunesmithError
from tunesmith.experiment import Experiment
from tunesmith.progress import SILENT, Progress
from tunesmith.sweep.costs import PriceTable
from tunesmith.sweep.crossing import pack_rows, run_task, task_of, unpack
from tunesmith.sweep.records import Trial, TrialResult
from tunesmith.sweep.trial import (
    TRIALS,
    BackendRef,
    Connections,
    DataCache,
    Place,
    repriced,
    run_trial,
)

KILLED = (
    "its process ended abruptly, perhaps for lack of memory; the same command tries the trial again"
)
GONE = (
    "the cluster ended, or the connection to it; when it is there again, the same command goes on"
)
Errors = tuple[type[BaseException], ...]
OnResult = Callable[[TrialResult], bool]
"""Takes each result when it is ready; returns whether the next trial may start."""
RunTrial = Callable[..., TrialResult]
"""A function with the arguments of ``run_trial``."""


def settle(done: Future[Any], outcome: Future[Any], *, killed: Errors, gone: Errors) -> None:
    """Give ``outcome`` the result of an engine's future, or its error in our words.

    Args:
        done: that of the engine.
        outcome: that of the executor's caller.
        killed: the engine's errors for a process that ended.
        gone: its errors if the engine itself has ended.
    """
    if not outcome.set_running_or_notify_cancel():
        return
    error = CancelledError() if done.cancelled() else done.exception()
    if error is None:
        outcome.set_result(done.result())
    elif isinstance(error, gone):
        outcome.set_exception(BackendError(GONE))
    elif isinstance(error, killed):
        outcome.set_exception(RuntimeError(KILLED))
    else:
        outcome.set_exception(error)


@dataclass(frozen=True)
class Work:
    """Trials, and everything needed to run them."""

    trials: Sequence[Trial]
    refs: Mapping[str, BackendRef]
    """By the name in tables."""
    folder: Path
    """Directory of the sweep."""
    data: DataCache
    prices: PriceTable
    progress: Progress = SILENT
    run: RunTrial = run_trial
    """A function of a module, because other processes find it by its name."""
    packed: dict[int, bytes] = field(default_factory=dict)
    """The rows of ``data`` as they are sent, by the identity of the loaded ones."""

    def do(self, on_result: OnResult, executor: Executor | None = None) -> None:
        """Run the trials in order, here or by ``executor``.

        An executor with an attribute ``slots`` has at most so many trials at a time, and the
        others wait here. Another one gets all trials at once.

        Raises:
            TunesmithError: the executor itself has failed.
        """
        if executor is None:
            self._here(on_result)
        else:
            self._elsewhere(executor, on_result)

    def _here(self, on_result: OnResult) -> None:
        with Connections(self.folder / TRIALS) as connections:
            place = Place(self.folder, self.data.load, connections)
            for number, trial in enumerate(self.trials, 1):
                self.progress.trial(str(trial), number, len(self.trials))
                ref, prices = self.refs[trial.backend], self.prices.get(trial.backend)
                result = self.run(trial, ref, place, prices, self.progress)
                if not self._ended(result, on_result):
                    return

    def _elsewhere(self, executor: Executor, on_result: OnResult) -> None:
        left, running = deque(enumerate(self.trials, 1)), dict[Future[bytes], Trial]()
        go_on = True
        try:
            while running or (left and go_on):
                while left and go_on and len(running) < getattr(executor, "slots", len(left) + 1):
                    number, trial = left.popleft()
                    self.progress.trial(str(trial), number, len(self.trials))
                    running[self._sent(executor, trial)] = trial
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    result = self._taken(future, running.pop(future))
                    go_on = self._ended(result, on_result) and go_on
        finally:
            for future in running:
                future.cancel()

    def _sent(self, executor: Executor, trial: Trial) -> Future[bytes]:
        task = task_of(trial, self.refs[trial.backend], self.folder.name, self.run)
        loaded = self.data.load(Experiment.from_record(trial.experiment))
        if id(loaded) not in self.packed:
            self.packed[id(loaded)] = pack_rows(loaded)
        return executor.submit(run_task, task, self.packed[id(loaded)])

    def _taken(self, future: Future[bytes], trial: Trial) -> TrialResult:
        try:
            archive = future.result()
        except (CancelledError, TunesmithError):
            raise  # the executor itself: a trial's own error is in its archive
        except Exception as error:  # noqa: BLE001  # one trial must not end the others
            return TrialResult(trial=trial, status="failed", reason=f"{error}")
        result, prices = unpack(archive, trial, self.folder), self.prices.get(trial.backend)
        return repriced(result, self.folder, prices) if prices else result

    def _ended(self, result: TrialResult, on_result: OnResult) -> bool:
        go_on = on_result(result)
        self.progress.trial_ended(str(result.trial), result.outcome)
        return go_on
