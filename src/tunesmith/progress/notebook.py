"""Progress below a cell of a notebook, and the choice of a progress that fits the place."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

from tunesmith.progress import SILENT, Progress
from tunesmith.progress.lines import RunProgress, loss_text
from tunesmith.records import TuningEvent

SECONDS_BETWEEN_UPDATES = 0.2


def fitting(given: Progress | None) -> Progress:
    """Return ``given``; if it is None, bars in a notebook, and silence elsewhere."""
    if given is not None:
        return given
    return NotebookProgress() if _in_notebook() else SILENT


def _in_notebook() -> bool:
    # IPython is imported already wherever it runs a cell, and a terminal's has no kernel.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


class NotebookProgress(RunProgress):
    """One line with a bar for each stage, drawn with IPython's display."""

    def __init__(self) -> None:
        self._stages: list[dict[str, Any]] = []
        self._remarks: list[str] = []
        self._handle: Any = None
        self._drawn = 0.0

    def stage(self, name: str) -> None:
        """Complete the last stage and start a new one."""
        self._complete()
        self._stages.append({"name": name, "done": 0, "total": None, "detail": "", "at": _now()})
        self._draw()

    def tuning(self, event: TuningEvent) -> None:
        """Move the bar; a note is written below the stages."""
        if event.kind == "step":
            self._move(done=event.step, total=event.total_steps)
        if event.kind in ("step", "epoch"):
            epoch = f"epoch {event.epoch}, " if event.epoch is not None else ""
            self._move(detail=epoch + loss_text(event))
        elif event.message:
            self.remark(event.message)

    def predicted(self, done: int, total: int) -> None:
        """Move the bar."""
        self._move(done=done, total=total, detail="rows")
        if done == total:
            self._complete()
            self._draw()

    def remark(self, text: str) -> None:
        """Write it below the stages."""
        self._remarks.append(text)
        self._draw()

    def trial(self, name: str, number: int, total: int) -> None:
        """Begin with no stages."""
        self._stages.clear()
        super().trial(name, number, total)

    def ended(self) -> None:
        """Complete the last stage."""
        self._complete()
        self._draw()

    def _move(self, **changes: Any) -> None:
        if self._stages:
            self._stages[-1].update(changes)
            if _now() - self._drawn > SECONDS_BETWEEN_UPDATES:
                self._draw()

    def _complete(self) -> None:
        if self._stages:
            last = self._stages[-1]
            last["total"] = last["done"] = last["total"] or 1
            last.setdefault("seconds", _now() - last["at"])

    def _draw(self) -> None:
        from IPython.display import HTML, display

        self._drawn = _now()
        page = HTML(self._html())  # type: ignore[no-untyped-call]
        if self._handle is None:
            self._handle = display(page, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(page)

    def _html(self) -> str:
        rows = "".join(map(_row, self._stages))
        remarks = "".join(f"<div>{escape(text)}</div>" for text in self._remarks)
        return f"<table>{rows}</table>{remarks}"


def _row(stage: dict[str, Any]) -> str:
    total = stage["total"]
    bar = f'<progress value="{stage["done"]}" max="{total}"></progress>' if total else "…"
    seconds = stage.get("seconds", _now() - stage["at"])
    cells = (escape(stage["name"]), bar, f"{seconds:.0f} s", escape(stage["detail"]))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _now() -> float:
    return time.monotonic()
