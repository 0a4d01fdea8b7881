"""Resolves the options of a backend: given, then environment, then file, then default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import SecretStr, ValidationError

from tunesmith.backend import BackendOptions
from tunesmith.errors import ExperimentError, first_problem, io_problem, near_misses

O = TypeVar("O", bound=BackendOptions)  # noqa: E741  # short for Options


def options_file() -> Path:
    """Return the user's options file: ``TUNESMITH_OPTIONS``, else in the configuration folder.

    It is TOML with one table per backend.
    """
    if given := os.environ.get("TUNESMITH_OPTIONS"):
        return Path(given)
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home, "tunesmith", "options.toml")


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
    values: dict[str, Any] = {"store": default_store(runs_dir, backend)}
    values |= _from_file(backend, model)
    values |= _from_environment(model)
    try:
        return model.model_validate({**values, **given})
    except ValidationError as error:
        raise ExperimentError(f"option of backend {backend!r}: {first_problem(error)}") from None


REDACTED = "**********"
"""The text that pydantic prints for a SecretStr."""


def secret_options(model: type[BackendOptions]) -> frozenset[str]:
    """Return the options that no record, message or screen may show."""
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    )


def default_store(runs_dir: Path, backend: str) -> Path:
    """Return the store of ``backend`` if no option names one."""
    return runs_dir / "store" / backend


def redacted(options: BackendOptions) -> dict[str, Any]:
    """Return the options as JSON values, secrets as asterisks, for records and screens."""
    return options.model_dump(mode="json")


def _from_environment(model: type[BackendOptions]) -> dict[str, str]:
    extras = {name: field.json_schema_extra for name, field in model.model_fields.items()}
    variables = {
        name: str(extra["env"])
        for name, extra in extras.items()
        if isinstance(extra, dict) and "env" in extra
    }
    return {name: os.environ[text] for name, text in variables.items() if text in os.environ}


def _from_file(backend: str, model: type[BackendOptions]) -> dict[str, Any]:
    path = options_file()
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get(backend, {})
    except OSError as error:
        raise ExperimentError(f"options file {io_problem(error, path)}") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise ExperimentError(f"options file {path}: {error}") from None
    unknown = [name for name in table if name not in model.model_fields]
    if unknown:
        raise ExperimentError(f"options file {path}: [{backend}] has no option {unknown[0]!r}")
    return dict(table)
