"""``tunesmith backends``, ``methods``, ``models`` and ``plugins``: lists of the installed parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import open_backend, options_option, runs_dir_option
from tunesmith.hookspecs import BackendEntry
from tunesmith.plugins import CORE_METHODS, Plugin, registry


@command("backends", example="tunesmith backends --json")
@screen.json_option
def backends(as_json: bool) -> None:
    """List the backends, and whether their requirements are installed."""
    entries = list(registry().backends().values())
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
    screen.emit(as_json, document, lambda: _backend_lines(entries))


def _backend_lines(entries: list[BackendEntry]) -> list[str]:
    if not entries:
        return ["no backends; install one with: pip install 'tunesmith[local]'"]
    return screen.table(
        ("backend", "status", "summary"),
        ((entry.name, _status(entry), entry.summary) for entry in entries),
    )


def _status(entry: BackendEntry) -> str:
    if not entry.missing:
        return "ready"
    return f"needs {', '.join(entry.missing)}" + (f": {entry.install}" if entry.install else "")


@command("methods", example="tunesmith methods")
@screen.json_option
def methods(as_json: bool) -> None:
    """List the methods of the core and of the backends."""
    rows = [(method.name, "tunesmith", method.summary) for method in CORE_METHODS.values()]
    rows += [
        (method.name, entry.name, method.summary)
        for entry in registry().backends().values()
        for method in entry.methods
    ]
    document = [{"name": n, "from": source, "summary": text} for n, source, text in rows]
    screen.emit(as_json, document, lambda: screen.table(("method", "from", "summary"), rows))


@command("models", example="tunesmith models\ntunesmith models --backend local")
@click.option("--backend", metavar="NAME", help="List the models that this backend serves.")
@options_option
@runs_dir_option
@screen.json_option
def models(backend: str | None, options: dict[str, str], runs_dir: Path, as_json: bool) -> None:
    """List the base models of the plugins, or those that a backend serves."""
    found = _registered() if backend is None else _served(backend, options, runs_dir)
    screen.emit(as_json, found, lambda: _model_lines(found, backend))


def _registered() -> list[dict[str, Any]]:
    return [
        {"name": entry.name, "summary": entry.summary, "served_as": dict(entry.served_as)}
        for entry in registry().base_models().values()
    ]


def _served(backend: str, options: dict[str, str], runs_dir: Path) -> list[dict[str, Any]]:
    with open_backend(backend, options, runs_dir) as opened:
        return [info.model_dump(mode="json") for info in opened.base_models()]


def _model_lines(found: list[dict[str, Any]], backend: str | None) -> list[str]:
    if not found:
        return ["no base models; install one with: pip install 'tunesmith[local]'"]
    if backend is None:
        rows = [(m["name"], ", ".join(m["served_as"]) or "-", m["summary"]) for m in found]
        return screen.table(("model", "served by", "summary"), rows)
    rows = [(m["name"], m["stand_in"] or "-", m["summary"]) for m in found]
    return screen.table(("model", "stand-in", "summary"), rows)


@command("plugins", example="tunesmith plugins")
@screen.json_option
def plugins(as_json: bool) -> None:
    """List the plugins. A broken one is shown with its error, and the others still work."""
    found = registry().plugins
    document = [
        {"name": p.name, "distribution": p.distribution, "version": p.version, "error": p.error}
        for p in found
    ]
    screen.emit(as_json, document, lambda: _plugin_lines(found))


def _plugin_lines(found: tuple[Plugin, ...]) -> Iterator[str]:
    if not found:
        yield "no plugins; install some with: pip install 'tunesmith[local]'"
        return
    yield from screen.table(
        ("plugin", "distribution", "version", "status"),
        ((p.name, p.distribution, p.version, "broken" if p.error else "ok") for p in found),
    )
    for plugin in found:
        if plugin.error:
            yield f"{plugin.name}: {plugin.error}; reinstall or remove {plugin.distribution}"
