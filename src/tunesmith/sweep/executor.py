"""Runs many cells: one after the other here, or several at a time in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunesmith.progress import SILENT, Progress
from tunesmith.sweep.costs import Prices, PriceTable
from tunesmith.sweep.trial import Cell, CellResult, Place, run_cell

KILLED = (
    "its process ended abruptly, perhaps for lack of memory; the same command tries the cell again"
)

OnResult = Callable[[CellResult], bool]
"""Takes a result as it comes; returns whether to go on with the next cell."""


@dataclass(frozen=True)
class Work:
    """Cells to run, and all that running them takes."""

    cells: Sequence[Cell]
    places: Mapping[str, Place]
    """By the name in tables."""
    folder: Path
    """Directory of the ladder or benchmark."""
    prices: PriceTable
    progress: Progress = SILENT

    def do(self, on_result: OnResult, *, processes: int = 1) -> None:
        """Run the cells in order, up to ``processes`` at a time."""
        if processes == 1:
            self._here(on_result)
            return
        left = list(self.cells)
        while left:
            with _pool(processes) as pool:
                suspects = self._until_broken(pool, left, processes, on_result)
            for cell in suspects:
                # One of them ended its process and so the pool; alone, each answers for itself.
                self._told(self._alone(cell), on_result)

    def _here(self, on_result: OnResult) -> None:
        for number, cell in enumerate(self.cells, 1):
            self.progress.cell(str(cell), number, len(self.cells))
            result = run_cell(cell, *self._rest(cell), progress=self.progress)
            if not self._told(result, on_result):
                return

    def _until_broken(
        self, pool: ProcessPoolExecutor, left: list[Cell], processes: int, on_result: OnResult
    ) -> list[Cell]:
        """Take cells from ``left``; return those that ran when a process of the pool ended."""
        running: dict[Future[CellResult], Cell] = {}
        suspects: list[Cell] = []
        broken = False
        while running or (left and not broken):
            while left and not broken and len(running) < processes:
                broken = not self._begun(pool, left, running)
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                cell = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    broken = True
                    suspects.append(cell)
                else:
                    self._told(future.result(), on_result)
        return suspects

    def _alone(self, cell: Cell) -> CellResult:
        try:
            with _pool(1) as pool:
                return pool.submit(run_cell, cell, *self._rest(cell)).result()
        except BrokenProcessPool:
            return CellResult(cell=cell, status="failed", reason=KILLED)

    def _begun(
        self, pool: ProcessPoolExecutor, left: list[Cell], running: dict[Future[CellResult], Cell]
    ) -> bool:
        cell = left[0]
        try:
            future = pool.submit(run_cell, cell, *self._rest(cell))
        except BrokenProcessPool:
            return False
        left.pop(0)
        running[future] = cell
        self.progress.cell(str(cell), len(self.cells) - len(left), len(self.cells))
        return True

    def _rest(self, cell: Cell) -> tuple[Place, Path, Prices | None]:
        return self.places[cell.backend], self.folder, self.prices.get(cell.backend)

    def _told(self, result: CellResult, on_result: OnResult) -> bool:
        go_on = on_result(result)
        self.progress.cell_ended(str(result.cell), outcome_text(result))
        return go_on


def outcome_text(result: CellResult) -> str:
    """Return in a few words what became of a cell."""
    if result.evaluation is None:
        return f"{result.status}: {result.reason}" if result.reason else result.status
    return f"accuracy {result.evaluation.accuracy:.3f} in {result.total_seconds:.1f} s"


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
            # Each cell goes on from its checkpoints: nobody waits for the end of a tuning.
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            raise


def _begin_process(threads: int) -> None:
    # Read by torch and by scikit-learn's libraries when they are imported, later.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    sys.stdout = sys.stderr  # what SDKs print must not meet a reader of --json
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that was killed cannot end its processes, and they hold the locks of their runs.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
