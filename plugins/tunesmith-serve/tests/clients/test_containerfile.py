"""The Containerfile's install and start commands, in a fresh environment of this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from container_instructions import ROOT, stages

INSTALLED, FINAL = stages()
LINTER = ROOT / "build" / "clients" / "serve" / "bin" / "hadolint"
IN_THE_IMAGE = "/opt/tunesmith"
SECONDS = 1800


@pytest.mark.parametrize("name", ["tunesmith-emulator", "tunesmith-serve"])
def test_hadolint_has_no_remark(name: str) -> None:
    containerfile = ROOT / "plugins" / name / "Containerfile"
    done = subprocess.run([LINTER, str(containerfile)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the install command on a copy of what is copied; return the environment variables."""
    if "TUNESMITH_CONTAINER" not in os.environ:
        pytest.skip("the whole installation takes minutes: make test-container")
    source, target = tmp_path_factory.mktemp("src"), tmp_path_factory.mktemp("opt") / "tunesmith"
    for line in INSTALLED.all("COPY"):
        *names, _ = line.split()
        for name in names:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, source / name)
    variables = {
        **{name: text for name, text in os.environ.items() if not name.startswith("PYTHON")},
        "PATH": f"{target / 'bin'}:{os.environ['PATH']}",
    }
    command = INSTALLED.one("RUN").replace(IN_THE_IMAGE, str(target))
    done = subprocess.run(
        ["sh", "-c", command], cwd=source, env=variables,
        capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(source)
    return variables


@pytest.fixture
def address(installed: Mapping[str, str], tuned: Any, tmp_path: Path) -> Iterator[str]:
    """Start the server on a copy of the runs, as if they were mounted elsewhere."""
    runs = shutil.copytree(tuned.folder, tmp_path / "runs")
    command = [one.replace(FINAL.one("VOLUME"), str(runs)) for one in FINAL.command("ENTRYPOINT")]
    prompt = f"grooming={runs / tuned.grooming.name}"
    with subprocess.Popen(
        [*command, prompt, "--port", "0"], env=installed, cwd=tmp_path,
        stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found
        yield found[0]
        server.send_signal(signal.SIGTERM)
    assert server.returncode == 0


def test_the_installed_server_answers_with_a_prompt(address: str, tuned: Any) -> None:
    choices = [{"value": "0"}, {"value": "1"}]
    question = {"type": "choice", "instructions": "Satisfied?", "choices": choices}
    body = {"model": "grooming", "input": tuned.texts[0], "questions": [question]}
    request = urllib.request.Request(
        f"{address}/v1/decisions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        (answer,) = json.load(response)["answers"]
    assert answer["x_answered_by"] == "grooming"
