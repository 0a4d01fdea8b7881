"""The group of commands: knows names and summaries, imports a command when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tunesmith.cli import failures
from tunesmith.cli.screen import Settings
from tunesmith.errors import near_misses

if TYPE_CHECKING:
    from tunesmith.hookspecs import CommandEntry

PLUGIN_SECTION = "From plugins"


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command as text: where it is (``module:attribute`` in this package) and what it does."""

    target: str
    summary: str


class LazyGroup(click.Group):
    """Commands by section, then those of the plugins."""

    def __init__(
        self, *args: Any, sections: Mapping[str, Mapping[str, LazyCommand]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._sections = sections
        self._own = {name: entry for part in sections.values() for name, entry in part.items()}
        self.params.append(_version_option())

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Parse, run, and exit with the code of what happened."""
        settings = Settings()
        extra |= {"standalone_mode": False, "obj": settings}
        try:
            code = super().main(*args, **extra)
            # A reader that went away is noticed here, not in the interpreter's last breath.
            sys.stdout.flush()
        except BaseException as error:  # noqa: BLE001  # the one place where every error ends
            code = failures.report(error, debug=settings.debug)
        sys.exit(code or 0)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command; what it returns is not an exit code."""
        super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every name, own ones first."""
        del ctx
        return [*self._own, *_plugin_commands()[0]]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command ``cmd_name``."""
        del ctx
        if cmd_name in self._own:
            module, _, attribute = self._own[cmd_name].target.partition(":")
            return _command(importlib.import_module(f"tunesmith.cli.{module}"), attribute)
        entry = _plugin_commands()[0].get(cmd_name)
        return None if entry is None else _plugin_command(entry)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name near misses."""
        name = args[0]
        # Own names first: looking at the plugins costs their import.
        if name not in self._own and name not in _plugin_commands()[0]:
            near = near_misses(name, self.list_commands(ctx))
            raise click.UsageError(f"no command {name!r}.{near}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections without importing a command."""
        del ctx
        extra, trouble = _plugin_commands()
        sections = {
            title: [(name, entry.summary) for name, entry in part.items()]
            for title, part in self._sections.items()
        }
        sections[PLUGIN_SECTION] = [(e.name, e.summary) for e in extra.values()]
        # One column for all sections.
        width = max(len(name) for rows in sections.values() for name, _ in rows)
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl([(name.ljust(width), text) for name, text in rows])
        if trouble:
            formatter.write_paragraph()
            formatter.write_text(trouble)


def _version_option() -> click.Option:
    def show(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        del parameter
        if value and not ctx.resilient_parsing:
            from importlib.metadata import version

            click.echo(f"tunesmith {version('tunesmith')}")
            ctx.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show the version and exit.",
    )


def _plugin_commands() -> tuple[dict[str, CommandEntry], str]:
    """Return the commands of the plugins, and one line about those that are broken."""
    from tunesmith.plugins import registry

    try:
        commands = registry().commands()
    except Exception as error:  # noqa: BLE001  # --help must come, whatever a plugin does
        return {}, f"Commands of plugins are left out: {error}"
    broken = [plugin.name for plugin in registry().plugins if plugin.error]
    trouble = f"Broken: {', '.join(broken)}; see 'tunesmith plugins'." if broken else ""
    return commands, trouble


def _plugin_command(entry: CommandEntry) -> click.Command:
    from tunesmith.errors import PluginError
    from tunesmith.plugins import import_target

    found = import_target(entry.target)
    if not isinstance(found, click.Command):
        raise PluginError(
            f"command {entry.name!r}: {entry.target} is no click.Command; "
            "tell the plugin's author, 'tunesmith plugins' names the distribution"
        )
    return found


def _command(module: Any, attribute: str) -> click.Command:
    found: click.Command = getattr(module, attribute)
    return found
