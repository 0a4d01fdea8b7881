"""The entry point, which imports nothing heavy, and the files of the wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import tunesmith_micro_granite
from tunesmith.plugins import DEFAULT_BASE_MODEL, import_target
from tunesmith_micro_granite import plugin

PACKAGE = Path(tunesmith_micro_granite.__file__).parent


def test_each_model_is_named_with_its_path() -> None:
    entries = plugin.register_base_models()
    found = {entry.name: import_target(entry.path)() for entry in entries if entry.path}
    assert found == {
        "tunesmith/micro-granite": PACKAGE / "model",
        "tunesmith/micro-granite-2": PACKAGE / "model_2",
    }
    assert all(entry.served_as == {"local": entry.name} for entry in entries)


def test_both_are_stand_ins_and_the_first_stays_the_default() -> None:
    first, second = plugin.register_base_models()
    assert first.development
    assert second.development
    assert first.name == DEFAULT_BASE_MODEL


def test_the_wheel_holds_the_models_and_not_the_recipe(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=Path(__file__).parents[1], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]
    inside = {name.parts[1] for name in names if name.parts[0] == "tunesmith_micro_granite"}
    assert inside == {"__init__.py", "model", "model_2", "plugin.py", "py.typed"}
    others = {name.parts[0] for name in names} - {"tunesmith_micro_granite"}
    assert [Path(name).suffix for name in others] == [".dist-info"]
    for folder in ("model", "model_2"):
        packed = {name.name for name in names if name.parts[1] == folder}
        assert packed == {file.name for file in (PACKAGE / folder).iterdir()}
