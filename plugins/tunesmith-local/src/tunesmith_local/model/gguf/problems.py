"""The error for a GGUF file that cannot be used."""

from __future__ import annotations

from pathlib import Path

from tunesmith.errors import NotFoundError

OTHER_FILE = "use another file of this model, or its directory with config.json and *.safetensors"


def unusable(path: Path, what: str, remedy: str = OTHER_FILE) -> NotFoundError:
    """Return the error for the file ``path``: what is wrong, with the field, and the remedy."""
    return NotFoundError(f"{path}: {what}; {remedy}")
