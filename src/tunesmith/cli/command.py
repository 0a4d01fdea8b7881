"""The class of every command: an example in its help, the shared options, a clean stdout."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import click

from tunesmith.cli import screen
from tunesmith.cli.screen import Settings


class Command(click.Command):
    """A command with an example in its help and ``-v``, ``-q`` and ``--debug`` after its name."""

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example
        self.params += global_options(hidden=True)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example after the options."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command, with stdout reserved for its own results."""
        # SDKs print greetings and progress, which must not mix with the output of --json.
        ctx.meta[screen.STDOUT] = sys.stdout
        with contextlib.redirect_stdout(sys.stderr):
            return super().invoke(ctx)


def command(name: str, *, example: str) -> Callable[[Callable[..., None]], Command]:
    """Make a function the command ``name``; its docstring is the help text."""
    return click.command(name, cls=Command, example=example)


def global_options(*, hidden: bool = False) -> list[click.Parameter]:
    """Return the options that are accepted before and after the name of a command."""
    return [
        _flag("-v", "--verbose", "Print more on stderr: every optimizer step.", hidden),
        _flag("-q", "--quiet", "Print no progress on stderr, only warnings and errors.", hidden),
        _flag(None, "--debug", "Show the traceback of an error.", hidden),
    ]


def _flag(short: str | None, name: str, text: str, hidden: bool) -> click.Option:
    field = name.removeprefix("--")

    def store(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        del parameter
        if value:
            setattr(ctx.ensure_object(Settings), field, True)

    names = [short, name] if short else [name]
    return click.Option(
        names, is_flag=True, expose_value=False, callback=store, help=text, hidden=hidden
    )
