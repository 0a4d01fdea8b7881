"""The README's Python example runs as it is printed, from the project's root."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_example_runs(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example, _ = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)  # the second asks a server
    assert len(example.splitlines()) == 12
    (tmp_path / "data").symlink_to(ROOT / "data")  # so that its runs land in a scratch folder
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:tunesmith", "-c", example],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    against_base, against_hard_prompt = done.stdout.splitlines()
    assert "tuned" in against_base
    assert "soft prompt" in against_hard_prompt
    assert len(list(tmp_path.glob("runs/*/report.html"))) == 2


@pytest.mark.slow
def test_the_script_for_ibms_cloud_runs_unchanged(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\$ \.venv/bin/tunesmith (emulator run .*)$", readme, re.MULTILINE)
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    done = subprocess.run(
        [sys.executable, "-m", "tunesmith", *command.split()],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "finished successfully" in done.stdout
    tuned, base = (
        float(re.search(rf"{name} model, accuracy: (\S+)", done.stdout)[1])
        for name in ("tuned", "base")
    )
    assert tuned > base
    assert "refused" not in done.stderr  # no host but IBM's was asked


def test_every_link_leads_somewhere() -> None:
    for page in ROOT.glob("docs/**/*.md"):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
