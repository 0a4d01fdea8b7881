"""``tunesmith backends``: where experiments can run. Imports none of them."""

from __future__ import annotations

import importlib.util

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.hookspecs import BackendEntry
from tunesmith.plugins import registry


@command("backends", example="tunesmith backends --json")
@screen.json_option
def backends(as_json: bool) -> None:
    """List the backends, and whether what they need is installed."""
    entries = list(registry().backends().values())
    document = [
        {
            "name": entry.name,
            "summary": entry.summary,
            "methods": [method.name for method in entry.methods],
            "missing": missing(entry),
            "install": entry.install,
        }
        for entry in entries
    ]
    screen.emit(as_json, document, lambda: _lines(entries))


def missing(entry: BackendEntry) -> list[str]:
    """Return the modules that the backend needs and that are not installed."""
    return [module for module in entry.requires if importlib.util.find_spec(module) is None]


def _lines(entries: list[BackendEntry]) -> list[str]:
    if not entries:
        return ["no backends; install one with: pip install 'tunesmith[local]'"]
    return screen.table(
        ("backend", "status", "summary"),
        ((entry.name, _status(entry), entry.summary) for entry in entries),
    )


def _status(entry: BackendEntry) -> str:
    lacking = missing(entry)
    if not lacking:
        return "ready"
    return f"needs {', '.join(lacking)}" + (f": {entry.install}" if entry.install else "")
