"""What the options that every command shares say."""

from __future__ import annotations

from dataclasses import dataclass

import click


@dataclass(slots=True)
class Settings:
    """How much to say."""

    verbose: bool = False
    quiet: bool = False
    debug: bool = False


def current() -> Settings:
    """Return the settings of the command that runs."""
    return click.get_current_context().ensure_object(Settings)
