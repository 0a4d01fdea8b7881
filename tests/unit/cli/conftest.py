"""A working directory with data, and plugins for these tests only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tunesmith.cli.app import cli
from tunesmith.plugins import registry
from tunesmith.testing.rows import TRAIN, VALIDATION

Invoke = Callable[..., Result]

FAKE_PLUGIN = """
from tunesmith.hookspecs import BackendEntry, CommandEntry, hookimpl

@hookimpl
def register_backends():
    return [BackendEntry("fake", "for tests", "tunesmith.testing.fake:FakeBackend"),
            BackendEntry("plain", "for tests", "fake_plugin_backend:Plain"),
            BackendEntry("lacking", "for tests", "no:Thing", ("no_such_module",), "pip install it")]

@hookimpl
def register_commands():
    return [CommandEntry("greet", "Greet from a plugin.", "fake_plugin_command:greet"),
            CommandEntry("lost", "Point nowhere.", "fake_plugin_command:nothing"),
            CommandEntry("odd", "Point at no command.", "fake_plugin_command:ODD")]
"""
FAKE_BACKEND = '''
import errno
import os
from tunesmith.testing.fake import FakeBackend, FakeOptions

class PlainOptions(FakeOptions):
    trouble: str = ""

class Plain(FakeBackend):
    """Prints like an SDK, resumes nothing, and fails as its option says."""
    name = "plain"
    options_model = PlainOptions
    declares = {
        "resumable": False, "tokenize": False, "seeded": False, "auto_settings": frozenset()
    }

    def capabilities(self, base_model):
        print("welcome to the SDK")
        trouble = self.options.trouble
        if trouble == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.bin")
        if trouble == "bug":
            raise ZeroDivisionError("division by zero")
        return super().capabilities(base_model)
'''
FAKE_COMMAND = '''
import click

ODD = 1

@click.command()
@click.argument("name")
def greet(name):
    """Greet NAME."""
    click.echo(f"hello {name}")
    return 7
'''


def add_distribution(folder: Path, name: str, module: str, text: str) -> None:
    """Install a plugin of one module into ``folder``."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[tunesmith]\n{name} = {module}\n")
    (folder / f"{module}.py").write_text(text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path with the fake plugin in it."""
    folder = tmp_path / "site"
    add_distribution(folder, "fake", "fake_plugin", FAKE_PLUGIN)
    (folder / "fake_plugin_backend.py").write_text(FAKE_BACKEND)
    (folder / "fake_plugin_command.py").write_text(FAKE_COMMAND)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    registry.cache_clear()
    yield folder
    registry.cache_clear()
    for module in [m for m in sys.modules if m.startswith(("fake_plugin", "broken_plugin"))]:
        del sys.modules[module]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Path) -> Path:
    """The working directory: training rows, test rows and an experiment."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TUNESMITH_OPTIONS", str(folder / "no-options.toml"))
    for name, rows in (("train", TRAIN), ("test", VALIDATION)):
        records = [{"input": row.input, "output": row.output} for row in rows]
        Path(f"{name}.json").write_text(json.dumps(records))
    Path("experiment.yaml").write_text(
        "name: reviews\n"
        "base_model: tunesmith/fake\n"
        "method: {name: prompt_tuning, num_epochs: 2, batch_size: 4, accumulate_steps: 2}\n"
        "data: {train: train.json, test: test.json}\n"
        "labels: ['0', '1']\n"
    )
    return folder


@pytest.fixture
def invoke(work: Path) -> Invoke:
    """Run the command line in this process."""

    def call(*arguments: str, **extra: object) -> Result:
        return CliRunner().invoke(cli, list(arguments), prog_name="tunesmith", **extra)

    return call


@pytest.fixture
def run_of(invoke: Invoke) -> Callable[..., Path]:
    """Run the experiment with more arguments and return the run directory."""

    def call(*arguments: str) -> Path:
        done = invoke("run", "experiment.yaml", *arguments, "--json")
        assert done.exit_code == 0, done.stderr
        return Path(json.loads(done.stdout)["run_dir"])

    return call


@pytest.fixture
def run_dir(run_of: Callable[..., Path]) -> Path:
    """A completed run on the fake backend."""
    return run_of("--backend", "fake")


@pytest.fixture
def add_plugin(site: Path) -> Callable[[str, str, str], None]:
    """Install another plugin; before anything looks for plugins."""

    def add(name: str, module: str, text: str) -> None:
        add_distribution(site, name, module, text)

    return add


@pytest.fixture
def tunesmith(work: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a separate process."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tunesmith", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    return call
