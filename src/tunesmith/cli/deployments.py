"""``tunesmith deployments``: what answers on a backend."""

from __future__ import annotations

from pathlib import Path

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import (
    backend_option,
    open_backend,
    options_option,
    parse_options,
    runs_dir_option,
)
from tunesmith.records import Deployment


@command("deployments", example="tunesmith deployments --backend sklearn")
@backend_option
@options_option
@runs_dir_option
@screen.json_option
def deployments(backend: str, options: tuple[str, ...], runs_dir: Path, as_json: bool) -> None:
    """List the deployments of a backend, oldest first."""
    with open_backend(backend, parse_options(options), runs_dir) as where:
        found = list(where.deployer.list())
    document = [
        {
            "id": d.id,
            "name": d.name,
            "backend": d.backend,
            "base_model": d.base_model,
            "method": d.model.method["name"],
            "created_at": d.created_at.isoformat(),
        }
        for d in found
    ]
    screen.emit(as_json, document, lambda: _lines(found, backend))


def _lines(found: list[Deployment], backend: str) -> list[str]:
    if not found:
        return [f"no deployments on {backend}; make one with: tunesmith run or tunesmith deploy"]
    return screen.table(
        ("id", "name", "method", "base model", "created"),
        (
            (d.id, d.name, d.model.method["name"], d.base_model, f"{d.created_at:%Y-%m-%d %H:%M}")
            for d in found
        ),
    )
