"""The entry point, which imports nothing heavy, and the files of the wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import tunesmith_micro_granite
from tunesmith_micro_granite import plugin


def test_the_model_is_named_with_its_path() -> None:
    (entry,) = plugin.register_base_models()
    assert entry.name == "tunesmith/micro-granite"
    assert entry.path is not None
    module, _, attribute = entry.path.partition(":")
    assert module == tunesmith_micro_granite.__name__
    assert getattr(tunesmith_micro_granite, attribute)() == tunesmith_micro_granite.path()


def test_the_wheel_holds_the_model_and_not_the_recipe(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=Path(__file__).parents[1], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]
    inside = {name.parts[1] for name in names if name.parts[0] == "tunesmith_micro_granite"}
    assert inside == {"__init__.py", "model", "plugin.py", "py.typed"}
    others = {name.parts[0] for name in names} - {"tunesmith_micro_granite"}
    assert [Path(name).suffix for name in others] == [".dist-info"]
