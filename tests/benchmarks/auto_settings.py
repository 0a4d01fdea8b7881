"""Settings that are ``auto`` against 12 settings written by hand, on the same rows.

    python -m tests.benchmarks.auto_settings [--model NAME] [--data SET …] [--build DIR]

Figures are means over the seeds. The best of the others is shown twice: as the judging rows have
it, which flatters the best of many, and as the rows that watched the tuning choose it, which is
what a user can do.

Every trial is one tuning as ``tunesmith init`` writes it, with the learning rate and the number of
virtual tokens of the trial, and with rows that watch it even if ``init`` would hold none out. It is
judged by the decisions on training rows that no trial saw; no test row is read. A finished trial is
a line of ``build/auto-settings/trials.jsonl`` and is not repeated. Prints a table;
nothing is asserted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from tunesmith import connect
from tunesmith.backend import Backend
from tunesmith.cli.init import BATCH, STEADY, VALIDATION, epochs_for, starting_text
from tunesmith.dataset import Dataset, load_dataset, stratified_split
from tunesmith.plugins import DEFAULT_BASE_MODEL
from tunesmith.records import Row, TunedModel, decided
from tunesmith.spec import TuningSpec

from .proof.__main__ import PLACES, ROOT
from .proof.rows import NoData, prepare, sample
from .proof.sizes import DATA_SETS, MODEL, Rows
from .proof.steps import spoken

RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
LENGTHS = (20, 50)
AUTO = "auto"
JUDGES = 1000
"""Rows that judge, at most."""
SETS = {
    DEFAULT_BASE_MODEL: ("grooming_reviews", "complaint_departments", "sms_spam"),
    MODEL: ("sst2",),
}
TRAINING = {"sst2": 500, "banking77": 300, "sms_spam": 300}
"""Training rows of the public data sets, those that watch the tuning included."""
OWN = {
    "grooming_reviews": "Comment: {{input}}\nSatisfaction:\n",
    "complaint_departments": "{{input}}",
}
"""Templates of the project's own data sets."""


@dataclass(frozen=True, slots=True)
class Task:
    """Rows of one data set."""

    name: str
    template: str
    labels: Mapping[str, Sequence[str]]
    train: Dataset
    validation: Dataset
    judges: Sequence[Row]


Setting = tuple[float | str, int | str]
"""A learning rate and a number of virtual tokens."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One tuning; equal trials have equal results."""

    model: str
    data: str
    rate: float | str
    length: int | str
    seed: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the open trials and print the table."""
    asked = _parser().parse_args(arguments)
    folder = asked.build / "auto-settings"
    done = _read(folder / "trials.jsonl")
    with connect("local", store=folder / "store", offline=True) as backend:
        for name in asked.data or SETS.get(asked.model, ("sst2",)):
            try:
                task = task_of(name, folder / "data" / name)
            except NoData as why:
                _say(f"{name} skipped: {why}")
                continue
            for trial in _trials(asked.model, name, asked.seeds, asked.only_auto):
                if trial not in done:
                    done[trial] = _do(backend, trial, task)
                    _append(folder / "trials.jsonl", trial, done[trial])
                _say(f"{trial}: accuracy {done[trial]['accuracy']:.3f}")
    print("\n".join(_table(done)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT_BASE_MODEL)
    parser.add_argument("--data", nargs="*", choices=[*OWN, *TRAINING])
    parser.add_argument("--seeds", type=int, default=1, help="seeds of each setting")
    parser.add_argument("--only-auto", action="store_true", help="no settings written by hand")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    return parser


def _trials(model: str, data: str, seeds: int, only_auto: bool) -> Iterator[Trial]:
    hands = () if only_auto else tuple(itertools.product(RATES, LENGTHS))
    for seed in range(seeds):
        for rate, length in ((AUTO, AUTO), *hands):
            yield Trial(model, data, rate, length, seed)


def task_of(name: str, folder: Path) -> Task:
    """Return the rows of a data set, prepared in ``folder``.

    Raises:
        NoData: a public data set is not on this machine.
    """
    if name in OWN:
        rows = list(load_dataset(str(ROOT / "data" / name / "train.json")).rows)
        train, template = sample(rows, len(rows) * 2 // 3), OWN[name]
    else:
        what = next(one for one in DATA_SETS if one.name == name)
        few = 10 if name == "banking77" else None
        files = prepare(what, Rows(train=None, test=few or 2, labels=few), PLACES, folder)
        rows = list(load_dataset(str(files.train)).rows)
        train, template = sample(rows, TRAINING[name]), what.template
    seen = {row.input for row in train}
    judges = sample([row for row in rows if row.input not in seen], JUDGES)
    parts = stratified_split(Dataset(source=name, rows=tuple(train)), VALIDATION, seed=0)
    labels = {label: [spoken(label)] for label in sorted({str(row.output) for row in rows})}
    return Task(name, template, labels, *parts, judges)


def _spec(trial: Trial, task: Task) -> TuningSpec:
    rows = len(task.train) + len(task.validation)
    method = {
        "name": "prompt_tuning",
        "learning_rate": trial.rate,
        "num_virtual_tokens": trial.length,
        "init_method": "text",
        "init_text": starting_text([words[0] for words in task.labels.values()]),
        "num_epochs": epochs_for(rows, len(task.labels)),
        "batch_size": BATCH,
        "accumulate_steps": 1,
        **STEADY,
        "verbalizer": task.template,
    }
    values = {"base_model": trial.model, "labels": task.labels, "seed": trial.seed}
    return TuningSpec.from_values({"name": task.name, "method": method, **values})


def _do(backend: Backend, trial: Trial, task: Task) -> dict[str, Any]:
    begun = time.monotonic()
    model = backend.tuner.tune(_spec(trial, task), task.train.rows, task.validation.rows)
    tuned = time.monotonic() - begun
    deployment = backend.deployer.deploy(model, "trial")
    labels = list(task.labels)
    found = backend.predictor.classify(deployment, [row.input for row in task.judges], labels)
    pairs = zip(found, task.judges, strict=True)
    right = sum(decided(one.probabilities) == row.output for one, row in pairs)
    backend.deployer.undeploy(deployment)
    return {
        "accuracy": right / len(task.judges),
        "rows": len(task.judges),
        "seconds": tuned,
        **_search(model),
        "epochs": len(model.curve.epochs),
        "validation_loss": [one.validation_loss for one in model.curve.epochs],
    }


def _search(model: TunedModel) -> dict[str, Any]:
    choices = [choice.model_dump(mode="json") for choice in model.choices]
    spent = sum(choice.seconds for choice in model.choices)
    return {"choices": choices, "search_seconds": spent, "rate": model.method["learning_rate"]}


def _read(file: Path) -> dict[Trial, dict[str, Any]]:
    if not file.exists():
        return {}
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return {Trial(**line["trial"]): line["result"] for line in lines}


def _append(file: Path, trial: Trial, result: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as log:
        log.write(json.dumps({"trial": asdict(trial), "result": result}) + "\n")


def _table(done: Mapping[Trial, Mapping[str, Any]]) -> Iterator[str]:
    yield (
        "| model | data | auto | rates | best of the others | rate, tokens | difference "
        "| chosen by validation loss | rate, tokens | difference | search |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for model, data in dict.fromkeys((trial.model, trial.data) for trial in done):
        own: dict[Setting, list[Mapping[str, Any]]] = {}
        for trial, result in done.items():
            if (trial.model, trial.data) == (model, data):
                own.setdefault((trial.rate, trial.length), []).append(result)
        autos = own.pop((AUTO, AUTO), [])
        if autos:
            yield _line(model, data, autos, own)


def _line(
    model: str,
    data: str,
    autos: Sequence[Mapping[str, Any]],
    hands: Mapping[Setting, Sequence[Mapping[str, Any]]],
) -> str:
    found = fmean(one["accuracy"] for one in autos)
    rates = ", ".join(f"{one['rate']:g}" for one in autos)
    # The time of the search, in times that of the tuning after it.
    share = sum(one["search_seconds"] for one in autos) / sum(
        one["seconds"] - one["search_seconds"] for one in autos
    )
    best = _against(found, hands, lambda one: float(one["accuracy"]))
    chosen = _against(found, hands, lambda one: -min(one["validation_loss"]))
    return f"| {model} | {data} | {found:.3f} | {rates} | {best} | {chosen} | {share:.2f} |"


def _against(
    found: float,
    hands: Mapping[Setting, Sequence[Mapping[str, Any]]],
    worth: Callable[[Mapping[str, Any]], float],
) -> str:
    """Return the cells of the setting that is worth most: accuracy, the setting, difference."""
    if not hands:
        return f"{NONE} | {NONE} | {NONE}"
    setting = max(hands, key=lambda one: fmean(map(worth, hands[one])))
    top = fmean(one["accuracy"] for one in hands[setting])
    rate, length = setting
    return f"{top:.3f} of {len(hands)} | {rate}, {length} | {found - top:+.3f}"


NONE = "\N{EN DASH}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
