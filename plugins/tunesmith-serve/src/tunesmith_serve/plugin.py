"""The entries that this distribution adds to tunesmith. Nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.hookspecs import CommandEntry, hookimpl


@hookimpl
def register_commands() -> Sequence[CommandEntry]:
    """Add the command ``serve``."""
    return [
        CommandEntry(
            name="serve",
            summary="Serve tuned prompts and their base model over HTTP.",
            target="tunesmith_serve.cli:serve",
        )
    ]
