"""Code that runs in another Python than the emulator's."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

# What a notebook's pip cell would use, and what its own code runs in.
CODE = """
import sys
print(sys.prefix)
!python -c 'import sys; print(sys.prefix)'
answer = input('key: ')
"""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The Python of another environment, which has this one's packages too."""
    folder = tmp_path / "env"
    venv.create(folder)
    python = folder / "bin" / "python"
    asked = (python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    packages = subprocess.check_output(asked, text=True).strip()
    Path(packages, "ours.pth").write_text(sysconfig.get_path("purelib"))
    return python


def run(tunesmith_run, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = tunesmith_run("--answer", "key=k", *arguments)
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def test_a_notebook_runs_in_the_kernel_of_the_named_python(tunesmith_run, other, tmp_path):
    (tmp_path / "work.py").write_text(CODE)
    done = run(tunesmith_run, "--python", "env/bin/python", "work.py", folder=tmp_path)
    assert done.stdout.split() == [str(tmp_path / "env")] * 2, done.stderr
    assert (tmp_path / "work.executed.ipynb").is_file()


def test_python_is_the_named_one_in_a_process_too(tunesmith_run, other, tmp_path):
    script = "import sys; print(sys.prefix, input('key: '))"
    done = run(tunesmith_run, "--python", str(other), "--", "python", "-c", script, folder=tmp_path)
    assert done.stdout.split() == [str(tmp_path / "env"), "k"], done.stderr


def test_a_python_without_a_kernel_is_told_what_it_lacks(tunesmith_run, tmp_path):
    venv.create(tmp_path / "bare")
    (tmp_path / "work.py").write_text("print(1)")
    done = run(tunesmith_run, "--python", "bare/bin/python", "work.py", folder=tmp_path)
    assert done.returncode == 3
    assert f"install ipykernel beside {tmp_path / 'bare' / 'bin' / 'python'}" in done.stderr


def test_by_default_it_is_the_one_with_the_emulator(tunesmith_run, tmp_path):
    (tmp_path / "work.py").write_text(CODE)
    done = run(tunesmith_run, "work.py", folder=tmp_path)
    assert done.stdout.split() == [sys.prefix] * 2, done.stderr
