"""Run IBM's sample notebooks, unchanged, against the emulator.

    python -m tests.suites.notebooks --source DIR [--build DIR] [--again] [NAME …]

DIR is a checkout of the samples' repository. Each notebook gets an environment with what its pip
cells install: the newest packages, and if it stops with them, those of the commit's day. What ran
before is not run again. Writes docs/reference/sample-notebooks.md if no NAME is given. --page only
writes it, from what has run.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.suites.notebooks.environment import Environment, pip_commands
from tests.suites.notebooks.outcome import Outcome, stopped
from tests.suites.notebooks.page import page
from tests.suites.notebooks.samples import DAY, SAMPLES, Sample
from tests.suites.suites import MODEL

from tunesmith.atomic import write_atomically

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "sample-notebooks.md"
UNTIL = {"newest": "", "of the day": DAY}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the notebooks that have no outcome yet, and print all outcomes."""
    asked = _parser().parse_args(arguments)
    build: Path = asked.build.resolve() / "notebooks"
    outcomes = []
    for sample in SAMPLES:
        if asked.names and sample.name not in asked.names:
            continue
        for packages in UNTIL:
            record = _folder(build, packages, sample) / "outcome.json"
            if asked.page and not record.exists():
                break
            outcomes.append(_outcome(sample, packages, build, asked))
            if outcomes[-1].cell is None:
                break
    if not asked.names:
        write_atomically(PAGE, page(outcomes, asked.model))
        print(f"written: {PAGE}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.suites.notebooks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[[], *(sample.name for sample in SAMPLES)])
    parser.add_argument("--source", type=Path, required=True, help="the samples' checkout")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--model", default=MODEL, help="the base model that answers")
    parser.add_argument("--again", action="store_true", help="also those that have an outcome")
    parser.add_argument("--page", action="store_true", help="only write the page")
    parser.add_argument("--limit", type=int, default=1800, help="seconds of one notebook")
    return parser


def _folder(build: Path, packages: str, sample: Sample) -> Path:
    return build / packages.replace(" ", "-") / sample.name


def _outcome(sample: Sample, packages: str, build: Path, asked: argparse.Namespace) -> Outcome:
    folder = _folder(build, packages, sample)
    record = folder / "outcome.json"
    if record.exists() and not asked.again:
        outcome = Outcome.model_validate_json(record.read_text())
    else:
        notebook = sample.find(asked.source)
        commands = pip_commands(notebook)
        environment = Environment(build / "environments", commands, UNTIL[packages])
        environment.make()
        started = time.monotonic()
        executed, in_time = _run(notebook, environment.python, folder, asked)
        cells, cell, error = stopped(executed)
        outcome = Outcome(
            name=sample.name,
            packages=packages,
            versions=environment.versions(),
            date=datetime.now(UTC).date().isoformat(),
            seconds=round(time.monotonic() - started),
            cells=cells,
            cell=cell,
            error=error if in_time else f"not ended after {asked.limit} s",
        )
        write_atomically(record, outcome.model_dump_json(indent=2) + "\n")
    print(f"{packages}: {sample.name}: {_told(outcome)}", flush=True)
    return outcome


def _run(
    notebook: Path, python: Path, folder: Path, asked: argparse.Namespace
) -> tuple[Path, bool]:
    """Run a notebook in a folder of its own. Return the executed one, and whether it ended."""
    work, executed = folder / "work", folder / "executed.ipynb"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    executed.unlink(missing_ok=True)
    command = (
        *(sys.executable, "-m", "tunesmith", "emulator", "run"),
        *("--any-model", "--stand-in", asked.model),
        *("--python", str(python), "--output", str(executed), str(notebook)),
    )
    with (folder / "output.txt").open("w") as output:
        child = subprocess.Popen(
            command, cwd=work, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            child.wait(asked.limit)
            in_time = True
        except subprocess.TimeoutExpired:
            in_time = False
            child.terminate()  # it ends the kernel, and writes the executed notebook
            child.wait()
    if not executed.exists():
        raise SystemExit(f"{notebook.name} did not run; see {folder / 'output.txt'}")
    return executed, in_time


def _told(outcome: Outcome) -> str:
    if outcome.cell is None:
        return f"ran to the end, {outcome.cells} cells, {outcome.seconds} s"
    return f"stopped in cell {outcome.cell} of {outcome.cells}: {outcome.error}"


if __name__ == "__main__":
    sys.exit(main())
