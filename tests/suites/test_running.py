"""The tests of another project, run against the emulator."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.suites.__main__ import main
from tests.suites.running import Runner
from tests.suites.suites import Suite

pytestmark = pytest.mark.slow
TESTS = """
import os
import urllib.request

def ask(path, **body):
    import json, ssl
    asked = urllib.request.Request(
        os.environ["WATSONX_URL"] + path + "?version=2025-01-01",
        json.dumps(body).encode(),
        {"Authorization": "Bearer " + token(), "Content-Type": "application/json"},
    )
    return json.load(urllib.request.urlopen(asked))

def token():
    import json
    form = "grant_type=urn:ibm:params:oauth:grant-type:apikey"
    form += "&apikey=" + os.environ["WATSONX_APIKEY"]
    address = "https://iam.cloud.ibm.com/identity/token"
    return json.load(urllib.request.urlopen(address, form.encode()))["access_token"]

def test_what_a_large_model_says():
    answer = ask(
        "/ml/v1/text/generation",
        model_id="acme/large",
        project_id=os.environ["WATSONX_PROJECT_ID"],
        input="What is the answer?",
        parameters={"max_new_tokens": 1},
    )
    assert answer["results"][0]["generated_text"] == "42"

def test_something_else():
    pass
"""
SCRIPT = """
answers:
  - name: test_them.py::test_what_a_large_model_says
    match: {model: acme/large}
    answer: {text: "42"}
"""


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    folder = tmp_path / "given" / "some_suite-1.0" / "tests"
    folder.mkdir(parents=True)
    (folder / "test_them.py").write_text(TESTS)
    # In place of an environment that has the packages of the suite.
    monkeypatch.setattr(Runner, "_python", Path(sys.executable))
    suite = Suite("some-suite", "1.0", "tests/test_*.py")
    return Runner(suite, tmp_path / "build", tmp_path / "given", "tunesmith/micro-granite")


def test_a_model_answers_and_a_script_if_there_is_one(runner: Runner, tmp_path: Path) -> None:
    (file,) = runner.files
    large, other = f"{file}::test_what_a_large_model_says", f"{file}::test_something_else"
    plain = runner.run([file], "plain")
    assert {name: one.kind for name, one in plain.items()} == {large: "failed", other: "passed"}
    assert "42" in plain[large].reason
    script = tmp_path / "scripts.yaml"
    script.write_text(SCRIPT)
    assert runner.run([large], "scripts", script=script)[large].kind == "passed"
    assert list(runner.run([file], "part", select="else")) == [other]


def test_the_page_is_written_from_what_was_measured_alone(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="run the suites first"):
        main(["--write", "--build", str(tmp_path)])
