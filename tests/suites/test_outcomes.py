"""What pytest wrote about a suite of another project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.suites.outcomes import count, in_words, read_outcomes, share

TESTS = """
import pytest

def test_right(): pass
def test_wrong(): assert 1 == 2, "one is not two"
@pytest.mark.skip(reason="no network")
def test_left(): pass
@pytest.mark.xfail
def test_expected(): assert False
@pytest.fixture
def broken(): raise OSError("no fixture")
def test_broken(broken): pass
class TestMany:
    @pytest.mark.parametrize("what", ["a.b::c"])
    def test_it(self, what): pass
"""


def test_each_test_has_an_address_one_outcome_and_a_reason(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_them.py").write_text(TESTS)
    (tmp_path / "tests" / "test_import.py").write_text("import not_there\n")
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=r.xml")
    more = ("-p", "no:xdist", "--continue-on-collection-errors")
    subprocess.run((*command, *more), cwd=tmp_path, capture_output=True, check=False)

    outcomes = read_outcomes(tmp_path / "r.xml", ["tests/test_import.py", "tests/test_them.py"])

    them = "tests/test_them.py"
    assert {name: one.kind for name, one in outcomes.items()} == {
        f"{them}::test_right": "passed",
        f"{them}::test_wrong": "failed",
        f"{them}::test_left": "skipped",
        f"{them}::test_expected": "xfailed",
        f"{them}::test_broken": "failed",
        f"{them}::TestMany::test_it[a.b::c]": "passed",
        "tests/test_import.py": "failed",
    }
    assert "one is not two" in outcomes[f"{them}::test_wrong"].reason
    assert outcomes[f"{them}::test_left"].reason == "no network"
    assert in_words(outcomes) == "2 passed, 3 failed, 1 skipped, 1 xfailed"
    assert share(count(outcomes)) == "40.0 %"
    again = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    passing = [name for name, one in outcomes.items() if one.kind == "passed"]
    repeated = subprocess.run((*again, *passing), cwd=tmp_path, capture_output=True, check=False)
    assert b"2 passed" in repeated.stdout
