"""Clients, unchanged, over a real socket, and the conformance suite of the System One API."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
CLIENTS = ROOT / "build" / "clients"
BIN = CLIENTS / "serve" / "bin"
KEY = "a-key"
REQUIREMENTS = 48


def run(*command: str, text: str | None = None, folder: Path = HERE) -> str:
    done = subprocess.run(
        command, input=text, cwd=folder, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answers(name: str, url: str, text: str) -> dict[str, Any]:
    """Run a program of ``programs/`` in its own environment; returns the JSON that it prints."""
    program = HERE / "programs" / name
    if program.suffix == ".mjs":  # read from standard input, it finds packages in the folder
        command = ("node", "--input-type=module", "-", url, text)
        printed = run(*command, text=program.read_text("utf-8"), folder=CLIENTS / "node")
    else:
        printed = run(str(BIN / "python"), str(program), url, text)
    found: dict[str, Any] = json.loads(printed)
    return found


def passed(url: str, report: Path, *more: str) -> set[str]:
    """Return the requirements that pass; none may fail."""
    run(str(BIN / "jevcompat"), "test", url, "--json", str(report), *more)
    found = json.loads(report.read_text("utf-8"))["results"]
    assert not [one["id"] for one in found if one["status"] == "fail"]
    return {one["id"] for one in found if one["status"] == "pass"}


@pytest.mark.parametrize("default", [None, "grooming"])
def test_every_requirement_passes_with_or_without_keys(
    served: Any, tmp_path: Path, default: str | None
) -> None:
    without = passed(served(default=default), tmp_path / "without.json")
    url = served(default=default, api_keys=(KEY,))
    with_keys = passed(url, tmp_path / "with.json", "--key", KEY)
    assert len(without | with_keys) == REQUIREMENTS


def test_the_clients_of_openai(served: Any, tuned: Any) -> None:
    found = answers("with_openai.py", served(), tuned.texts[0])
    assert {"grooming", "other", "jev-latest"} <= set(found["models"])
    assert found["label"] in ("0", "1")
    assert found["types"] == ["choice", "predicate", "score"]
    assert found["streamed"] == found["whole"] == found["awaited"] == found["awaited stream"]
    assert found["logprobs"] < 0
    assert found["completed"] == found["completed stream"]
    assert found["refused"] == "functions"


def test_the_client_of_system_one(served: Any, tuned: Any) -> None:
    found = answers("with_typesafe.py", served(), tuned.texts[0])
    assert found["choice"] == found["awaited"] in ("0", "1")
    assert 0 <= found["noul"] <= 1


def test_langchain(served: Any, tuned: Any) -> None:
    url, text = served(), tuned.texts[0]
    found, direct = answers("with_langchain.py", url, text), answers("with_openai.py", url, text)
    assert found["streamed"] == found["whole"] == found["awaited"] == found["awaited stream"]
    assert found["batch"] == [found["whole"]] * 2
    assert found["logprob"] < 0
    assert found["tokens"] > 0
    assert found["label"] == found["awaited label"] == direct["label"]
    assert 0 <= found["complaint"] <= 1
    assert found["anger"] is not None


def test_litellm(served: Any, tuned: Any) -> None:
    found = answers("with_litellm.py", served(), tuned.texts[0])
    assert found["streamed"] == found["whole"] == found["awaited"] == found["awaited stream"]
    assert found["completed"] == found["whole"], "a prompt reads the same text in both"
    assert found["tokens"] > 0
    assert found["refused"] == 404


def test_the_node_client_of_openai(served: Any, tuned: Any) -> None:
    url, text = served(), tuned.texts[0]
    found, direct = answers("with_node.mjs", url, text), answers("with_openai.py", url, text)
    assert found["models"] == direct["models"]
    assert found["label"] == direct["label"]
    assert found["whole"] == found["streamed"]
    assert found["logprob"] < 0
    assert found["completed"] == found["completed stream"]
    assert found["refused"] == {"status": 400, "param": "functions"}
    assert found["unknown"]["status"] == 404


def test_the_example_of_the_readme(served: Any, tuned: Any) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(from openai.*?)```", readme, re.DOTALL)
    example = example.replace("http://127.0.0.1:8000", served()).replace('"reviews"', '"grooming"')
    assert run(str(BIN / "python"), "-", text=example).strip() in ("0", "1")
