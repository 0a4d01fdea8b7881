"""Resolves the options of a backend: given, then environment, then file, then default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from tunesmith.backend import BackendOptions
from tunesmith.errors import ExperimentError, first_problem, near_misses

O = TypeVar("O", bound=BackendOptions)  # noqa: E741  # short for Options


def options_file() -> Path:
    """Return the user's options file: ``TUNESMITH_OPTIONS``, else in the configuration folder.

    It is TOML with one table per backend.
    """
    given = os.environ.get("TUNESMITH_OPTIONS")
    if given:
        return Path(given)
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "tunesmith" / "options.toml"


def resolve_options(
    backend: str, model: type[O], given: Mapping[str, Any], *, runs_dir: Path = Path("runs")
) -> O:
    """Return the options of ``backend``; without a ``store`` its own folder under ``runs_dir``.

    Raises:
        ExperimentError: an option is unknown (near misses named) or its value is wrong. The
            value of a secret is never part of the message.
    """
    for name in given:
        if name not in model.model_fields:
            known = ", ".join(model.model_fields)
            raise ExperimentError(
                f"backend {backend!r} has no option {name!r}; it has: {known}."
                f"{near_misses(name, model.model_fields)}"
            )
    default = {"store": default_store(runs_dir, backend)}
    values = {**default, **_from_file(backend, model), **_from_environment(model), **given}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ExperimentError(f"option of backend {backend!r}: {first_problem(error)}") from None


def default_store(runs_dir: Path, backend: str) -> Path:
    """Return the store of ``backend`` if no option names one."""
    return runs_dir / "store" / backend


def redacted(options: BackendOptions) -> dict[str, Any]:
    """Return the options as JSON values, secrets as asterisks, for records and screens."""
    return options.model_dump(mode="json")


def _from_environment(model: type[BackendOptions]) -> dict[str, str]:
    found = {}
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        variable = extra.get("env") if isinstance(extra, dict) else None
        if isinstance(variable, str) and variable in os.environ:
            found[name] = os.environ[variable]
    return found


def _from_file(backend: str, model: type[BackendOptions]) -> dict[str, Any]:
    path = options_file()
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get(backend, {})
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ExperimentError(f"options file {path}: {error}") from None
    unknown = [name for name in table if name not in model.model_fields]
    if unknown:
        raise ExperimentError(f"options file {path}: [{backend}] has no option {unknown[0]!r}")
    return dict(table)
