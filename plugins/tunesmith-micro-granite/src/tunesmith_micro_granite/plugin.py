"""The plugin: it registers two base models."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.hookspecs import BaseModelEntry, hookimpl

__all__ = ["register_base_models"]

FIRST, SECOND = "tunesmith/micro-granite", "tunesmith/micro-granite-2"


@hookimpl
def register_base_models() -> Sequence[BaseModelEntry]:
    """Return the embedded models, each with the function that returns its directory."""
    return [
        BaseModelEntry(
            name=FIRST,
            summary="Embedded 4M-parameter Granite-shaped stand-in for development, CPU only",
            path="tunesmith_micro_granite:path",
            served_as={"local": FIRST},
            development=True,
        ),
        BaseModelEntry(
            name=SECOND,
            summary="Embedded 10M-parameter Granite-shaped stand-in for development, CPU only, "
            "which takes its task from a soft prompt",
            path="tunesmith_micro_granite:path_2",
            served_as={"local": SECOND},
            development=True,
        ),
    ]
