"""The portable name of a base model in a GGUF file."""

from __future__ import annotations

from pathlib import Path

from tunesmith_local.model.gguf.files import file_in
from tunesmith_local.model.gguf.stores import file_of


def gguf_source(name: str, models: Path | None) -> tuple[str, str] | None:
    """Return the portable name and the path of the GGUF file called ``name``; None if none is.

    ``name`` is a file, a folder that holds one file, either of them inside the folder ``models``,
    or a name in a store (:mod:`.stores`). The portable name never holds a path of this machine.

    Raises:
        NotFoundError: the folder holds several files, the file is a part of a model, or the store
            has no such model.
    """
    if (stored := file_of(name)) is not None:
        return name, str(stored)
    if (file := file_in(Path(name))) is not None:
        given = Path(name).resolve()
        return (given.name if given.is_dir() else given.stem), str(file)
    if models is not None and (file := file_in(models / name)) is not None:
        return name, str(file)
    return None
