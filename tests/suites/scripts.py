"""The scripted answers of a suite. Each is named by the test that it is for."""

from __future__ import annotations

from collections.abc import Sequence

from tests.suites.suites import Suite

from tunesmith_emulator.given_file import read_file
from tunesmith_emulator.scripted_answer import ScriptedAnswers


def scripted_tests(suite: Suite, files: Sequence[str]) -> list[str]:
    """Return the addresses of the tests that have a scripted answer, each once.

    An answer is named by the last part of the address, ``test_a.py::test_b``. The further ones of a
    test have a number behind it: ``test_a.py::test_b#2``.

    Args:
        suite: has the answers.
        files: all test files.

    Raises:
        ExperimentError: the file is wrong; the message names the field.
        SystemExit: an answer is named by no test in ``files``.
    """
    found: dict[str, None] = {}
    for answer in read_file(suite.scripts, ScriptedAnswers).answers:
        name, _, test = answer.name.partition("#")[0].partition("::")
        file = next((one for one in files if one.endswith(f"/{name}")), None)
        if file is None or not test:
            raise SystemExit(f"{suite.scripts}: {answer.name!r} is no test_file.py::test")
        found[f"{file}::{test}"] = None
    return list(found)
