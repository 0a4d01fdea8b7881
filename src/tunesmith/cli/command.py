"""The class of every command: an example in its help, the shared options, a clean stdout."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from tunesmith.cli import screen
from tunesmith.cli.screen import Settings
from tunesmith.errors import ColumnError

F = TypeVar("F", bound=Callable[..., Any])
GIVEN = "tunesmith.cli.given"
"""Key of the arguments of the command in the context, as the user gave them."""

HELP = {"help_option_names": ["-h", "--help"]}
"""The settings of click for the names of the help option."""

PATH = click.Path(path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


class Command(click.Command):
    """A command with an example in its help, ``--json``, and the options of the group."""

    def __init__(self, *args: Any, example: str, has_json: bool = True, **kwargs: Any) -> None:
        # Also if it is called without its group: click keeps the first help option that it makes.
        kwargs.setdefault("context_settings", HELP)
        super().__init__(*args, **kwargs)
        self.example = example
        if has_json:
            self.params.append(
                _flag("--json", "as_json", help="Print one JSON document on stdout.")
            )
        self.params += global_options(hidden=True)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments for commands that are printed."""
        ctx.meta[GIVEN] = tuple(args)
        return super().parse_args(ctx, args)

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
            try:
                return super().invoke(ctx)
            except ColumnError as error:
                option = "--" + error.field.replace("_", "-")
                own = any(option in parameter.opts for parameter in self.params)
                error.way = f"{option} NAME" if own else f"data.{error.field} of the experiment"
                raise


def command(name: str, *, example: str) -> Callable[[Callable[..., None]], Command]:
    """Make a function the command ``name``; its docstring is the help text."""
    return click.command(name, cls=Command, example=example)


def bundled(name: str, make: Callable[..., Any], *options: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds ``options``, and gives a command one argument for them.

    The argument is called ``name``. It is what ``make`` returns for those values of the command
    that its parameters name.
    """

    def add(command: F) -> F:
        @functools.wraps(command)
        def call(**given: Any) -> None:
            own = {
                key: given.pop(key) for key in inspect.signature(make).parameters if key in given
            }
            command(**{name: make(**own)}, **given)

        found = cast("F", call)
        for option in reversed(options):
            found = option(found)
        return found

    return add


def global_options(*, hidden: bool = False) -> list[click.Parameter]:
    """Return the options that are accepted before and after the name of a command."""
    texts = {
        ("-v", "--verbose"): "Print more on stderr: every optimizer step.",
        ("-q", "--quiet"): "Print no progress on stderr, only warnings and errors.",
        ("--debug",): "Show the traceback of an error.",
    }
    return [_flag(*names, help=text, hidden=hidden) for names, text in texts.items()]


def _flag(*names: str, **kwargs: Any) -> click.Option:
    return click.Option(names, is_flag=True, expose_value=False, callback=_store, **kwargs)


def _store(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        setattr(ctx.ensure_object(Settings), str(parameter.name), True)
