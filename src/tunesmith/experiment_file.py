"""Reads and writes experiment files (YAML)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tunesmith.errors import ExperimentError, near_misses
from tunesmith.methods import PLACEHOLDER


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        ExperimentError: the file is missing, not YAML, or not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = near_misses(path.name, (p.name for p in path.parent.glob("*.y*ml")))
        raise ExperimentError(
            f"{path}: no such experiment file.{near} "
            "Write one for your data with: tunesmith init DATA"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{path}: cannot be read: {error}") from None
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise ExperimentError(f"{path}{line}: not YAML: {problem}") from None
    if not isinstance(value, dict):
        raise ExperimentError(f"{path}: expected keys such as base_model, method, data, labels")
    return value


def parse_overrides(settings: Iterable[str]) -> dict[str, Any]:
    """Turn ``KEY=VALUE`` texts into a mapping; values are read as YAML (5, 0.1, [a, b], text).

    Raises:
        ExperimentError: a text without ``=``; what is no YAML is taken as text.
    """
    overrides: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise ExperimentError(f"--set {setting}: expected KEY=VALUE, e.g. method.num_epochs=5")
        overrides[key] = _value(value)
    return overrides


def _value(text: str) -> Any:
    # YAML would read a template such as `Comment: {{input}}` as a mapping.
    if PLACEHOLDER in text and not text.startswith(("'", '"')):
        return text
    try:
        return yaml.safe_load(text) if text else ""
    except yaml.YAMLError:
        return text


def apply_overrides(
    values: dict[str, Any],
    overrides: Mapping[str, Any],
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Return ``values`` with dotted keys replaced.

    Another ``method.name`` starts from the defaults of that method; no key of the old one is kept,
    and ``note`` gets a sentence about those that are dropped.
    """
    result = {k: dict(v) if isinstance(v, dict) else v for k, v in values.items()}
    if isinstance(result.get("method"), str):
        result["method"] = {"name": result["method"]}
    new = overrides.get("method.name", overrides.get("method"))
    old = result.get("method") or {}
    if isinstance(new, str) and new != old.get("name"):
        result["method"] = {"name": new}
        dropped = [key for key in old if key != "name" and f"method.{key}" not in overrides]
        if dropped:
            note(
                f"method.name={new}: these settings of the file's method are left out: "
                f"{', '.join(dropped)}"
            )
    for key, value in overrides.items():
        if key != "method" or not isinstance(value, str):
            _set(result, key, value)
    return result


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise ExperimentError(f"--set {key}: {parent!r} is not a group of keys")
    values[last] = value
