"""The entries of this plugin. They are text, so the SDK is not imported."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.hookspecs import BackendEntry, BaseModelEntry, CommandEntry, hookimpl

__all__ = ["register_backends", "register_base_models", "register_commands"]

_MODELS = {
    "ibm/granite-3-8b-instruct": "Granite 3, 8B, instruct, as watsonx.ai serves it",
    "ibm/granite-13b-instruct-v2": "Granite 13B, tunable on watsonx.ai until 2025-10-15",
    "google/flan-t5-xl": "Flan-T5 XL, 3B, once tunable on watsonx.ai",
    "meta-llama/llama-2-13b-chat": "Llama 2 13B chat, once tunable on watsonx.ai",
}


@hookimpl
def register_backends() -> Sequence[BackendEntry]:
    """Name the backend."""
    return [
        BackendEntry(
            name="watsonx",
            summary="IBM watsonx.ai, or its emulator, through the ibm-watsonx-ai SDK",
            target="tunesmith_watsonx.backend:WatsonxBackend",
            requires=("ibm_watsonx_ai", "tqdm"),
            install="pip install 'tunesmith[watsonx]'",
        )
    ]


@hookimpl
def register_base_models() -> Sequence[BaseModelEntry]:
    """Name models that could once be tuned. The service itself lists its current models."""
    return [
        BaseModelEntry(name=name, summary=summary, served_as={"watsonx": name})
        for name, summary in _MODELS.items()
    ]


@hookimpl
def register_commands() -> Sequence[CommandEntry]:
    """Name the command that deletes this backend's resources at the service."""
    return [
        CommandEntry(
            name="watsonx-clean-up",
            summary="Delete the watsonx backend's resources at the service.",
            target="tunesmith_watsonx.commands:clean_up",
        )
    ]
