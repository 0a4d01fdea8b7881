"""``tunesmith backends``, ``methods``, ``models`` and ``plugins``: lists of the installed parts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import Connection, store_options
from tunesmith.hookspecs import BackendEntry
from tunesmith.plugins import CORE_METHODS, registry

INSTALL = "install one with: pip install 'tunesmith[local]'"


@command("backends", example="tunesmith backends --json")
def backends() -> None:
    """List the backends, and whether their requirements are installed."""
    entries = registry().backends().values()
    document = [
        {
            "name": entry.name,
            "summary": entry.summary,
            "methods": [method.name for method in entry.methods],
            "missing": entry.missing,
            "install": entry.install,
        }
        for entry in entries
    ]
    rows = [(entry.name, _status(entry), entry.summary) for entry in entries]
    headers = ("backend", "status", "summary")
    screen.emit(document, screen.table(headers, rows, empty=f"no backends; {INSTALL}"))


def _status(entry: BackendEntry) -> str:
    if not entry.missing:
        return "ready"
    return f"needs {', '.join(entry.missing)}" + (f": {entry.install}" if entry.install else "")


@command("methods", example="tunesmith methods")
def methods() -> None:
    """List the methods of the core and of the backends."""
    rows = [(method.name, "tunesmith", method.summary) for method in CORE_METHODS.values()]
    rows += [
        (method.name, entry.name, method.summary)
        for entry in registry().backends().values()
        for method in entry.methods
    ]
    document = [{"name": n, "from": source, "summary": text} for n, source, text in rows]
    screen.emit(document, screen.table(("method", "from", "summary"), rows))


@command("models", example="tunesmith models\ntunesmith models --backend local")
@click.option("--backend", metavar="NAME", help="List the models that this backend serves.")
@store_options
def models(connection: Connection) -> None:
    """List the base models of the plugins, or those that a backend serves."""
    found: list[Any]
    if connection.backend:
        with connection.open() as backend:
            found = list(backend.base_models())
        second, rows = "stand-in", [(m.name, m.stand_in or "-", m.summary) for m in found]
    else:
        entries = registry().base_models().values()
        found = [{"name": e.name, "summary": e.summary, "served_as": dict(e.served_as)}
                 for e in entries]  # fmt: skip
        second = "served by"
        rows = [(e.name, ", ".join(e.served_as) or "-", e.summary) for e in entries]
    headers = ("model", second, "summary")
    screen.emit(found, screen.table(headers, rows, empty=f"no base models; {INSTALL}"))


@command("plugins", example="tunesmith plugins")
def plugins() -> None:
    """List the plugins. A broken one is shown with its error, and the others still work."""
    found = registry().plugins
    rows = [(p.name, p.distribution, p.version, "broken" if p.error else "ok") for p in found]
    headers = ("plugin", "distribution", "version", "status")
    empty = "no plugins; install some with: pip install 'tunesmith[local]'"
    trouble = [
        f"{p.name}: {p.error}; reinstall or remove {p.distribution}" for p in found if p.error
    ]
    screen.emit([asdict(p) for p in found], [*screen.table(headers, rows, empty=empty), *trouble])
