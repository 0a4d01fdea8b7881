"""The group of commands. It holds names and summaries, and imports a command when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import click

from tunesmith.cli import failures, screen
from tunesmith.cli.screen import Settings
from tunesmith.errors import PluginError, near_misses
from tunesmith.hookspecs import CommandEntry
from tunesmith.plugins import import_target, registry

PLUGIN_SECTION = "From plugins"


class LazyCommand(NamedTuple):
    """A command as text: its module in this package, which has an attribute of its name.

    In the name of the attribute, ``_`` stands for a hyphen.
    """

    module: str
    summary: str


class LazyGroup(click.Group):
    """Commands by section, then those of the plugins."""

    def __init__(
        self, *args: Any, sections: Mapping[str, Mapping[str, LazyCommand]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._sections = sections
        self._own = {name: entry for part in sections.values() for name, entry in part.items()}

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Parse, run, and exit with the code of the result."""
        settings = Settings()
        screen.accept_every_character()
        extra |= {"standalone_mode": False, "obj": settings}
        try:
            code = super().main(*args, **extra)
            # Flush here, so that a closed pipe raises inside this try and not at interpreter exit.
            sys.stdout.flush()
        except BaseException as error:  # noqa: BLE001  # every error ends here
            code = failures.report(error, debug=settings.debug)
        sys.exit(code or 0)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command. Its return value is not an exit code."""
        super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every name, own ones first."""
        del ctx
        return [*self._own, *_plugin_commands()[0]]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command ``cmd_name``."""
        del ctx
        if cmd_name in self._own:
            module = importlib.import_module(f"tunesmith.cli.{self._own[cmd_name].module}")
            found: click.Command = getattr(module, cmd_name.replace("-", "_"))
            return found
        entry = _plugin_commands()[0].get(cmd_name)
        if entry is None:
            return None
        target = import_target(entry.target)
        if not isinstance(target, click.Command):
            raise PluginError(
                f"command {entry.name!r}: {entry.target} is not a click.Command; "
                "report this to the plugin's author ('tunesmith plugins' shows the distribution)"
            )
        return target

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or raise an error with near misses."""
        name = args[0]
        # Own names first: a look at the plugins would import them.
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
        # All sections share the width of the first column.
        width = max(len(name) for rows in sections.values() for name, _ in rows)
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl([(name.ljust(width), text) for name, text in rows])
        if trouble:
            formatter.write_paragraph()
            formatter.write_text(trouble)


def _plugin_commands() -> tuple[dict[str, CommandEntry], str]:
    """Return the commands of the plugins, and one line about broken plugins."""
    try:
        commands = registry().commands()
    except Exception as error:  # noqa: BLE001  # --help must work even if a plugin fails
        return {}, f"Plugin commands are not shown: {error}"
    broken = [plugin.name for plugin in registry().plugins if plugin.error]
    trouble = f"Broken plugins: {', '.join(broken)}; see 'tunesmith plugins'." if broken else ""
    return commands, trouble
