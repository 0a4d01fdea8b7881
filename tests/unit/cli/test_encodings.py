"""A terminal whose encoding lacks a character of the data, and rows on stdin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tunesmith.cli.app import cli

GOOD, BAD = "肯定", "否定"


@pytest.fixture
def invoke(work: Path) -> Callable[..., Result]:
    """Run the command line as in a terminal of Western Windows, with Japanese labels."""
    for name, count in (("日本", 24), ("test", 8)):
        rows = [{"input": f"とても {n}", "output": (GOOD, BAD)[n % 2]} for n in range(count)]
        Path(f"{name}.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    text = Path("experiment.yaml").read_text().replace("train.json", "日本.json")
    text = text.replace("name: reviews", "name: 評判").replace("['0', '1']", f"[{GOOD}, {BAD}]")
    Path("experiment.yaml").write_text(text, encoding="utf-8")

    def call(*arguments: str, code: int = 0) -> Result:
        done = CliRunner(charset="cp1252").invoke(cli, arguments, prog_name="tunesmith")
        assert done.exit_code == code, done.output
        return done

    return call


def test_no_output_ends_a_command(invoke: Callable[..., Result]) -> None:
    escaped = GOOD.encode("cp1252", "backslashreplace").decode()
    assert escaped in invoke("audit", "日本.json", "test.json").stdout
    assert escaped in invoke("init", "日本.json", "--no-search", "-o", "new.yaml").stdout
    done = invoke("run", "experiment.yaml", "--backend", "fake", "--json").stdout
    folder = json.loads(done)["run_dir"]
    assert escaped in invoke("predict", folder, "test.json").stdout
    assert escaped in invoke("evaluate", folder).stdout
    assert escaped in invoke("evaluate", folder, "--json").stdout
    for command in (["compare", folder, folder], ["runs"], ["resume", folder]):
        invoke(*command)
    assert escaped in invoke("audit", f"{GOOD}.json", code=2).stderr


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_rows_on_stdin_are_utf8_in_every_locale(run_of: Callable[..., Path], mark: str) -> None:
    text = "とても café 😀"
    folder = run_of("--backend", "sklearn", "--set", "method.name=tfidf_logreg")
    settings = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-m", "tunesmith", "predict", str(folder), "-", "--json"],
        input=f"{mark}{text}\n".encode(),
        capture_output=True,
        env={**os.environ, **settings},
    )
    assert done.returncode == 0, done.stderr.decode()
    (found,) = json.loads(done.stdout.decode("ascii"))["predictions"]
    assert found["input"] == text


def test_bytes_on_stdin_that_are_no_utf8(run_dir: Path) -> None:
    done = CliRunner().invoke(cli, ["predict", str(run_dir), "-"], input="é".encode("latin-1"))
    assert done.exit_code == 2, done.stderr
    assert "stdin: not UTF-8 text" in done.stderr
