"""The scripted answers of a suite. Each is named by the test that it is for."""

from __future__ import annotations

from tests.suites.suites import Suite

from tunesmith_emulator.given_file import read_file
from tunesmith_emulator.scripted_answer import ScriptedAnswers


def scripted_tests(suite: Suite) -> list[str]:
    """Return the addresses of the tests that have a scripted answer, each once.

    The answers of one test have the same name up to ``#``: ``tests/test_a.py::test_b #2``.

    Raises:
        ExperimentError: the file is wrong; the message names the field.
    """
    answers = read_file(suite.scripts, ScriptedAnswers).answers
    return list(dict.fromkeys(answer.name.partition(" #")[0] for answer in answers))
