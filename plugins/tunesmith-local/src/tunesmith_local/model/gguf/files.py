"""Finds the GGUF file of a path: ``FILE.gguf``, or a folder that holds one."""

from __future__ import annotations

import re
from pathlib import Path

from tunesmith_local.model.gguf.problems import unusable

MAGIC = b"GGUF"
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)


def is_gguf(path: Path) -> bool:
    """Return whether ``path`` is a GGUF file. Its suffix or its first bytes decide."""
    if not path.is_file():
        return False
    if path.suffix.lower() == ".gguf":
        return True
    with path.open("rb") as file:  # Ollama's files have no suffix
        return file.read(len(MAGIC)) == MAGIC


def file_in(path: Path) -> Path | None:
    """Return ``path`` if it is a GGUF file, or the only GGUF model in the folder ``path``.

    A folder with a ``config.json`` is a transformers model, also if it holds a GGUF file.

    Raises:
        NotFoundError: the folder holds several models, or the file is one part of a model.
    """
    if path.is_dir() and not (path / "config.json").is_file():
        found = models_in(path)
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise unusable(path, f"it holds several GGUF files ({names})", "name one of them")
        path = found[0] if found else path
    if not is_gguf(path):
        return None
    refuse_part(path)
    return path


def models_in(folder: Path) -> list[Path]:
    """Return the GGUF files in ``folder`` that are models, by name.

    Image projectors are left out. Of a split model, only the first part is listed.
    """
    return sorted(file for file in folder.glob("*.gguf") if is_model(file))


def is_model(file: Path) -> bool:
    """Return whether the file is a model or the first part of one, judged by its name."""
    part = _SHARD.search(file.name)
    return "mmproj" not in file.name.lower() and (part is None or int(part[1]) == 1)


def refuse_part(file: Path) -> None:
    """Raise a NotFoundError if ``file`` is one part of a model in several files."""
    part = _SHARD.search(file.name)
    if part is not None and int(part[2]) > 1:
        raise unusable(
            file,
            f"it is part {int(part[1])} of a model in {int(part[2])} files",
            "join them with: llama-gguf-split --merge FIRST_PART JOINED.gguf",
        )
