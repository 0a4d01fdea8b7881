"""Near copies: rows that differ in a word, in letter case or in punctuation.

Texts are compared as sets of five-character shingles, letters and digits only, without case. The
candidates come from MinHash signatures in bands (Broder 1997; Leskovec, Rajaraman and Ullman,
*Mining of Massive Datasets*, chapter 3), so time and memory grow with the number of rows and not
with its square. The Jaccard similarity of every reported pair is then computed exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tunesmith.audit.findings import Finding, Part, finding, rows_that

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIMILAR = 0.8
"""Jaccard similarity from which two texts are near copies."""
SHINGLE = 5
BANDS, BAND_ROWS = 16, 5
"""A pair of similarity 0.8 shares a band with probability 0.998."""
NEIGHBORS = 4
"""Texts that a text is compared with if many share a band. This bounds the time on boilerplate."""
LONGEST = 1000
"""Characters of a text that enter its signature."""
CHUNK = 2000
"""Texts with shingles in memory at one time."""

Pairs = dict[int, tuple[int, float]]
"""The index of a text, the index of the text that it nearly repeats, and their similarity."""


def near_copies(texts: Sequence[str], others: Sequence[str] | None = None) -> Pairs:
    """Return each of ``texts`` that is similar to one of ``others``, with that one.

    Without ``others``, texts are compared with the texts before them.
    """
    if not texts or (others is not None and not others):
        return {}
    ours = [_folded(text) for text in texts]
    theirs = ours if others is None else [_folded(text) for text in others]
    signatures = _signatures(ours)
    candidates = _within(signatures) if others is None else _across(signatures, _signatures(theirs))
    found: Pairs = {}
    for text, other in candidates.tolist():
        similarity = 0.0 if text in found else _similarity(ours[text], theirs[other])
        if similarity >= SIMILAR:
            found[text] = (other, similarity)
    return found


def near_findings(rows: Sequence[int], of: int, part: Part) -> Iterator[Finding]:
    """Yield which rows of ``part`` are near copies of training rows or of earlier ones."""
    leaked = part == "test"
    what = (
        f"{rows_that(len(rows), of, part, 'is', 'are')} nearly the same as "
        f"{'a training row' if leaked else 'an earlier one'} (similarity {SIMILAR} or more)"
    )
    remedy = "Compare them, and remove the rows that only repeat another"
    code = "near_leaked_test_rows" if leaked else "near_duplicate_train_rows"
    if rows:
        yield finding("warning" if leaked else "note", code, what, remedy, part, rows)


def _folded(text: str) -> str:
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(words) or " ".join(text.split())


def _signatures(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return a MinHash signature for each text, of shape (texts, BANDS * BAND_ROWS)."""
    import numpy as np

    draw = np.random.default_rng(0)
    width = BANDS * BAND_ROWS
    odd = draw.integers(0, 2**31, width, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    shift = draw.integers(0, 2**32, width, dtype=np.uint32)
    parts = []
    for start in range(0, len(texts), CHUNK):
        hashes, starts = _shingles([text[:LONGEST] for text in texts[start : start + CHUNK]])
        part = np.empty((len(starts), width), dtype=np.uint32)
        for place in range(width):
            part[:, place] = np.minimum.reduceat(_mixed(hashes * odd[place] + shift[place]), starts)
        parts.append(part)
    return np.concatenate(parts)


def _shingles(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """Return a hash for each shingle of all texts, and the start index of each text."""
    import numpy as np

    # Padding gives a short text one shingle. No shingle reaches into the next text.
    padded = [text.ljust(SHINGLE, "\0") for text in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    rolling = np.zeros(len(codes) - SHINGLE + 1, dtype=np.uint32)
    for place in range(SHINGLE):
        rolling = rolling * np.uint32(0x01000193) + codes[place : place + len(rolling)]
    lengths = np.array([len(text) for text in padded])
    ends = np.cumsum(lengths)
    whole = np.ones(len(codes), dtype=bool)
    for place in range(1, SHINGLE):
        whole[ends - place] = False
    kept = lengths - SHINGLE + 1
    return _mixed(rolling[whole[: len(rolling)]]), np.cumsum(kept) - kept


def _mixed(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    import numpy as np

    # The finalizer of MurmurHash3: without it a linear hash has no random minimum.
    values = (values ^ (values >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    values = (values ^ (values >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return values ^ (values >> np.uint32(16))


def _band_keys(signatures: NDArray[np.uint32]) -> Iterator[NDArray[np.uint64]]:
    import numpy as np

    for band in np.split(signatures.astype(np.uint64), BANDS, axis=1):
        key = np.zeros(len(signatures), dtype=np.uint64)
        for place in range(BAND_ROWS):
            key = key * np.uint64(0x9E3779B97F4A7C15) + band[:, place]
        yield key


def _within(signatures: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Return candidate pairs (later, earlier) of one set of texts."""
    import numpy as np

    found = []
    for key in _band_keys(signatures):
        order = np.argsort(key, kind="stable")
        for lag in range(1, NEIGHBORS + 1):
            later, earlier = order[lag:], order[:-lag]
            same = key[later] == key[earlier]
            found.append(np.stack([later[same], earlier[same]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _across(ours: NDArray[np.uint32], theirs: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Return candidate pairs (ours, theirs) of two sets of texts."""
    import numpy as np

    found = []
    for key, other in zip(_band_keys(ours), _band_keys(theirs), strict=True):
        order = np.argsort(other, kind="stable")
        first = np.searchsorted(other[order], key)
        for lag in range(NEIGHBORS):
            place = np.minimum(first + lag, len(order) - 1)
            same = other[order[place]] == key
            found.append(np.stack([np.flatnonzero(same), order[place[same]]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _similarity(one: str, other: str) -> float:
    """Return the Jaccard similarity of the shingles of two texts."""
    a, b = (
        {text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))}
        for text in (one, other)
    )
    return len(a & b) / len(a | b)
