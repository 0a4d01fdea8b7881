"""Runs a client's program in the client's own environment and reads what it prints."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
ENVIRONMENTS = HERE.parents[3] / "build" / "clients"
"""The environments that ``make clients`` makes."""
PYTHON = ENVIRONMENTS / "python" / "bin" / "python"
NODE_FOLDER = ENVIRONMENTS / "node"


def run_python(program: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Run a Python program of ``programs/``; returns the JSON that it prints."""
    present(PYTHON)
    return _run([str(PYTHON), str(PROGRAMS / program), json.dumps(settings)], settings)


def run_node(program: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Run a Node program of ``programs/``; returns the JSON that it prints."""
    present(NODE_FOLDER / "node_modules")
    # A module read from standard input finds its packages in the working folder.
    command = ["node", "--input-type=module", "-", json.dumps(settings)]
    return _run(command, settings, NODE_FOLDER, (PROGRAMS / program).read_text())


def present(path: Path) -> None:
    """Fail with a remedy if a part of the environments is missing."""
    if not path.exists():
        pytest.fail(f"{path} is missing; `make clients` installs the clients")


def _run(
    command: Sequence[str], settings: Mapping[str, Any], folder: Path = HERE, text: str = ""
) -> dict[str, Any]:
    done = subprocess.run(
        command, input=text, cwd=folder, env=_environment(settings),
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def _environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """Only what a program needs: nothing of a developer's account may help or harm it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        **_trust(settings),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }


def _trust(settings: Mapping[str, Any]) -> dict[str, str]:
    """The emulator of watsonx.ai has TLS, with a certificate authority of its own."""
    if "ca_file" not in settings:
        return {}
    return {
        "SSL_CERT_FILE": settings["ca_file"],
        "NODE_EXTRA_CA_CERTS": settings["ca_file"],
        "WATSONX_IAM_URL": f"{settings['url']}/identity/token",
    }
