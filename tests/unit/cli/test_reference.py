"""The command-line reference in ``docs`` is generated from the commands.

After a change: ``UPDATE_DOCS=1 python -m pytest tests/unit/cli/test_reference.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from tunesmith.cli.app import cli

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "command-line.md"


def addresses(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=" ".join(["tunesmith", *path]))
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from addresses(inner, (*path, name))


def rendered() -> str:
    runner = CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"})
    parts = ["# The command line\n\nGenerated from the commands themselves.\n"]
    for path in addresses(cli):
        shown = runner.invoke(cli, [*path, "--help"], prog_name="tunesmith", terminal_width=100)
        title = " ".join(["tunesmith", *path])
        parts.append(f"## `{title}`\n\n```text\n{shown.output.rstrip()}\n```\n")
    return "\n".join(parts)


def test_the_page_is_up_to_date() -> None:
    page = rendered()
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page


def test_a_command_called_without_its_group_has_the_same_help_options() -> None:
    from tunesmith.cli.audit import audit

    assert CliRunner().invoke(audit, ["-h"]).exit_code == 0
