"""What a base model in a GGUF file is called."""

from __future__ import annotations

from pathlib import Path

from tunesmith_local.model.gguf.files import file_in
from tunesmith_local.model.gguf.stores import file_of


def gguf_source(name: str, models: Path | None) -> tuple[str, str] | None:
    """Return the portable name and the place of the GGUF file that ``name`` means, if any.

    ``name`` is a file, a folder that holds one, either of them inside the folder ``models``, or a
    name of a store (:mod:`.stores`). The portable name never holds a path of this machine.

    Raises:
        NotFoundError: it means several files, a part of a model, or none of a store's.
    """
    if (stored := file_of(name)) is not None:
        return name, str(stored)
    if (file := file_in(Path(name))) is not None:
        given = Path(name).resolve()
        return (given.name if given.is_dir() else given.stem), str(file)
    if models is not None and (file := file_in(models / name)) is not None:
        return name, str(file)
    return None
