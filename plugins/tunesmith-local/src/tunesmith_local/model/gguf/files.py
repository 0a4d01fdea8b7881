"""Which file a name means: ``FILE.gguf``, or a folder that holds one."""

from __future__ import annotations

import re
from pathlib import Path

from tunesmith_local.model.gguf.problems import unusable

MAGIC = b"GGUF"
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)


def is_gguf(place: Path) -> bool:
    """Return whether ``place`` is a GGUF file, by its name or its first bytes."""
    if not place.is_file():
        return False
    if place.suffix.lower() == ".gguf":
        return True
    with place.open("rb") as file:  # Ollama's have no suffix
        return file.read(len(MAGIC)) == MAGIC


def file_in(place: Path) -> Path | None:
    """Return the GGUF file that ``place`` means: itself, or the only one in a folder.

    A folder with a ``config.json`` is a model of transformers, whatever else it holds.

    Raises:
        NotFoundError: the folder holds several models, or the file is one part of a model.
    """
    if place.is_dir() and not (place / "config.json").is_file():
        found = models_in(place)
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise unusable(place, f"it holds several GGUF files ({names})", "name one of them")
        place = found[0] if found else place
    if not is_gguf(place):
        return None
    refuse_part(place)
    return place


def models_in(folder: Path) -> list[Path]:
    """Return the GGUF files in ``folder`` that are models, by name.

    Image projectors are left out, and so are all parts of a split model but the first.
    """
    return sorted(file for file in folder.glob("*.gguf") if is_model(file))


def is_model(file: Path) -> bool:
    """Return whether the file's name is that of a model or of the first part of one."""
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
