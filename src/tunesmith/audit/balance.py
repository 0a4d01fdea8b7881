"""Labels by part: the labels, their numbers of rows, and whether the parts agree."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from tunesmith.audit.findings import Finding, Severity, counted, finding, verb
from tunesmith.audit.lengths import Reader
from tunesmith.evaluation.comparison import p_text

FEW_ROWS = 10
"""A label with fewer training rows is hard to learn."""
IMBALANCE = 10
"""Rows of the most frequent label for one row of the rarest."""
SHIFT_P, SHIFT_SHARE = 0.01, 0.05
"""The parts differ if the chi-square test has a smaller p and at least this share of the rows
would have to change their label (total variation distance)."""
SHOWN = 5
INVISIBLE = {
    *"\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0",
    *map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))),
}
"""Joiners, fillers and variation selectors: the characters with Unicode's property
Default_Ignorable_Code_Point that are in no category of invisible characters (Cc, Cf)."""

Counts = Mapping[str, int]
Pairs = Sequence[tuple[str, str]]


def balance_findings(train: Counts, test: Counts | None) -> Iterator[Finding]:
    """Yield the findings about the labels of the parts, given with their numbers of rows."""
    yield from _training(train)
    if test:
        yield from _missing(train, test)
        yield from _shift(train, test)


def _training(train: Counts) -> Iterator[Finding]:
    there = {label: rows for label, rows in train.items() if rows}
    if len(there) < 2:
        only = f"only the label {next(iter(there))!r}" if there else "no label"
        what = f"the training rows have {only}"
        yield finding("problem", "too_few_labels", what, "A classifier needs two or more")
        return
    most, least = max(there, key=there.__getitem__), min(there, key=there.__getitem__)
    if there[most] >= IMBALANCE * there[least]:
        what = (
            f"{counted(there[most], 'training row')} of {most!r} and {there[least]:,} of "
            f"{least!r}: a model that never answers {least!r} may still score well"
        )
        remedy = "Read macro F1 beside accuracy, and add rows of the rare label"
        yield finding("warning", "imbalance", what, remedy)
    if few := [label for label, rows in there.items() if rows < FEW_ROWS]:
        what = f"{_listed(few)} {verb(len(few), 'has', 'have')} fewer than {FEW_ROWS} training rows"
        yield finding("warning", "few_rows_of_a_label", what, "Add rows, or merge labels")


def _missing(train: Counts, test: Counts) -> Iterator[Finding]:
    if never_learned := [label for label in test if test[label] and not train.get(label)]:
        what = f"test rows have {_listed(never_learned)}, and no training row does"
        remedy = "Add training rows, or correct the label"
        yield finding("problem", "labels_missing_in_train", what, remedy)
    if never_tested := [label for label in train if train[label] and not test.get(label)]:
        what = f"no test row has {_listed(never_tested)}, so the results do not cover it"
        yield finding("warning", "labels_missing_in_test", what, "Add test rows")


def _shift(train: Counts, test: Counts) -> Iterator[Finding]:
    import numpy as np
    from scipy.stats import chi2_contingency

    labels = [label for label in {**train, **test} if train.get(label) and test.get(label)]
    if len(labels) < 2:
        return
    table = np.array([[part[label] for label in labels] for part in (train, test)])
    shares = table / table.sum(axis=1, keepdims=True)
    moved = abs(shares[1] - shares[0])
    p_value = float(chi2_contingency(table).pvalue)
    if p_value >= SHIFT_P or sum(moved) / 2 < SHIFT_SHARE:
        return
    place = int(moved.argmax())
    what = (
        f"the labels are distributed differently: {labels[place]!r} is "
        f"{100 * shares[0][place]:.0f} % of the training rows and {100 * shares[1][place]:.0f} % "
        f"of the test rows (chi-square test, {p_text(p_value)})"
    )
    remedy = "Draw both parts from the same rows, or read the scores of each label"
    yield finding("warning", "label_shift", what, remedy)


def _listed(labels: list[str]) -> str:
    shown = ", ".join(map(repr, labels[:SHOWN]))
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return f"{'label' if len(labels) == 1 else 'labels'} {shown}{more}"


def label_findings(texts: Sequence[str], reader: Reader | None) -> Iterator[Finding]:
    """Yield which label texts are nearly the same, and which a tokenizer splits or confuses."""
    yield from _of_pairs(
        "problem", "labels_alike",
        [(a, b) for a, b in combinations(texts, 2) if _folded(a) == _folded(b)],
        "labels differ only in white space, invisible characters, letter case or Unicode form",
        "Write them the same way, or give one label both forms",
    )  # fmt: skip
    ordered = combinations(sorted(texts), 2)
    yield from _of_pairs(
        "note", "labels_prefix",
        [(a, b) for a, b in ordered if b.startswith(a) and _folded(a) != _folded(b)],
        "one label is the beginning of another",
        "A truncated answer is read as the shorter label: set max_new_tokens high enough",
    )  # fmt: skip
    if reader is None or not texts:
        return
    tokens = dict(zip(texts, reader.tokenize(texts), strict=True))
    yield from _of_pairs(
        "problem", "labels_confused",
        [(a, b) for a, b in combinations(tokens, 2) if tokens[a] == tokens[b]],
        "different labels have the same tokens",
        "No model can distinguish them: choose other words",
    )  # fmt: skip
    if split := [text for text in tokens if len(tokens[text]) > 1]:
        shown = "; ".join(f"{text!r}: {' '.join(tokens[text])}" for text in split[:SHOWN])
        what = f"{len(split)} of {len(tokens)} labels have several tokens ({shown})"
        remedy = "This works, but each token costs one generation step"
        yield finding("note", "labels_split", what, remedy)


def _of_pairs(
    severity: Severity, code: str, pairs: Pairs, what: str, remedy: str
) -> Iterator[Finding]:
    if pairs:
        shown = ", ".join(" and ".join(_told_apart(a, b)) for a, b in pairs[:SHOWN])
        more = f" and {len(pairs) - SHOWN} more pairs" if len(pairs) > SHOWN else ""
        yield finding(severity, code, f"{what}: {shown}{more}", remedy)


def _told_apart(first: str, second: str) -> Iterator[str]:
    """Yield two texts in quotes, with escapes if they would look the same without."""
    forms = (unicodedata.normalize("NFC", _visible(text)) for text in (first, second))
    return map(ascii if len(set(forms)) == 1 else repr, (first, second))


def _folded(text: str) -> str:
    """Return ``text`` without the differences that a reader does not see or mean."""
    # Case folding may undo the normalization, as that of some letters with accents does.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(_visible(folded).split())


def _visible(text: str) -> str:
    return "".join(
        c
        for c in text
        if c.isspace() or (unicodedata.category(c) not in ("Cc", "Cf") and c not in INVISIBLE)
    )
