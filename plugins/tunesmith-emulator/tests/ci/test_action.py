"""The GitHub Action: its start step, run here as a runner does."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

ACTION = Path(__file__).parents[2] / "action.yml"
INSTALL, START = yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]


@pytest.fixture
def runner(tmp_path):
    """Run the step with options in a process group that the test ends."""
    programs = tmp_path / "tunesmith-emulator" / "bin"
    programs.mkdir(parents=True)
    installed = shutil.which("tunesmith", path=str(Path(sys.executable).parent))
    (programs / "tunesmith").symlink_to(installed)
    steps = []

    def run(options):
        names = {"GITHUB_ENV": "env", "GITHUB_OUTPUT": "output"}
        variables = {name: str(tmp_path / file) for name, file in names.items()}
        step = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", START["run"]],
            env={**os.environ, **variables, "RUNNER_TEMP": str(tmp_path), "OPTIONS": options},
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        steps.append(step)
        _, said = step.communicate(timeout=120)
        return step.returncode, said

    yield run
    for step in steps:
        try:
            os.killpg(step.pid, signal.SIGTERM)
        except ProcessLookupError:
            continue


def pairs(file):
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_the_emulator_outlives_its_step_and_later_steps_find_it(runner, tmp_path):
    assert runner("--backend sklearn --any-model") == (0, "")
    env, output = pairs(tmp_path / "env"), pairs(tmp_path / "output")
    assert env["WATSONX_APIKEY"] == "any-key"
    assert env["WATSONX_VERIFY"] == env["NODE_EXTRA_CA_CERTS"] == output["ca-file"]
    assert env["WATSONX_URL"] == output["url"]
    assert env["WATSONX_PROJECT_ID"] == output["project-id"]
    declared = yaml.safe_load(ACTION.read_text("utf-8"))["outputs"]
    assert output.keys() == declared.keys()
    context = ssl.create_default_context(cafile=output["ca-file"])
    with urllib.request.urlopen(f"{output['url']}/_emulator/health", context=context) as answer:
        assert answer.status == 200


def test_a_wrong_option_fails_the_step_and_is_shown(runner, tmp_path):
    code, said = runner("--no-such-option")
    assert code == 1
    assert "--no-such-option" in said
    assert not (tmp_path / "env").exists()
