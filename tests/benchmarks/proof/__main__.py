"""A real model on public data, step by step. Run by ``make proof``.

    python -m tests.benchmarks.proof [--quick | --long] [--model NAME] [--data DIR]

Each step is an ordinary run below ``build/proof``. A finished step is not repeated, and one that
was stopped is resumed. Started twice, it uses two processors. Writes ``build/proof.json`` and
``docs/explanation/proof.md``; ``--quick`` writes both below ``build/proof/quick``. If the model or
the data are missing, it prints the reason and ends.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tunesmith.atomic import write_atomically
from tunesmith.backend import Backend
from tunesmith.dataset import load_dataset

from . import errors_left, model, page, results
from .rows import Files, NoData, prepare
from .running import Done, backends, do_all, to_stderr
from .sizes import DATA_SETS, MODEL, SIZES, DataSet, Rows, Size
from .steps import LOCAL, Plan

ROOT = Path(__file__).parents[3]
PLACES = (ROOT.parent / "shared" / "data" / "public", ROOT / "data")
"""Folders that may hold the published files: a shared one, and that of ``tunesmith data``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the open steps of the proof, write its page, and return the exit code."""
    asked = _parser().parse_args(arguments)
    size = SIZES[asked.size]
    sets = [what for what in DATA_SETS if what.name in (asked.only or what.name)]
    folder = asked.build / "proof" / size.name
    try:
        files = {
            what.name: prepare(what, size.rows[what.name], asked.data, folder / "data" / what.name)
            for what in sets
        }
    except NoData as why:
        return _skip(str(why))
    with backends(folder) as places:
        why_not = model.missing(places[LOCAL], asked.model)
        if why_not:
            return _skip(why_not)
        chat = places[LOCAL].capabilities(asked.model).chat
        plans = {w.name: _plan(w, files[w.name], size, asked.model, chat) for w in sets}
        done = do_all([s for p in plans.values() for s in p.steps()], places, folder, to_stderr)
        proof = _proof(asked, size, plans, done, places[LOCAL])
    return _write(proof, asked, size)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", dest="size", action="store_const", const="quick",
                       help="a few rows, in minutes")  # fmt: skip
    which.add_argument("--long", dest="size", action="store_const", const="long",
                       help="all rows and labels, three seeds everywhere")  # fmt: skip
    parser.set_defaults(size="default")
    parser.add_argument("--model", default=MODEL, help="a base model's name, or its folder")
    parser.add_argument("--data", type=Path, nargs="*", help="folders of the published files",
                        default=PLACES)  # fmt: skip
    parser.add_argument("--only", action="append", choices=[what.name for what in DATA_SETS],
                        help="one data set; repeatable")  # fmt: skip
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    return parser


def _skip(why: str) -> int:
    to_stderr(f"proof skipped: {why}")
    return 0


def _plan(what: DataSet, files: Files, size: Size, name: str, chat: bool) -> Plan:
    counts = [len(load_dataset(str(path)).rows) for path in (files.train, files.test)]
    return Plan(what, files, size, name, chat, *counts)


def _proof(
    asked: argparse.Namespace,
    size: Size,
    plans: dict[str, Plan],
    done: Sequence[Done],
    backend: Backend,
) -> dict[str, Any]:
    found = {
        name: results.of_data_set(
            plan.data.title, [d for d in done if d.step.data.name == name], _about(plan)
        )
        for name, plan in plans.items()
    }
    runs = [run for one in found.values() for run in one["runs"]]
    return {
        "model": model.shown(asked.model),
        "dtype": _dtype(done),
        "size": size.title,
        "data_sets": found,
        "overturned": sum(bool(run["overturned"]) for run in runs),
        "not_mended": errors_left.total([run["not_mended"] for run in runs]),
        "failed": sum(len(one["failed"]) for one in found.values()),
        "seconds": sum(d.seconds for d in done),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, "
        f"{backend.versions().get('device', 'cpu')}",
        "versions": results.versions(),
        "commit": results.commit(),
        "model_checksums": model.checksums(asked.model),
        "data_checksums": {k: v for p in plans.values() for k, v in p.files.checksums.items()},
    }


def _about(plan: Plan) -> dict[str, Any]:
    rows = plan.size.rows[plan.data.name]
    return {
        "train_rows": plan.train_rows,
        "test_rows": plan.test_rows,
        "labels": plan.labels(),
        "template": plan.data.template,
        "rule": _rule(rows),
    }


def _rule(rows: Rows) -> str:
    parts = []
    if rows.labels is not None:
        parts.append(
            f"The labels are the {rows.labels} with most training rows, alphabetical among equals."
        )
    if rows.train is not None or rows.test is not None:
        parts.append("Rows are a seeded sample, every label in proportion.")
    return " ".join(parts)


def _dtype(done: Sequence[Done]) -> str:
    details: list[Callable[[str], Any]] = [
        d.run.record.model.details.get for d in done if d.run and d.run.record.model
    ]
    return next((str(found) for get in details if (found := get("dtype"))), "its own type")


def _write(proof: dict[str, Any], asked: argparse.Namespace, size: Size) -> int:
    quick = size.name == "quick"
    build = asked.build / "proof" / "quick" if quick else asked.build
    docs = build if quick else asked.docs
    write_atomically(build / "proof.json", json.dumps(proof, indent=1, ensure_ascii=False) + "\n")
    page.write(proof, docs / "explanation" / "proof.md", docs / "images" / "proof.svg")
    to_stderr(f"{build / 'proof.json'}\n{docs / 'explanation' / 'proof.md'}")
    return 1 if proof["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
