"""The entries that this distribution adds to tunesmith. Nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.hookspecs import CommandEntry, hookimpl


@hookimpl
def register_commands() -> Sequence[CommandEntry]:
    """Add the command ``emulator``."""
    return [
        CommandEntry(
            name="emulator",
            summary="Serve watsonx.ai's REST API on this machine, or run code against it.",
            target="tunesmith_emulator.cli:emulator",
        )
    ]
