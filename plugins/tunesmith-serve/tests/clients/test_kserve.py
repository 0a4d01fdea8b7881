"""The example for KServe and OpenShift AI, read by KServe's own models."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "docs" / "examples" / "inference-service.yaml"
PROGRAM = Path(__file__).parent / "programs" / "with_kserve.py"
PYTHON = ROOT / "build" / "clients" / "serve" / "bin" / "python"


def read(path: Path) -> subprocess.CompletedProcess[str]:
    """Read a file with the models; those of Kubernetes refuse what lacks a needed field."""
    return subprocess.run([PYTHON, PROGRAM, path], capture_output=True, text=True, timeout=300)


def test_the_models_know_every_field_of_the_example() -> None:
    done = read(EXAMPLE)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == yaml.safe_load(EXAMPLE.read_text("utf-8"))


@pytest.mark.parametrize("field", ["containerPort", "minReplicas", "claimName"])
def test_the_models_do_not_keep_a_misspelled_field(tmp_path: Path, field: str) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(EXAMPLE.read_text("utf-8").replace(field, f"{field}s"), "utf-8")
    done = read(wrong)
    assert done.returncode != 0 or f"{field}s" not in done.stdout
