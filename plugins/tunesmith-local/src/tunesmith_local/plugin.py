"""The plugin, found through the entry point: text only, nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.hookspecs import BackendEntry, BaseModelEntry, CommandEntry, hookimpl
from tunesmith_local.methods.registry import BROUGHT
from tunesmith_local.model.gguf.stores import stored_models

__all__ = ["register_backends", "register_base_models", "register_commands"]

_HUB_MODELS = {
    "ibm-granite/granite-4.0-350m": "Granite 4.0, 350M, attention only; the sensible CPU default",
    "ibm-granite/granite-4.0-h-350m": "Granite 4.0, 350M, hybrid Mamba; slow on a CPU",
    "ibm-granite/granite-4.0-1b": "Granite 4.0, 1B, attention only",
    "ibm-granite/granite-3.1-1b-a400m-instruct": "Granite 3.1, 1B mixture of experts",
    "ibm-granite/granite-3.3-2b-instruct": "Granite 3.3, 2B, dense",
}


@hookimpl
def register_backends() -> Sequence[BackendEntry]:
    """Name the backend."""
    return [
        BackendEntry(
            name="local",
            summary="Tuning on this machine, CPU or GPU, through torch and PEFT",
            target="tunesmith_local.backend:LocalBackend",
            requires=("torch", "transformers", "peft", "safetensors"),
            install="pip install tunesmith-local",
            methods=BROUGHT,
        )
    ]


@hookimpl
def register_base_models() -> Sequence[BaseModelEntry]:
    """Name the open Granite models that fit on one machine; the hub brings them on first use.

    Named too are the models that Ollama, LM Studio and llama.cpp keep on this machine.
    """
    stored = {model.name: model.summary for model in stored_models()}
    return [
        BaseModelEntry(name=name, summary=summary, served_as={"local": name})
        for name, summary in (_HUB_MODELS | stored).items()
    ]


@hookimpl
def register_commands() -> Sequence[CommandEntry]:
    """Name the commands that pass tuned models on."""
    return [
        CommandEntry(
            name="export",
            summary="Write the tuned model of a run for vLLM, or push it to the hub.",
            target="tunesmith_local.commands:export",
        ),
        CommandEntry(
            name="import",
            summary="Load a tuned model from the hub or from a folder.",
            target="tunesmith_local.commands:import_model",
        ),
    ]
