"""The warnings in an answer of the service, and the mark of an emulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def warnings_in(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return ``system.warnings`` of an answer, each with ``id`` and ``message``."""
    return list((answer.get("system") or {}).get("warnings") or ())


def is_scripted(answer: Mapping[str, Any]) -> bool:
    """Return whether an emulator names the script that gave the answer in place of a model."""
    return "script" in (answer.get("tunesmith") or {})


def cut_input(answer: Mapping[str, Any]) -> bool:
    """Return whether a warning says that the input was cut, as the emulator does."""
    return any(warning.get("id") == "input_truncated" for warning in warnings_in(answer))
