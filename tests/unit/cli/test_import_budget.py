"""Commands that must answer at once import no large library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "datasets", "ibm_watsonx_ai", "jinja2", "matplotlib", "numpy", "openai", "peft", "pydantic",
    "rich", "scipy", "sklearn", "torch", "transformers", "yaml",
}  # fmt: skip
REPORT = """
import sys
sys.argv = ["tunesmith", *{arguments!r}]
from tunesmith.cli import main
try:
    main()
except SystemExit as end:
    print("EXIT=", end.code or 0, "MODULES=", *sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["backends"], ["methods"], ["plugins"], ["models"], ["nonsense"]],
    ids=lambda a: a[0],
)
def test_answers_without_heavy_imports(arguments: list[str], work: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REPORT.format(arguments=arguments)], capture_output=True, text=True
    )
    code, modules = done.stderr.split("EXIT= ")[1].split(" MODULES= ")
    assert code == ("2" if arguments == ["nonsense"] else "0"), done.stderr
    loaded = set(modules.split())
    assert "tunesmith.cli.app" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("command", ["run", "predict", "data", "audit"])
def test_help_of_a_command_imports_no_model_library(command: str, work: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REPORT.format(arguments=[command, "--help"])],
        capture_output=True,
        text=True,
    )
    loaded = set(done.stderr.split())
    assert f"tunesmith.cli.{command}" in loaded
    assert not loaded & {"torch", "transformers", "peft", "sklearn", "datasets", "matplotlib"}
