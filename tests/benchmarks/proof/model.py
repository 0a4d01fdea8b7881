"""The model of a proof: whether it is installed, its name, and the checksums of its files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tunesmith.backend import Backend
from tunesmith.errors import TunesmithError
from tunesmith.plugins import import_target, registry


def missing(backend: Backend, model: str) -> str | None:
    """Return why ``model`` cannot be used without a download; None if it is installed."""
    try:
        backend.base_model(model)
    except TunesmithError as error:
        return str(error)
    entry = registry().base_models().get(model)
    if entry is not None and not (entry.path or entry.served_as) and not Path(model).is_dir():
        return f"{model}: {entry.summary}"
    return None


def shown(model: str) -> str:
    """Return the published name of a model; for a folder, the last part of its path."""
    return Path(model).name if Path(model).is_dir() else model


def checksums(model: str) -> dict[str, str]:
    """Return the SHA-256 of the model's weights and tokenizer by file; empty if unknown."""
    folder = _folder(model)
    files = sorted(folder.iterdir()) if folder else []
    wanted = (".safetensors", ".gguf")
    return {
        path.name: _sha256(path)
        for path in files
        if path.suffix in wanted or path.name in ("tokenizer.json", "config.json")
    }


def _folder(model: str) -> Path | None:
    if Path(model).is_dir():
        return Path(model)
    entry = registry().base_models().get(model)
    return Path(str(import_target(entry.path)())) if entry and entry.path else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
