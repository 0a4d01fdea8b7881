"""``tunesmith ui``: a folder of runs as pages in a browser."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import runs_dir_option
from tunesmith.ui.folder import RunsFolder
from tunesmith.ui.server import Server


@command("ui", example="tunesmith ui --runs-dir runs\ntunesmith ui --port 8080 --no-open")
@runs_dir_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="The port of this machine; by default a free one.",
)
@click.option(
    "--open/--no-open",
    "opened",
    default=True,
    help="Open the page in the browser; this is the default.",
)
def ui(runs_dir: Path, port: int, opened: bool) -> None:
    """Show all runs, ladders and benchmarks in one table, in the browser.

    Filter and sort them, open their reports, and pick two to see the paired verdict and the rows on
    which they differ, as "tunesmith compare" does. The pages are read-only, and only this machine
    can open them. The output is the address. Ctrl-C ends it.
    """
    with Server(RunsFolder(runs_dir), port) as server:
        screen.emit({"url": server.url}, [server.url])
        screen.note("Ctrl-C ends it")
        if opened and _has_browser():
            # A browser in the foreground would keep the server from answering it.
            threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _has_browser() -> bool:
    """Return whether a browser opens a window; one of text would take over the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
