"""The entries of this plugin. They are text, so the SDK is not imported."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.hookspecs import BackendEntry, CommandEntry, MethodEntry, hookimpl

__all__ = ["register_backends", "register_commands"]


@hookimpl
def register_backends() -> Sequence[BackendEntry]:
    """Name the backend and its method. The provider itself lists its models."""
    return [
        BackendEntry(
            name="openai",
            summary="every provider with OpenAI's API: decisions, chat and fine-tuning jobs",
            target="tunesmith_openai.backend:OpenAIBackend",
            requires=("openai",),
            install="pip install 'tunesmith[openai]'",
            methods=(
                MethodEntry(
                    "provider_finetune",
                    "The provider's own fine-tuning, by /v1/fine_tuning/jobs",
                    "tunesmith_openai.methods:ProviderFinetune",
                    kind="weights",
                    place=90,
                    title="provider's fine-tuning",
                ),
            ),
        )
    ]


@hookimpl
def register_commands() -> Sequence[CommandEntry]:
    """Name the command that shows, pauses, continues and cancels a job."""
    return [
        CommandEntry(
            name="openai-job",
            summary="Show, pause, continue or cancel a fine-tuning job of the openai backend.",
            target="tunesmith_openai.commands:openai_job",
        )
    ]
