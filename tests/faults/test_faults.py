"""A part of ``make faults``, and a check that the injector finds what is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = (
    ("run", "ENOSPC", 5),
    ("run", "full", 11),
    ("run", "kill", 11),
    ("tune", "full", 3),
    ("benchmark", "EIO", 29),
    ("benchmark", "kill", 31),
    ("emulator", "ENOSPC", 7),
    ("emulator", "kill", 13),
)
CARELESS = """
import json, sys
from pathlib import Path
from tests.faults.check import Checker
from tests.faults.subjects import Subject

def careless():
    try:
        Path("made.json").write_text(json.dumps(["two", "words"]))
    except OSError:
        print("error: it did not work", file=sys.stderr)
        sys.exit(2)

checker = Checker(Subject("careless", ("careless",), call=careless), Path(sys.argv[1]))
for point in checker.points:
    for fault in ("ENOSPC", "kill"):
        print(point.call, fault, *checker.check(point, fault), sep="|")
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")


def python(*arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(("subject", "fault", "every"), PARTS)
def test_the_command_that_the_error_names_completes(subject: str, fault: str, every: int) -> None:
    *_, last = python("-m", "tests.faults", subject, "--faults", fault, "--every", str(every))
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (\w+)", last)}
    assert counts["faults"] == -(-counts["points"] // every) == counts["completed"] > 0
    assert counts["failed"] == 0


def test_a_careless_writer_is_found(tmp_path: Path) -> None:
    found = python("-c", CARELESS, str(tmp_path))
    assert [line.split("|")[:2] for line in found] == [
        ["open", "ENOSPC"], ["open", "kill"], ["write", "ENOSPC"], ["write", "kill"]
    ]  # fmt: skip
    of_open, of_killed_open, of_write, of_killed_write = found
    assert "the error names no path" in of_open
    assert of_killed_open == "open|kill"
    for line in (of_write, of_killed_write):
        assert "half written: made.json" in line
