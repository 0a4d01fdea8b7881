"""The command of the plugin, which is found without importing the SDK."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tunesmith.spec import TuningSpec
from tunesmith.testing.rows import TRAIN
from tunesmith_openai.methods import ProviderFinetune


@pytest.fixture
def tunesmith(tmp_path):
    """Return a function that runs the command line in the folder of the runs."""

    def run(*arguments, **environment):
        command = [sys.executable, "-m", "tunesmith", *arguments]
        return subprocess.run(
            command, env={**os.environ, **environment}, cwd=tmp_path, capture_output=True, text=True
        )

    return run


def test_a_job_is_paused_shown_and_continued(provider, connect, tunesmith, tmp_path):
    provider.pace = 60
    backend = connect(store=tmp_path / "runs/store/openai")
    spec = TuningSpec(base_model="classifier-1", labels=["0", "1"], method=ProviderFinetune())
    job = backend.tuner.submit(spec, TRAIN)
    address = {"OPENAI_BASE_URL": backend.options.base_url}
    paused = tunesmith("openai-job", job.id, "--pause", "--json", **address)
    assert paused.returncode == 0, paused.stderr
    assert json.loads(paused.stdout)["status"] == "interrupted"
    continued = tunesmith("openai-job", job.id, "--continue", **address)
    assert f"job {job.id} is running" in continued.stdout, continued.stderr
    assert provider.jobs[job.id].status == "running"
    unknown = tunesmith("openai-job", "nosuchjob", **address)
    assert unknown.returncode == 5
    assert "no such job either" in unknown.stderr


def test_the_command_is_listed_without_the_sdk(tunesmith):
    code = "import sys; from tunesmith.plugins import registry; registry().commands(); " \
           "print('openai' in sys.modules, 'openai-job' in registry().commands())"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"]
