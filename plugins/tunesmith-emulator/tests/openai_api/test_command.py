"""``tunesmith emulator serve --api openai``."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from openai import AuthenticationError, OpenAI

ALIAS = "gpt-4o-mini"
SERVE = (sys.executable, "-m", "tunesmith", "emulator", "serve", "--port", "0")


def test_the_command_serves_until_it_is_stopped(tmp_path):
    named = ("--model", f"{ALIAS}=tunesmith/micro-granite", "--set", "method.name=lora")
    command = (*SERVE, "--api", "openai", "--json", "--api-key", "right", *named)
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            found = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
            assert (found["names"], found["method"]) == ([ALIAS], "lora")
            with OpenAI(base_url=found["url"], api_key="right") as client:
                assert ALIAS in [model.id for model in client.models.list()]
                file = client.files.create(file=("a", b"x"), purpose="user_data")
                with pytest.raises(AuthenticationError):
                    client.with_options(api_key="wrong").files.retrieve(file.id)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=600) == 0
    assert (tmp_path / "runs/emulator-openai/files" / f"{file.id}.json").is_file()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--api", "openai", "--as-of", "2025-07-01"), "--as-of is an option of --api watsonx"),
        (("--set", "method.name=lora"), "--set is an option of --api openai"),
        (("--api", "openai", "--set", "seed=1"), "--set seed: only the method is set here"),
        (("--api", "openai", "--set", "method.rank=1"), "method.rank: no such key"),
        (("--api", "openai", "--model", "a=x", "--model", "b=y"), "one base model, not x and y"),
    ],
)
def test_a_wrong_option_is_refused(tmp_path, given, told):
    done = subprocess.run((*SERVE, *given), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert told in done.stderr
