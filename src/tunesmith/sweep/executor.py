"""Runs many trials: one after the other in this process, or several at a time in others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tunesmith.progress import SILENT, Progress
from tunesmith.sweep.costs import Prices, PriceTable
from tunesmith.sweep.records import Trial, TrialResult
from tunesmith.sweep.trial import BackendRef, DataCache, run_trial

KILLED = (
    "its process ended abruptly, perhaps for lack of memory; the same command tries the trial again"
)

OnResult = Callable[[TrialResult], bool]
"""Takes each result when it is ready; returns whether the next trial may start."""
RunTrial = Callable[..., TrialResult]
"""A function with the arguments of ``run_trial``."""


@dataclass(frozen=True)
class Work:
    """Trials, and everything needed to run them."""

    trials: Sequence[Trial]
    refs: Mapping[str, BackendRef]
    """By the name in tables."""
    folder: Path
    """Directory of the sweep."""
    data: DataCache
    """For trials that run in this process; another process has its own."""
    prices: PriceTable
    progress: Progress = SILENT
    run: RunTrial = run_trial

    def do(self, on_result: OnResult, *, processes: int = 1) -> None:
        """Run the trials in order, up to ``processes`` at a time."""
        if processes == 1:
            self._here(on_result)
            return
        left = deque(self.trials)
        while left:
            with _pool(processes) as pool:
                suspects = self._until_broken(pool, left, processes, on_result)
            for trial in suspects:
                # One trial ended its process and with it the pool. Run them one at a time now:
                # then only that trial fails.
                self._ended(self._alone(trial), on_result)

    def _here(self, on_result: OnResult) -> None:
        for number, trial in enumerate(self.trials, 1):
            self.progress.trial(str(trial), number, len(self.trials))
            ref, prices = self.refs[trial.backend], self.prices.get(trial.backend)
            result = self.run(trial, ref, self.folder, self.data, prices, self.progress)
            if not self._ended(result, on_result):
                return

    def _until_broken(
        self, pool: ProcessPoolExecutor, left: deque[Trial], processes: int, on_result: OnResult
    ) -> list[Trial]:
        """Take trials from ``left``; return those that ran when a process of the pool ended."""
        running: dict[Future[TrialResult], Trial] = {}
        suspects: list[Trial] = []
        while running or (left and not suspects):
            while left and not suspects and len(running) < processes:
                trial = left.popleft()
                self.progress.trial(str(trial), len(self.trials) - len(left), len(self.trials))
                try:
                    running[self._submit(pool, trial)] = trial
                except BrokenProcessPool:
                    suspects.append(trial)
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                trial = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    suspects.append(trial)
                else:
                    self._ended(future.result(), on_result)
        return suspects

    def _alone(self, trial: Trial) -> TrialResult:
        try:
            with _pool(1) as pool:
                return self._submit(pool, trial).result()
        except BrokenProcessPool:
            return TrialResult(trial=trial, status="failed", reason=KILLED)

    def _submit(self, pool: ProcessPoolExecutor, trial: Trial) -> Future[TrialResult]:
        ref, prices = self.refs[trial.backend], self.prices.get(trial.backend)
        return pool.submit(_in_process, self.run, trial, ref, self.folder, prices)

    def _ended(self, result: TrialResult, on_result: OnResult) -> bool:
        go_on = on_result(result)
        self.progress.trial_ended(str(result.trial), result.outcome)
        return go_on


_data_of_process = cache(DataCache)
"""A process of the pool lives as long as its sweep, and so does what it has loaded."""


def _in_process(
    run: RunTrial, trial: Trial, ref: BackendRef, folder: Path, prices: Prices | None
) -> TrialResult:
    return run(trial, ref, folder, _data_of_process(), prices)


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    others = set(multiprocessing.active_children())
    threads = max(1, (os.cpu_count() or 1) // processes)
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_process,
        initargs=(threads,),
    ) as pool:
        try:
            yield pool
        except BaseException:
            # A trial resumes from its checkpoints, so the end of a tuning is not waited for.
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            raise


def _begin_process(threads: int) -> None:
    # Read by torch and by scikit-learn's libraries when they are imported, later.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent ends them
    sys.stdout = sys.stderr  # stdout is for --json; SDKs print to it
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that was killed cannot end its processes, which hold the locks of their runs.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
