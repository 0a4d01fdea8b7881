"""No test of the suite can be left out silently, and each one helps if it fails."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from tunesmith.spec import GenerationParams
from tunesmith.testing.conformance import BackendConformance
from tunesmith.testing.suite_refusals import SAMPLES

TESTS = {
    name: test
    for base in BackendConformance.__mro__
    for name, test in vars(base).items()
    if name.startswith("test_")
}


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
def test_every_test_ends_with_what_to_do(name: str) -> None:
    last = (inspect.getdoc(TESTS[name]) or "").split("\n\n")[-1]
    assert last.startswith("Troubleshooting: ")
    assert len(last.split()) > 3


def test_every_generation_parameter_has_a_sample() -> None:
    assert set(SAMPLES) == set(GenerationParams.model_fields)


def test_no_test_name_is_used_twice() -> None:
    names = [n for base in BackendConformance.__mro__ for n in vars(base) if n[:5] == "test_"]
    assert len(names) == len(set(names))


def test_pytest_is_only_needed_by_the_suite() -> None:
    code = "import sys, tunesmith.testing.fake; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
