"""``tunesmith new-plugin``: what is written, and what is refused."""

from __future__ import annotations

import ast
import json
import os
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from tunesmith.cli import new_plugin
from tunesmith.cli.app import cli
from tunesmith.cli.new_plugin import KINDS, distribution
from tunesmith.errors import ExperimentError


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["new-plugin", *arguments])


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with nothing in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_a_distribution_is_complete(kind: str, empty: Path) -> None:
    done = invoke("acme-two", "--kind", kind, "--json")
    assert done.exit_code == 0, done.stderr
    folder = empty / "tunesmith-acme-two"
    written = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert json.loads(done.stdout)["files"] == written
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["tunesmith"] == {"acme-two": "tunesmith_acme_two.plugin"}
    assert {"README.md", ".github/workflows/test.yml", ".gitignore"} < set(written)
    assert "src/tunesmith_acme_two/plugin.py" in written
    assert any(path.startswith("tests/test_") for path in written)
    yaml.safe_load((folder / ".github/workflows/test.yml").read_text())
    for path in folder.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_templates_is_left(kind: str) -> None:
    for path, text in distribution("acme", kind).items():
        assert not {"<<", ">>", "{%", "PACKAGE", ".jinja"} & {*text.split(), *path.parts}, path
        assert "<< " not in text
        assert max(map(len, text.splitlines()), default=0) <= 130, path


@pytest.mark.parametrize("name", ["Acme", "2acme", "acme_two", "acme-", "a b", "../acme", ""])
def test_a_name_that_cannot_be_a_package_is_refused(name: str, empty: Path) -> None:
    done = invoke("--", name)
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code == ExperimentError.exit_code
    assert f"{name!r} is no name of a plugin" in done.stderr
    assert list(empty.iterdir()) == []


def test_a_name_that_is_taken_is_refused(empty: Path) -> None:
    done = invoke("sklearn")
    assert "tunesmith-sklearn has the name 'sklearn' already" in done.stderr
    assert list(empty.iterdir()) == []


def test_a_folder_that_exists_is_left_alone(empty: Path) -> None:
    (empty / "tunesmith-acme").mkdir()
    (empty / "tunesmith-acme" / "mine.txt").write_text("mine")
    done = invoke("acme")
    assert done.exit_code == ExperimentError.exit_code
    assert "tunesmith-acme: the folder exists; remove it, or choose another" in done.stderr
    assert [p.name for p in (empty / "tunesmith-acme").iterdir()] == ["mine.txt"]
    assert invoke("acme", "-o", "elsewhere").exit_code == 0
    assert (empty / "elsewhere" / "pyproject.toml").is_file()


def test_nothing_is_left_half_written(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, written = new_plugin.write_atomically, []

    def fails_at_the_fifth(path: Path, text: str) -> None:
        written.append(path)
        if len(written) == 5:
            raise OSError(28, os.strerror(28), str(path))
        write(path, text)

    monkeypatch.setattr(new_plugin, "write_atomically", fails_at_the_fifth)
    done = invoke("acme")
    assert done.exit_code != 0
    assert os.strerror(28) in done.stderr
    assert list(empty.iterdir()) == []
