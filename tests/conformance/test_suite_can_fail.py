"""The suite finds broken backends, and no test can be left out silently."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest

from tunesmith.spec import GenerationParams
from tunesmith.testing.conformance import BackendConformance
from tunesmith.testing.suite_refusals import SAMPLES

HERE = Path(__file__).parent
BROKEN = HERE / "broken_backends.py"
ROOT = HERE.parents[1]
TESTS = {
    name: test
    for base in BackendConformance.__mro__
    for name, test in vars(base).items()
    if name.startswith("test_")
}


@pytest.fixture(scope="module")
def broken() -> ModuleType:
    spec = importlib.util.spec_from_file_location("broken_backends", BROKEN)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, set[str]]]:
    """Class to outcome (failure, error, skipped) to the names of the tests, without case."""
    report = tmp_path_factory.mktemp("broken") / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(report), str(BROKEN)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for case in ET.parse(report).iter("testcase"):
        for outcome in case:
            kind = "xfail" if "xfail" in outcome.get("type", "") else outcome.tag
            name = str(case.get("classname")).rpartition(".")[2]
            found[name][kind].add(str(case.get("name")).partition("[")[0])
    return found


@pytest.mark.parametrize(
    "name",
    [
        "Chatty",
        "Deaf",
        "Forgetful",
        "KeepsSilent",
        "LaxRanges",
        "Littering",
        "LosesCurve",
        "MuteAboutNames",
        "Neighborly",
        "OneForAll",
        "OwnErrors",
        "OwnPathError",
        "OwnWords",
        "PathsToDeployments",
        "PathsToJobs",
        "TouchyUndeploy",
        "Unchecked",
        "Unseeded",
        "Unstoppable",
        "WrongOrder",
        "WrongTexts",
    ],
)
def test_broken_backend_fails_the_expected_tests(
    name: str, broken: ModuleType, outcomes: dict[str, dict[str, set[str]]]
) -> None:
    expected = broken.FAILS[getattr(broken, name)]
    found = outcomes[f"Test{name}"]
    assert found["failure"] == expected
    assert not found["error"]


def test_every_broken_backend_is_checked(broken: ModuleType) -> None:
    mark = test_broken_backend_fails_the_expected_tests.pytestmark[0]
    assert set(mark.args[1]) == {backend.__name__ for backend in broken.FAILS}


def test_known_failure_is_an_xfail(outcomes: dict[str, dict[str, set[str]]]) -> None:
    assert outcomes["TestKnown"]["xfail"] == {"test_undeploy_is_idempotent"}
    assert not outcomes["TestKnown"]["failure"]


def test_known_failure_that_passes_fails(outcomes: dict[str, dict[str, set[str]]]) -> None:
    assert outcomes["TestStale"]["failure"] == {"test_generation_parameter"}


@pytest.mark.parametrize("value", [None, lambda self: None])
def test_tests_cannot_be_overridden(value: object) -> None:
    with pytest.raises(TypeError, match=r"overrides.*test_stream.*known_failures"):
        type("Sly", (BackendConformance,), {"test_stream": value, "__module__": "sly"})


def test_tests_cannot_be_overridden_by_a_mixin() -> None:
    mixin = type("Mixin", (), {"test_stream": lambda self: None})
    with pytest.raises(TypeError, match="test_stream"):
        type("Sly", (mixin, BackendConformance), {"__module__": "sly"})


@pytest.mark.parametrize("known", [{"test_nothing": "reason"}, {"test_stream": " "}])
def test_known_failures_name_a_test_and_a_reason(known: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="known_failures"):
        type("Sly", (BackendConformance,), {"known_failures": known, "__module__": "sly"})


@pytest.mark.parametrize("name", sorted(TESTS))
def test_every_test_has_a_troubleshooting_line(name: str) -> None:
    assert "Troubleshooting: " in (TESTS[name].__doc__ or "")


def test_every_generation_parameter_has_a_sample() -> None:
    assert set(SAMPLES) == set(GenerationParams.model_fields)


def test_no_test_name_is_used_twice() -> None:
    names = [n for base in BackendConformance.__mro__ for n in vars(base) if n[:5] == "test_"]
    assert len(names) == len(set(names))


def test_pytest_is_only_needed_by_the_suite() -> None:
    code = "import sys, tunesmith.testing.fake; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
