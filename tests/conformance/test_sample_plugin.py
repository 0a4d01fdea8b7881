"""A sample plugin is found and passes the suite, and a broken one does no harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[1] / "sample_plugin"


def install(site: Path, name: str, points: dict[str, str]) -> None:
    """Write the files that an installer would write."""
    folder = site / f"{name.replace('-', '_')}-0.0.1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n")
    lines = [f"{key} = {value}" for key, value in points.items()]
    (folder / "entry_points.txt").write_text("\n".join(["[tunesmith]", *lines, ""]))


def run(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), str(SAMPLE)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=site,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def answer(site: Path, code: str) -> object:
    done = run(site, "-c", f"import json\n{code}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    project = tomllib.loads((SAMPLE / "pyproject.toml").read_text())["project"]
    install(tmp_path, project["name"], project["entry-points"]["tunesmith"])
    return tmp_path


def test_plugin_is_found_and_connected_to(site: Path) -> None:
    code = """
from tunesmith.backends.connect import connect
from tunesmith.plugins import method_class, registry
entry = registry().backends()["parrot"]
backend = connect("parrot", store="elsewhere")
print(json.dumps([entry.summary, repr(backend), str(backend.options.store),
                  method_class("repeat").__name__]))
"""
    assert answer(site, code) == ["repeats a label", "<Parrot 'parrot'>", "elsewhere", "Repeat"]


def test_broken_plugin_is_recorded_and_not_fatal(site: Path) -> None:
    code = """
from tunesmith.plugins import registry
found = {p.name: [p.distribution, p.version, p.error] for p in registry().plugins}
print(json.dumps([found["broken"], found["parrot"], sorted(registry().backends())]))
"""
    broken, parrot, backends = answer(site, code)
    assert broken[:2] == ["tunesmith-parrot", "0.0.1"]
    assert "no_such_module_at_all" in broken[2]
    assert parrot == ["tunesmith-parrot", "0.0.1", None]
    assert "parrot" in backends


def test_broken_plugin_is_fatal_if_it_is_used(site: Path) -> None:
    code = """
from tunesmith.errors import PluginError
from tunesmith.backends.connect import connect
try:
    connect("broken")
except PluginError as error:
    print(json.dumps(str(error)))
"""
    assert "is broken: ModuleNotFoundError" in answer(site, code)


def test_two_claims_on_one_name(site: Path) -> None:
    install(site, "tunesmith-cuckoo", {"cuckoo": "tunesmith_cuckoo"})
    (site / "tunesmith_cuckoo.py").write_text("from tunesmith_parrot import register_backends\n")
    code = """
from tunesmith.errors import PluginError
from tunesmith.plugins import registry
try:
    registry().backends()
except PluginError as error:
    print(json.dumps(str(error)))
"""
    message = answer(site, code)
    assert all(name in message for name in ("'parrot'", "'cuckoo'", "two plugins"))


def test_plugin_passes_the_suite(site: Path) -> None:
    done = run(
        site, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider",
        str(SAMPLE / "conformance_suite.py"), "--rootdir", str(SAMPLE),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "failed" not in done.stdout
