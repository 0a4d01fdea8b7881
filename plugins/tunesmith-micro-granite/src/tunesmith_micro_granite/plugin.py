"""The plugin: it registers one base model."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.hookspecs import BaseModelEntry, hookimpl

__all__ = ["register_base_models"]

NAME = "tunesmith/micro-granite"


@hookimpl
def register_base_models() -> Sequence[BaseModelEntry]:
    """Return the embedded model with the function that returns its directory."""
    return [
        BaseModelEntry(
            name=NAME,
            summary="Embedded 4M-parameter Granite-shaped stand-in for development, CPU only",
            path="tunesmith_micro_granite:path",
            served_as={"local": NAME},
            development=True,
        )
    ]
