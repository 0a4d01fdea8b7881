"""``tunesmith models``: base models, known here or asked of a backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import (
    open_backend,
    options_option,
    parse_options,
    runs_dir_option,
)
from tunesmith.plugins import registry


@command("models", example="tunesmith models\ntunesmith models --backend local")
@click.option("--backend", metavar="NAME", help="Ask this backend what it serves.")
@options_option
@runs_dir_option
@screen.json_option
def models(backend: str | None, options: tuple[str, ...], runs_dir: Path, as_json: bool) -> None:
    """List the base models that the plugins name, or those that a backend serves."""
    found = _registered() if backend is None else _served(backend, options, runs_dir)
    screen.emit(as_json, found, lambda: _lines(found, backend))


def _registered() -> list[dict[str, Any]]:
    return [
        {"name": entry.name, "summary": entry.summary, "served_as": dict(entry.served_as)}
        for entry in registry().base_models().values()
    ]


def _served(backend: str, options: tuple[str, ...], runs_dir: Path) -> list[dict[str, Any]]:
    with open_backend(backend, parse_options(options), runs_dir) as where:
        return [info.model_dump(mode="json") for info in where.base_models()]


def _lines(found: list[dict[str, Any]], backend: str | None) -> list[str]:
    if not found:
        return ["no base models; install one with: pip install 'tunesmith[local]'"]
    if backend is None:
        rows = [(m["name"], ", ".join(m["served_as"]) or "-", m["summary"]) for m in found]
        return screen.table(("model", "served by", "summary"), rows)
    rows = [(m["name"], m["stand_in"] or "-", m["summary"]) for m in found]
    return screen.table(("model", "stand-in", "summary"), rows)
