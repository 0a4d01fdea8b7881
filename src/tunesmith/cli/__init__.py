"""The command line: one module per group of commands, each imported when it is called.

``--help``, ``backends``, ``methods`` and ``plugins`` import only click and pluggy.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line on ``sys.argv`` and exit."""
    from tunesmith.cli.app import cli

    cli(prog_name="tunesmith")
