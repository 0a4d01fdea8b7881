"""A stratified split of numbered rows, the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.labels import numbered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def stratified_part(labels: Sequence[str], fraction: float, seed: int) -> set[int]:
    """Draw ``fraction`` of the rows, rounded up, every label in proportion.

    They are the test rows of scikit-learn's ``train_test_split(test_size=fraction,
    random_state=seed, stratify=labels)``: every seed draws the same rows.

    Args:
        labels: one of each row.
        fraction: between 0 and 1.
        seed: of numpy's ``RandomState``.

    Returns:
        Indices into ``labels``.

    Raises:
        ValueError: a label has one row only, or a part has fewer rows than there are labels.
    """
    import numpy as np

    names, places = numbered(labels)
    label_of = np.array(places)
    counts = np.bincount(label_of)
    size = math.ceil(fraction * len(labels))
    rest = len(labels) - size
    if alone := [name for name, count in zip(names, counts, strict=True) if count < 2]:
        raise ValueError(f"one row only of {', '.join(map(repr, alone))}")
    if min(rest, size) < len(names):
        raise ValueError(f"{rest} and {size} rows for {len(names)} labels")
    rng = np.random.RandomState(seed)
    kept = _shares(counts, rest, rng)
    drawn = _shares(counts - kept, size, rng)
    part: set[int] = set()
    for label, (skip, take) in enumerate(zip(kept, drawn, strict=True)):
        rows = rng.permutation(np.flatnonzero(label_of == label))
        part.update(rows[skip : skip + take].tolist())
    return part


def _shares(counts: NDArray[np.int_], size: int, rng: np.random.RandomState) -> NDArray[np.int_]:
    """Return how many of ``size`` rows each label gets; ``rng`` breaks ties of the remainders."""
    import numpy as np

    exact = counts / counts.sum() * size
    shares: NDArray[np.float64] = np.floor(exact)
    remainders = exact - shares
    missing = int(size - shares.sum())
    for remainder in np.unique(remainders)[::-1]:
        if missing == 0:
            break
        (tied,) = np.nonzero(remainders == remainder)
        chosen = rng.choice(tied, size=min(len(tied), missing), replace=False)
        shares[chosen] += 1
        missing -= len(chosen)
    return shares.astype(int)
