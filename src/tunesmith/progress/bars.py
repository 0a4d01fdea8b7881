"""Progress as bars on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tunesmith.progress.lines import RunProgress, loss_text
from tunesmith.records import TuningEvent

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class LiveProgress(RunProgress):
    """One bar for each stage."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def stage(self, name: str) -> None:
        """Complete the bar of the last stage and start a new one."""
        self.complete()
        self._task = self._bars.add_task(name, total=None, detail="")

    def tuning(self, event: TuningEvent) -> None:
        """Move the bar; a note is printed above it."""
        if event.kind == "step":
            self._update(completed=event.step, total=event.total_steps)
        if event.kind in ("step", "epoch"):
            where = f"epoch {event.epoch}  " if event.epoch is not None else ""
            self._update(detail=where + loss_text(event))
        elif event.message:
            self.remark(f"  {event.message}")

    def predicted(self, done: int, total: int) -> None:
        """Move the bar."""
        self._update(completed=done, total=total, detail="rows")

    def trial(self, name: str, number: int, total: int) -> None:
        """Begin with no bars; print above them which trial begins."""
        for task in list(self._bars.tasks):
            self._bars.remove_task(task.id)
        self._task = None
        super().trial(name, number, total)

    def remark(self, text: str) -> None:
        """Print it above the bars."""
        self._bars.console.print(text, markup=False, highlight=False)

    def complete(self) -> None:
        """Fill the bar of the current stage."""
        for task in self._bars.tasks:
            if task.id == self._task:
                total = task.total or 1
                self._update(total=total, completed=total)

    def _update(self, **changes: Any) -> None:
        # Events before the first stage have no bar to move.
        if self._task is not None:
            self._bars.update(self._task, **changes)


def new_bars() -> Bars:
    """Return bars on stderr that are not shown yet."""
    from rich import progress as rich
    from rich.console import Console

    return rich.Progress(
        rich.TextColumn("{task.description:<14}"),
        rich.BarColumn(bar_width=30),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
        rich.TextColumn("{task.fields[detail]}"),
        console=Console(file=sys.stderr),
    )
