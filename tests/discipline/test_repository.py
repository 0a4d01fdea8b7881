"""The repository's own files: what is at the top, the workflows, the hooks, the templates."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PLACES = {"data", "docs", "plugins", "src", "tests", "pyproject.toml", "README.md"}
DEMANDED = {
    ".ci": "the continuous integration starts its script",
    ".github": "GitHub",
    ".gitignore": "git",
    ".pre-commit-config.yaml": "pre-commit",
    "CHANGELOG.md": "readers and tools look here",
    "CONTRIBUTING.md": "GitHub shows it to who opens a pull request",
    "LICENSE": "the license",
    "Makefile": "make",
    "conftest.py": "pytest",
    "constraints.txt": "pip",
}
TESTS = ".github/workflows/tests.yml"
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
YAML = sorted([*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml"])


def test_the_top_level_has_only_what_belongs_there() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {name.split("/")[0] for name in listed} <= PLACES | DEMANDED.keys()


def actionlint(*workflows: Path) -> str:
    """Return what actionlint finds."""
    program = shutil.which("actionlint", path=str(Path(sys.executable).parent))
    assert program, "make .venv/.installed"
    done = subprocess.run([program, *workflows], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == int(bool(done.stdout)), done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="actionlint is installed on Linux only")
def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    assert actionlint(*WORKFLOWS) == ""
    wrong = tmp_path / "wrong.yml"
    wrong.write_text((ROOT / TESTS).read_text().replace("${{ matrix.os }}", "${{ matrix.system }}"))
    assert "system" in actionlint(wrong)


@pytest.mark.parametrize("path", YAML, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_of_the_habits_is_yaml(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def hooks() -> dict[str, dict[str, str]]:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (repository,) = yaml.safe_load(text)["repos"]
    assert repository["repo"] == "local"  # a commit downloads nothing
    return {hook["id"]: hook for hook in repository["hooks"]}


def test_a_commit_runs_the_tools_of_make_lint() -> None:
    lint = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nlint:")[1].split("\n\n")[0]
    tools = re.findall(r"\$\(BIN\)/([\w-]+)", lint)
    entries = " ".join(hook["entry"] for hook in hooks().values())
    assert tools
    assert all(tool in entries for tool in tools)


@pytest.mark.parametrize(
    ("message", "accepted"),
    [
        ("feat: a thing", True), ("fix(serve, emulator)!: a thing", True),
        ("Merge branch 'one' into two", True), ("added a thing", False), ("feat a thing", False),
    ],
)  # fmt: skip
def test_the_form_of_a_commit_message(message: str, accepted: bool) -> None:
    assert bool(re.match(hooks()["conventional-commit"]["entry"], message)) is accepted


def test_the_workflows_measure_what_a_classifier_may_say_later() -> None:
    quick = yaml.safe_load((ROOT / TESTS).read_text())["jobs"]["quick"]
    matrix = quick["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
