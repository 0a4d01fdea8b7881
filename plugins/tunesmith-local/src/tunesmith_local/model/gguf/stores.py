"""The GGUF files of other programs on this machine: Ollama, LM Studio, llama.cpp, the hub's cache.

This module lists folders and reads Ollama's manifests of a few hundred bytes. It reads no GGUF
file. Of a damaged store, it lists the models that can be read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tunesmith.errors import NotFoundError, near_misses
from tunesmith_local.model.gguf.files import is_model, refuse_part

_WEIGHTS = "application/vnd.ollama.image.model"
_OLLAMA_DEFAULT = ("registry.ollama.ai", "library")


@dataclass(frozen=True)
class Stored:
    """A model of a store."""

    name: str
    """For example ``ollama:granite4:350m``; the same on every machine."""
    file: Path
    program: str

    @property
    def summary(self) -> str:
        """Program and size, for a list."""
        return f"GGUF file of {self.program}, {self.file.stat().st_size / 1e9:.2g} GB"


def stored_models() -> list[Stored]:
    """Return the models of all stores, by name; none if ``TUNESMITH_STORES`` is ``off``."""
    if os.environ.get("TUNESMITH_STORES") == "off":
        return []
    found: dict[str, Stored] = {}
    for listed in _STORES.values():
        with suppress(OSError):  # a folder that may not be read
            found |= {model.name: model for model in listed()}
    return [found[name] for name in sorted(found)]


def file_of(name: str) -> Path | None:
    """Return the file of a model by its name in a store; None if ``name`` begins with no store.

    Raises:
        NotFoundError: the store has no such model, or the file is one part of a model.
    """
    store, colon, _ = name.partition(":")
    if not colon or store not in _STORES:
        return None
    models = {model.name: model.file for model in stored_models()}
    file = models.get(name) or models.get(f"{name}:latest")
    if file is None:
        known = [other for other in models if other.startswith(f"{store}:")]
        raise NotFoundError(
            f"base model {name!r}: {store} has no such model on this machine. "
            f"It has: {', '.join(known) or 'none'}.{near_misses(name, known)}"
        )
    refuse_part(file)
    return file


def _ollama() -> Iterator[Stored]:
    root = _folder("OLLAMA_MODELS", ".ollama/models")
    manifests = root / "manifests"
    for path in sorted(manifests.glob("*/*/*/*")):
        if (blob := _blob(path, root)) is not None:
            yield Stored(f"ollama:{_tagged(path.relative_to(manifests).parts)}", blob, "Ollama")


def _tagged(parts: tuple[str, ...]) -> str:
    # As in `ollama list`: registry and namespace are shown only if they are not the defaults.
    *where, model, tag = parts
    kept = where[1:] if where[0] == _OLLAMA_DEFAULT[0] else where
    kept = [] if tuple(where) == _OLLAMA_DEFAULT else kept
    return f"{'/'.join([*kept, model])}:{tag}"


def _blob(manifest: Path, root: Path) -> Path | None:
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        for layer in json.loads(manifest.read_text(encoding="utf-8"))["layers"]:
            if layer["mediaType"] == _WEIGHTS:
                blob = root / "blobs" / layer["digest"].replace(":", "-")
                return blob if blob.is_file() else None
    return None


def _lm_studio() -> Iterator[Stored]:
    for root in (Path.home() / ".lmstudio/models", Path.home() / ".cache/lm-studio/models"):
        yield from _files(root, "*/*/*.gguf", "lmstudio", "LM Studio")


def _llama_cpp() -> Iterator[Stored]:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = Path(os.environ.get("LLAMA_CACHE") or cache / "llama.cpp")
    yield from _files(root, "*.gguf", "llamacpp", "llama.cpp")


def _hub() -> Iterator[Stored]:
    # Newer versions of llama.cpp store their files here too. Every revision is a folder of links.
    home = os.environ.get("HF_HOME") or Path.home() / ".cache/huggingface"
    root = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")
    for file in sorted(root.glob("models--*/snapshots/*/*.gguf")):
        if is_model(file) and file.is_file():
            repository = file.parents[2].name.removeprefix("models--").replace("--", "/")
            yield Stored(f"huggingface:{repository}/{file.name}", file, "the Hugging Face cache")


def _files(root: Path, pattern: str, store: str, program: str) -> Iterator[Stored]:
    for file in sorted(root.glob(pattern)):
        if is_model(file) and file.is_file():
            yield Stored(f"{store}:{file.relative_to(root).as_posix()}", file, program)


def _folder(variable: str, under_home: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / under_home)


_STORES: dict[str, Callable[[], Iterator[Stored]]] = {
    "ollama": _ollama,
    "lmstudio": _lm_studio,
    "llamacpp": _llama_cpp,
    "huggingface": _hub,
}
