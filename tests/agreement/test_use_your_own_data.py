"""The example of the how-to page about chat files runs as it is printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tunesmith.experiment import Experiment

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/use-your-own-data.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Chat files")[2].partition("\n## ")[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with the rows of the page as training and as test rows."""
    (rows,) = re.findall(r"```json\n(.*?)```", SECTION, re.DOTALL)
    for name in ("train.jsonl", "test.jsonl"):
        (tmp_path / name).write_text(rows)
    return tmp_path


def ran(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_python_example_answers(folder: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    assert ran(folder, "-c", code).stdout == "billing\n"


def test_init_reads_the_file_and_says_how(folder: Path) -> None:
    (command,) = re.findall(r"^tunesmith (init .*)$", SECTION, re.MULTILINE)
    done = ran(folder, "-m", "tunesmith", *command.split(), "--no-search")
    assert done.stderr.splitlines() == [
        "train.jsonl: the text is the user's message, the label the assistant's answer",
        "train.jsonl: the system message is the same in all rows, and is left out: "
        "'Name the department.'",
    ]
    experiment = Experiment.from_file(folder / "tickets.yaml")
    assert experiment.labels.names == ("billing", "delivery")
    dry_run = ("run", "tickets.yaml", "--backend", "sklearn", "--set", "method.name=tfidf_logreg")
    ran(folder, "-m", "tunesmith", *dry_run, "--dry-run")
