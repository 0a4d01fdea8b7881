"""The page about the suites, and the files that are written by hand for it."""

from __future__ import annotations

import re
from datetime import date

import pytest
import yaml
from tests.suites.outcomes import Measured, Outcome
from tests.suites.page import Cause, read_causes, suites_page
from tests.suites.scripts import scripted_tests
from tests.suites.suites import SUITES, Suite

SUITE = Suite("some-suite", "1.0", "tests/test_*.py")
FAILED = Outcome(kind="failed", reason="AssertionError: assert 'a|b' == ''")
MEASURED = Measured(
    model="some/model",
    day=date(2026, 11, 30),
    files=("tests/test_a.py", "tests/test_b.py", "tests/test_c.py"),
    parts={
        "tests/test_a.py": {
            "tests/test_a.py::test_one": Outcome(kind="passed"),
            "tests/test_a.py::test_two[x]": FAILED,
            "tests/test_a.py::test_three": Outcome(kind="skipped", reason="no network"),
        },
        "tests/test_b.py": {"tests/test_b.py::TestB::test_four": FAILED},
    },
    scripted={"tests/test_a.py::test_two[x]": Outcome(kind="passed")},
)
SMALL = Cause(cause="The model is small.", tests=("tests/test_a.py::test_two[x]",))
OTHER = Cause(cause="It sends an image.", tests=("*::test_four",))


def test_the_page_has_the_figures_and_a_line_for_each_failure() -> None:
    page = suites_page([(SUITE, MEASURED)], {"some-suite": [SMALL, OTHER]})
    assert "| some-suite 1.0 | 2026-11-30 | 1 | 2 | 1 | 0 | 33.3 % | 66.7 % |" in page
    assert "some/model answered." in page
    assert (
        "| `test_a.py::test_two[x]` | The model is small. | "
        "`AssertionError: assert 'a¦b' == ''` | passed |"
    ) in page
    assert "| `test_b.py::TestB::test_four` | It sends an image. |" in page
    assert "Not run yet: `tests/test_c.py`." in page


def test_each_failure_needs_a_cause_and_each_cause_a_failure() -> None:
    with pytest.raises(SystemExit, match="test_four fails without a cause"):
        suites_page([(SUITE, MEASURED)], {"some-suite": [SMALL]})
    idle = Cause(cause="The moon is full.", tests=("*::test_one",))
    with pytest.raises(SystemExit, match=r"no test fails because 'The moon is full\.'"):
        suites_page([(SUITE, MEASURED)], {"some-suite": [SMALL, OTHER, idle]})


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_the_files_of_a_suite_can_be_read(suite: Suite) -> None:
    read_causes(suite.causes)
    tests = suite.slice.read_text().splitlines() if suite.slice.exists() else []
    assert all(re.match(r"tests/[\w/]+\.py::\w+", test) for test in tests)
    if suite.scripts.exists():
        answers = yaml.safe_load(suite.scripts.read_text())["answers"]
        names = [answer["name"] for answer in answers]
        assert len(set(names)) == len(names)
        files = {f"tests/{name.partition('::')[0]}" for name in names}
        addresses = scripted_tests(suite, sorted(files))
        assert {name.partition("#")[0] for name in names} == {a[len("tests/") :] for a in addresses}
        with pytest.raises(SystemExit, match=r"is no test_file\.py::test"):
            scripted_tests(suite, [])
    pinned = suite.requirements.read_text()
    assert f"{suite.name}=={suite.version}\n" in pinned
