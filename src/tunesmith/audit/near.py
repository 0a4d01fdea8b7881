"""Near copies: rows that differ in a word, in letter case or in punctuation.

Texts are compared as sets of five-character shingles, letters and digits only, without case. The
candidates come from MinHash signatures in bands (Broder 1997; Leskovec, Rajaraman and Ullman,
*Mining of Massive Datasets*, chapter 3), so time and memory grow with the number of rows and not
with its square. The Jaccard similarity of every reported pair is then computed exactly.

The bands are in a temporary file and are compared one after the other. In memory are one byte of
each hash, and the numbers of one band.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tunesmith.audit.findings import Finding, Part, finding, rows_that
from tunesmith.scratch import Scratch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunesmith.audit.numbered import Numbers

SIMILAR = 0.8
"""Jaccard similarity from which two texts are near copies."""
SHINGLE = 5
BANDS, BAND_ROWS = 16, 5
"""A pair of similarity 0.8 shares a band with probability 0.998."""
ALIKE = 43
"""Hashes, of 80, in which two texts must agree to be compared exactly. A pair of similarity 0.8
has fewer with a probability below 0.0000001."""
NEIGHBORS = 4
"""Texts that a text is compared with if many share a band. This bounds the time on boilerplate."""
LONGEST = 1000
"""Characters of a text that enter its signature."""
CHUNK = 2000
"""Texts with shingles in memory at one time."""
PAIRS = 50_000
"""Candidates that are made, and whose hashes are compared, at one time."""


class Signatures:
    """The MinHash signatures of some texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Sign the texts, which are read again when two of them are compared.

        Raises:
            OSError: the disk is full; the error names the folder of temporary files.
        """
        import numpy as np

        self._texts = texts
        self._bands = Scratch()
        self.bytes = np.empty((len(texts), BANDS * BAND_ROWS), dtype=np.uint8)
        """The last byte of each hash."""
        self.cut = np.empty(len(texts), dtype=bool)
        """Whether the signature is that of the beginning of the text."""
        for start in range(0, len(texts), CHUNK):
            part = [self.folded(row) for row in range(start, min(start + CHUNK, len(texts)))]
            signed, end = _signed(part), start + len(part)
            self.bytes[start:end] = signed
            self.cut[start:end] = [len(text) > LONGEST for text in part]
            for band, keys in enumerate(_band_keys(signed)):
                place = (band * len(texts) + start) * keys.itemsize
                self._bands.write(place, keys.tobytes())

    def __len__(self) -> int:
        return len(self._texts)

    def band(self, number: int) -> NDArray[np.uint64]:
        """Return the key of each text in a band; texts with the same key may be similar."""
        import numpy as np

        size = len(self) * np.dtype(np.uint64).itemsize
        return np.frombuffer(self._bands.read(number * size, size), dtype=np.uint64)

    def folded(self, row: int) -> str:
        """Return a text as it is compared."""
        return _folded(self._texts[row])


def near_copies(ours: Signatures, others: Signatures | None = None) -> Numbers:
    """Return for each text the place of one of ``others`` that is similar, or -1.

    Without ``others``, texts are compared with the texts before them.
    """
    import numpy as np

    found = np.full(len(ours), -1, dtype=np.int64)
    theirs = ours if others is None else others
    for band in range(BANDS if len(theirs) else 0):
        pairs = (
            _within(ours.band(band))
            if others is None
            else _across(ours.band(band), others.band(band))
        )
        for texts, near in pairs:
            new = found[texts] < 0
            for text, other in _alike(ours, theirs, texts[new], near[new]):
                if found[text] < 0 and _similar(ours.folded(text), theirs.folded(other)):
                    found[text] = other
    return found


def near_findings(rows: Numbers, of: int, part: Part) -> Iterator[Finding]:
    """Yield which rows of ``part`` are near copies of training rows or of earlier ones."""
    leaked = part == "test"
    what = (
        f"{rows_that(len(rows), of, part, 'is', 'are')} nearly the same as "
        f"{'a training row' if leaked else 'an earlier one'} (similarity {SIMILAR} or more)"
    )
    remedy = "Compare them, and remove the rows that only repeat another"
    code = "near_leaked_test_rows" if leaked else "near_duplicate_train_rows"
    if len(rows):
        yield finding("warning" if leaked else "note", code, what, remedy, part, rows)


def _folded(text: str) -> str:
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(words) or " ".join(text.split())


def _signed(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return a MinHash signature for each text, of shape (texts, BANDS * BAND_ROWS)."""
    import numpy as np

    draw = np.random.default_rng(0)
    width = BANDS * BAND_ROWS
    odd = draw.integers(0, 2**31, width, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    shift = draw.integers(0, 2**32, width, dtype=np.uint32)
    hashes, starts = _shingles([text[:LONGEST] for text in texts])
    signed = np.empty((len(starts), width), dtype=np.uint32)
    for place in range(width):
        signed[:, place] = np.minimum.reduceat(_mixed(hashes * odd[place] + shift[place]), starts)
    return signed


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


def _within(keys: NDArray[np.uint64]) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield candidates (later, earlier) of one set of texts."""
    import numpy as np

    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    for start in range(0, len(keys), PAIRS):
        part = keys[start : start + PAIRS]
        for lag in range(1, NEIGHBORS + 1):
            later = keys[start + lag : start + lag + PAIRS]
            (same,) = np.nonzero(later == part[: len(later)])
            yield order[start + same + lag], order[start + same]


def _across(
    keys: NDArray[np.uint64], others: NDArray[np.uint64]
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield candidates (ours, theirs) of two sets of texts."""
    import numpy as np

    order = np.argsort(others, kind="stable")
    others = others[order]
    for start in range(0, len(keys), PAIRS):
        part = keys[start : start + PAIRS]
        first = np.searchsorted(others, part)
        for lag in range(NEIGHBORS):
            place = np.minimum(first + lag, len(order) - 1)
            (same,) = np.nonzero(others[place] == part)
            yield start + same, order[place[same]]


def _alike(
    ours: Signatures, theirs: Signatures, texts: Numbers, others: Numbers
) -> Iterator[tuple[int, int]]:
    """Return the candidates that are probably similar."""
    agree = (ours.bytes[texts] == theirs.bytes[others]).sum(axis=1)
    # The beginnings of two long texts do not tell how similar the texts are.
    likely = (agree >= ALIKE) | ours.cut[texts] | theirs.cut[others]
    return zip(texts[likely].tolist(), others[likely].tolist(), strict=True)


def _similar(one: str, other: str) -> bool:
    """Return whether the Jaccard similarity of the shingles of two texts is high enough."""
    a, b = (
        {text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))}
        for text in (one, other)
    )
    return len(a & b) / len(a | b) >= SIMILAR
