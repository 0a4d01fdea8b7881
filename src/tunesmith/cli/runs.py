"""``tunesmith runs``: what was run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import runs_dir_option
from tunesmith.errors import RunError
from tunesmith.runs.run import RECORD, Run


@command("runs", example="tunesmith runs --runs-dir runs")
@runs_dir_option
@screen.json_option
def runs(runs_dir: Path, as_json: bool) -> None:
    """List the runs, oldest first; one that cannot be read is listed with the reason."""
    folders = sorted(path.parent for path in runs_dir.glob(f"*/{RECORD}"))
    found = [_summary(folder) for folder in folders]
    screen.emit(as_json, found, lambda: _lines(found, runs_dir))


def _summary(folder: Path) -> dict[str, Any]:
    try:
        return Run.load(folder, finished=False).summary()
    except RunError as error:
        return {"run_dir": str(folder), "status": "unreadable", "error": str(error)}


def _lines(found: list[dict[str, Any]], runs_dir: Path) -> list[str]:
    if not found:
        return [f"no runs in {runs_dir}; make one with: tunesmith run EXPERIMENT"]
    return screen.table(
        ("run", "status", "method", "backend", "accuracy"), map(_cells, found), right=1
    )


def _cells(summary: dict[str, Any]) -> tuple[str, ...]:
    scores = summary.get("tuned") or summary.get("base")
    return (
        screen.relative(Path(summary["run_dir"])),
        summary["status"],
        summary.get("method", "-"),
        summary.get("backend", "-"),
        f"{scores['accuracy']:.3f}" if scores else "-",
    )
