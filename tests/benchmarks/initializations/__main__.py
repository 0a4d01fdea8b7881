"""Screens initializations of the soft prompt: today's three, label words and demonstrations.

    python -m tests.benchmarks.initializations [--model embedded|smollm2] [--init NAME] [--seed N]

Each finished tuning is appended to ``build/initializations/results-MODEL.jsonl``; a second call
goes on. Prints tables and writes them to ``build/initializations``. A start wins on a model if,
over all data sets and seeds, it is right more often than the best of today's starts (exact paired
test, Holm's p < 0.05), and on no data set significantly less often. It enters the product if it
wins on both models.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.proof.__main__ import PLACES, ROOT
from tests.benchmarks.proof.rows import NoData

from tunesmith.atomic import file_lock, write_atomically
from tunesmith.errors import RunError
from tunesmith.report.formatting import duration
from tunesmith_local.catalog import Catalog
from tunesmith_local.options import LocalOptions

from . import page, results
from .rows import Task, tasks
from .settings import MODELS, SEEDS, Settings
from .starts import NEW, OLD
from .tuning import tune

COMMITTED = Path(__file__).with_name("results.jsonl")
"""Results of an earlier screening, which are not computed again."""
ORDER = ("text", *NEW, "random", "sample_vocab")
"""``text`` first: it is the start that ``tunesmith init`` writes."""
Step = tuple[int, Task, str]
"""Seed, data set and start."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the open tunings, print the tables, and return the exit code."""
    asked = _parser().parse_args(arguments)
    settings, folder = MODELS[asked.model], asked.build / "initializations"
    try:
        sets = tasks(asked.data, folder / "data")
    except NoData as why:
        _say(f"screening skipped: {why}")
        return 0
    steps = [
        (seed, task, init)
        for seed in asked.seed or SEEDS
        for task in sets
        for init in asked.init or ORDER
    ]
    own = folder / f"results-{asked.model}.jsonl"
    if not asked.tables:
        busy = RunError(f"{own}: another screening of this model works there; wait for it")
        with file_lock(own.with_suffix(".lock"), busy):
            _do(steps, settings, sets, own)
    found = results.read([COMMITTED, own], settings, sets)
    text = page.text(settings, sets, found)
    write_atomically(folder / f"{asked.model}.md", text)
    print(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=MODELS, default="embedded")
    parser.add_argument("--init", action="append", choices=(*OLD, *NEW), help="repeatable")
    parser.add_argument("--seed", action="append", type=int, choices=SEEDS, help="repeatable")
    parser.add_argument("--tables", action="store_true", help="tune nothing, print the tables")
    parser.add_argument("--data", type=Path, nargs="*", default=PLACES,
                        help="folders of the published files")  # fmt: skip
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    return parser


def _do(steps: Sequence[Step], settings: Settings, sets: Sequence[Task], own: Path) -> None:
    known = results.read([COMMITTED, own], settings, sets)
    waiting = [step for step in steps if _key(step) not in known]
    if not waiting:
        return
    base = Catalog(LocalOptions(offline=True)).load(settings.model)
    spent = 0.0
    for number, (seed, task, init) in enumerate(waiting, 1):
        tuned = tune(base, task, init, seed, settings)
        results.append(own, results.line(settings, task, init, seed, tuned))
        spent += tuned.seconds
        left = duration(spent / number * (len(waiting) - number))
        accuracy = sum(tuned.after.right) / len(tuned.after.right)
        _say(f"[{number}/{len(waiting)}] {task.data.name} {init} {seed}: {accuracy:.3f}, "
             f"loss {tuned.after.loss:.4f}; about {left} left")  # fmt: skip


def _key(step: Step) -> results.Key:
    seed, task, init = step
    return task.data.name, init, seed


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
