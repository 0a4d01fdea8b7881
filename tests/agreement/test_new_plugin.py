"""Each distribution of ``tunesmith new-plugin`` is installed, and its own tests are run.

A line of the backend that is broken turns one test red, with what to do.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from generated_plugins import Workplace

pytestmark = pytest.mark.slow
BREAKS = [
    ("tuning.py", '"seed": spec.seed,', '"seed": 0,',
     "test_another_seed_makes_another_model", "pass ``spec.seed`` on"),
    ("tuning.py", 'model_dump()["num_epochs"],', 'model_dump()["num_epochs"] - 1,',
     "test_learning_curve", "pass ``num_epochs`` on"),
    ("serving.py", "key=lambda one: one.created_at)", "key=lambda one: one.created_at)[::-1]",
     "test_list_is_oldest_first", "sort by ``created_at``"),
    ("serving.py", "self._deployments.remove(deployment.id)", "return",
     "test_undeploy_is_idempotent", 'catch the service\'s "not found" in ``undeploy``'),
    ("client.py", "said.replace(self._key(), HIDDEN)", "said",
     "test_a_key_that_is_refused_is_not_shown", "not in"),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["backend", "method", "base-model"])
def test_its_own_tests_pass(kind: str, tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    place.run("-m", "tunesmith", "new-plugin", "my-own", "--kind", kind)
    place.install("tunesmith-my-own")
    done = place.tested("tunesmith-my-own")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    listed = place.run("-m", "tunesmith", "plugins", "--json")
    assert re.search(r'"distribution": "tunesmith-my-own"[^}]*"error": null', listed), listed


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = Workplace(tmp_path_factory.mktemp("acme"))
    place.run("-m", "tunesmith", "new-plugin", "acme")
    place.install("tunesmith-acme")
    return place


@pytest.mark.parametrize(("file", "right", "wrong", "test", "remedy"), BREAKS)
def test_a_broken_line_fails_one_test_that_says_what_to_do(
    file: str, right: str, wrong: str, test: str, remedy: str, acme: Workplace
) -> None:
    source = acme.folder / "tunesmith-acme" / "src"
    path = source / "tunesmith_acme" / file
    text = path.read_text()
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong))
    try:
        tests = (f"tunesmith-acme/tests/test_{name}.py" for name in ("conformance", "client"))
        done = acme.tested(*tests, sources=(source,))
    finally:
        path.write_text(text)
    failed = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", done.stdout, re.M)
    assert failed == [test], done.stdout
    assert remedy in done.stdout
