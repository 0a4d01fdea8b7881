"""The settings of a method as parameters of an estimator: ``method__learning_rate``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.errors import ExperimentError, near_misses
from tunesmith.methods import Method, PromptTuning
from tunesmith.plugins import method_class

PREFIX = "method__"
MethodLike = str | Mapping[str, Any] | Method
"""A method: its name, a mapping with ``name`` and settings, or the object itself."""


def settings_of(method: MethodLike) -> dict[str, Any]:
    """Return ``name`` and the settings that were given."""
    if isinstance(method, Method):
        return {"name": method.name, **method.model_dump(exclude_unset=True)}
    return {"name": method} if isinstance(method, str) else {"name": PromptTuning.name, **method}


def nested(method: object) -> dict[str, Any]:
    """Return the given settings as nested parameters; nothing if ``method`` is not a method."""
    if not isinstance(method, Mapping | Method):
        return {}
    given = settings_of(method)
    return {f"{PREFIX}{name}": value for name, value in given.items() if name != "name"}


def changed(method: MethodLike, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``method`` with the nested parameters ``changes``.

    Raises:
        ExperimentError: the method has no such setting; near misses are named.
    """
    settings = settings_of(method)
    known = method_class(settings["name"]).model_fields
    for nested_name, value in changes.items():
        name = nested_name.removeprefix(PREFIX)
        if name not in known:
            raise ExperimentError(
                f"invalid parameter {nested_name!r}: method {settings['name']!r} has no setting "
                f"{name!r}; it has: {', '.join(known)}.{near_misses(name, known)}"
            )
        settings[name] = value
    return settings
