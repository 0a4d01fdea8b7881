"""The commands whose disk fails, and the command with which each goes on."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.emulated import through
from tests.faults.points import KILL
from tests.faults.process import Ended
from tests.faults.rows import labelled

_SKLEARN = """\
name: reviews
base_model: tunesmith/micro-granite
method: {name: tfidf_logreg}
data: {train: train.json, test: test.json, validation: 0.25}
labels: ["0", "1"]
"""
_LOCAL = """\
name: reviews
base_model: tunesmith/micro-granite
method: {name: prompt_tuning, num_virtual_tokens: 4, init_method: random, num_epochs: 1,
  batch_size: 8, accumulate_steps: 2, max_input_tokens: 32, max_output_tokens: 2}
data: {train: train.json, test: test.json}
labels: ["0", "1"]
"""
_BENCHMARK = """\
experiment: sklearn.yaml
methods: [majority, tfidf_logreg]
backends: [sklearn]
"""
_TUNING = ("run", "local.yaml", "--backend", "local", "--option", "checkpoint_seconds=0")
_NAMED = re.compile(r"(?:resume|continue|again) with: (tunesmith .*)")
_TRIAL_FAILED = "the same command tries them again"


@dataclass(frozen=True)
class Subject:
    """A command."""

    name: str
    command: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    """Commands of which it needs the results. ``RUN`` is the run directory."""
    after: tuple[tuple[str, ...], ...] = ()
    """Commands that use its results, when it is through; their results are compared too."""
    imports: tuple[str, ...] = ()
    """Modules to import before the hooks are installed."""
    charts: bool = False
    """Whether its page has charts. They cost most of the time."""
    only: str = ""
    """Part of the paths of its points; those of others are left to another subject."""
    call: Callable[[], object] | None = field(default=None, compare=False)
    """Runs it, if it is no command line."""

    def next_command(self, ended: Ended, fault: str, work: Path) -> tuple[str, ...] | None:
        """Return the command that an error names; None if nothing is left to do."""
        if ended.code == 0 and _TRIAL_FAILED not in ended.out:
            return None
        named = _NAMED.findall(ended.err)
        if named:
            return tuple(shlex.split(named[-1])[1:])
        if fault == KILL and self.command[0] == "run":
            begun = unfinished(work)
            if begun:
                return ("resume", begun[-1])
        return self.command


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("run", ("run", "sklearn.yaml", "--backend", "sklearn")),
        Subject("tune", ("tune", "sklearn.yaml", "--backend", "sklearn"),
                after=(("deploy", "model.json"), ("predict", "deployment.json", "test.json",
                                                  "-o", "predictions.jsonl"))),
        Subject("deploy", ("deploy", "model.json"),
                before=(("tune", "sklearn.yaml", "--backend", "sklearn"),),
                after=(("predict", "deployment.json", "test.json", "-o", "predictions.jsonl"),)),
        Subject("predict", ("predict", "RUN", "test.json", "-o", "answers.jsonl"),
                before=(("run", "sklearn.yaml", "--backend", "sklearn"),)),
        Subject("benchmark", ("benchmark", "benchmark.yaml")),
        Subject("ladder", ("ladder", "sklearn.yaml", "--backend", "sklearn",
                           "--only", "majority,tfidf_logreg")),
        Subject("init", ("init", "train.json", "--test", "test.json", "--backend", "sklearn",
                         "-o", "made.yaml")),
        Subject("local", _TUNING, imports=("safetensors.torch",)),
        Subject("chart", _TUNING, imports=("safetensors.torch",), charts=True,
                only="learning_curve"),
        Subject("emulator", ("emulator",), call=through),
    )
}  # fmt: skip


def prepare(work: Path) -> None:
    """Write the data and the experiments into ``work``."""
    for name, copies in (("train", 4), ("test", 2)):
        (work / f"{name}.json").write_text(json.dumps(labelled(copies)))
    (work / "sklearn.yaml").write_text(_SKLEARN)
    (work / "local.yaml").write_text(_LOCAL)
    (work / "benchmark.yaml").write_text(_BENCHMARK)


def unfinished(work: Path) -> list[str]:
    """Return the run directories that are not completed."""
    records = sorted(work.glob("runs/*/run.json"))
    return [
        str(file.parent.relative_to(work))
        for file in records
        if json.loads(file.read_text())["status"] != "completed"
    ]


def placed(command: Sequence[str], work: Path) -> tuple[str, ...]:
    """Return ``command`` with the newest run directory for ``RUN``."""
    runs = [str(file.parent.relative_to(work)) for file in sorted(work.glob("runs/*/run.json"))]
    return tuple(runs[-1] if word == "RUN" else word for word in command)
