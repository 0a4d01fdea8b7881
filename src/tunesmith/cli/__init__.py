"""The command line: one file per command, each imported when it is called.

What must stay light (``--help``, ``backends``, ``methods``, ``plugins``) imports click and pluggy
and nothing else.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line on ``sys.argv`` and exit."""
    from tunesmith.cli.app import cli

    cli(prog_name="tunesmith")
