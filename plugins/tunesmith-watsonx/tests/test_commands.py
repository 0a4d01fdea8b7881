"""The commands of the plugin, which are found without importing the SDK."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tunesmith.testing.rows import TRAIN


@pytest.fixture
def tunesmith(emulator, tmp_path):
    """Return a function that runs the command line as a user of the emulator would."""
    names = {"url": "URL", "api_key": "APIKEY", "platform_url": "PLATFORM_URL"}
    names |= {"auth_url": "AUTH_URL", "verify": "VERIFY"}
    given = {f"WATSONX_{names[name]}": value for name, value in emulator.credentials.items()}
    environment = {**os.environ, **given, "WATSONX_PROJECT_ID": emulator.project_id}

    def run(*arguments):
        command = [sys.executable, "-m", "tunesmith", *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True
        )

    return run


def test_clean_up(tunesmith, connect, experiment, tmp_path):
    backend = connect(store=tmp_path / "runs" / "store" / "watsonx")
    model = backend.tuner.submit(experiment(), TRAIN).wait(timeout=60)
    refused = tunesmith("watsonx-clean-up")
    assert refused.returncode != 0
    done = tunesmith("watsonx-clean-up", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert f"tuned model {model.id}" in json.loads(done.stdout)["removed"]
    again = tunesmith("watsonx-clean-up", "--yes")
    assert again.stdout == "nothing was left to remove\n"


def test_models_are_asked_of_the_service(tunesmith):
    listed = tunesmith("models", "--backend", "watsonx", "--json")
    names = [model["name"] for model in json.loads(listed.stdout)]
    assert "ibm/granite-13b-instruct-v2" in names


def test_the_plugin_is_found_without_the_sdk():
    code = (
        "import sys\n"
        "from tunesmith.plugins import registry\n"
        "found = registry()\n"
        "found.backends()['watsonx'], found.commands()['watsonx-clean-up'], found.base_models()\n"
        "print([m for m in ('ibm_watsonx_ai', 'pandas', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
