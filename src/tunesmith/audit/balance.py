"""Labels by part: which there are, how many rows each has, and whether the parts agree."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import combinations

from tunesmith.audit.findings import Finding, counted, finding, verb
from tunesmith.audit.lengths import Reader
from tunesmith.evaluation.comparison import p_text

FEW_ROWS = 10
"""Training rows of a label under which little can be learned about it."""
IMBALANCE = 10
"""Rows of the most frequent label for one of the rarest."""
SHIFT_P, SHIFT_SHARE = 0.01, 0.05
"""The parts differ where a chi-square test has a smaller p and so much of the rows would have to
change their label (total variation distance)."""

Counts = Mapping[str, int]


def balance_findings(train: Counts, test: Counts | None) -> list[Finding]:
    """Say what is wrong with the labels of the parts, each with its number of rows."""
    found = _training(train)
    if test:
        found += [*_missing(train, test), *_shift(train, test)]
    return found


def _training(train: Counts) -> list[Finding]:
    there = {label: rows for label, rows in train.items() if rows}
    if len(there) < 2:
        only = f"only the label {next(iter(there))!r}" if there else "no label"
        what = f"the training rows have {only}"
        return [finding("problem", "too_few_labels", what, "A classifier needs two or more")]
    most, least = max(there, key=there.__getitem__), min(there, key=there.__getitem__)
    found = []
    if there[most] >= IMBALANCE * there[least]:
        what = (
            f"{counted(there[most], 'training row')} of {most!r} and {there[least]:,} of "
            f"{least!r}: a model may do well by never saying {least!r}"
        )
        remedy = "Read macro F1 beside accuracy, and add rows of the rare label"
        found.append(finding("warning", "imbalance", what, remedy))
    if few := [label for label, rows in there.items() if rows < FEW_ROWS]:
        what = f"{_listed(few)} {verb(len(few), 'has', 'have')} fewer than {FEW_ROWS} training rows"
        found.append(finding("warning", "few_rows_of_a_label", what, "Add rows, or merge labels"))
    return found


def _missing(train: Counts, test: Counts) -> list[Finding]:
    never_learned = [label for label in test if test[label] and not train.get(label)]
    never_tested = [label for label in train if train[label] and not test.get(label)]
    found = []
    if never_learned:
        what = f"no training row has {_listed(never_learned)}, and test rows do"
        remedy = "Add training rows, or correct the label"
        found.append(finding("problem", "labels_missing_in_train", what, remedy))
    if never_tested:
        what = f"no test row has {_listed(never_tested)}: results will say nothing about it"
        found.append(finding("warning", "labels_missing_in_test", what, "Add test rows"))
    return found


def _shift(train: Counts, test: Counts) -> list[Finding]:
    from scipy.stats import chi2_contingency

    labels = [label for label in {**train, **test} if train.get(label) and test.get(label)]
    if len(labels) < 2:
        return []
    table = [[part[label] for label in labels] for part in (train, test)]
    totals = [sum(line) for line in table]
    shares = [[cell / total for cell in line] for line, total in zip(table, totals, strict=True)]
    moved = [b - a for a, b in zip(*shares, strict=True)]
    p_value = float(chi2_contingency(table).pvalue)
    if p_value >= SHIFT_P or sum(map(abs, moved)) / 2 < SHIFT_SHARE:
        return []
    place = max(range(len(labels)), key=lambda i: abs(moved[i]))
    what = (
        f"the labels are distributed differently: {labels[place]!r} is "
        f"{100 * shares[0][place]:.0f} % of the training rows and {100 * shares[1][place]:.0f} % "
        f"of the test rows (chi-square test, {p_text(p_value)})"
    )
    remedy = "Draw both parts from the same rows, or read the scores of each label"
    return [finding("warning", "label_shift", what, remedy)]


def _listed(labels: list[str]) -> str:
    shown = ", ".join(map(repr, labels[:5]))
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return f"{'label' if len(labels) == 1 else 'labels'} {shown}{more}"


def label_findings(texts: Sequence[str], reader: Reader | None) -> list[Finding]:
    """Say which label texts are nearly the same, and which a tokenizer splits or confuses."""
    found = [*_alike(texts), *_prefixes(texts)]
    if reader is not None and texts:
        tokens = dict(zip(texts, reader.tokenize(texts), strict=True))
        found += [*_confused(tokens), *_split(tokens)]
    return found


def _alike(texts: Sequence[str]) -> list[Finding]:
    pairs = [(a, b) for a, b in combinations(texts, 2) if _folded(a) == _folded(b)]
    if not pairs:
        return []
    what = f"labels differ in white space, letter case or Unicode form only: {_listed_pairs(pairs)}"
    remedy = "Write them alike, or give one label both forms"
    return [finding("problem", "labels_alike", what, remedy)]


def _prefixes(texts: Sequence[str]) -> list[Finding]:
    pairs = [
        (a, b)
        for a, b in combinations(sorted(texts), 2)
        if b.startswith(a) and _folded(a) != _folded(b)
    ]
    if not pairs:
        return []
    what = f"labels begin like another: {_listed_pairs(pairs)}"
    remedy = "An answer cut short is read as the shorter one: leave max_new_tokens room"
    return [finding("note", "labels_prefix", what, remedy)]


def _confused(tokens: dict[str, tuple[str, ...]]) -> list[Finding]:
    pairs = [(a, b) for a, b in combinations(tokens, 2) if tokens[a] == tokens[b]]
    if not pairs:
        return []
    what = f"labels are the same tokens to the model: {_listed_pairs(pairs)}"
    remedy = "No model can tell them apart: choose other words"
    return [finding("problem", "labels_confused", what, remedy)]


def _split(tokens: dict[str, tuple[str, ...]]) -> list[Finding]:
    split = {text: pieces for text, pieces in tokens.items() if len(pieces) > 1}
    if not split:
        return []
    shown = "; ".join(f"{text!r}: {' '.join(pieces)}" for text, pieces in list(split.items())[:5])
    what = f"{len(split)} of {len(tokens)} labels are several tokens ({shown})"
    remedy = "That works, and costs a step of generation for each token"
    return [finding("note", "labels_split", what, remedy)]


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _listed_pairs(pairs: Sequence[tuple[str, str]]) -> str:
    shown = ", ".join(f"{a!r} and {b!r}" for a, b in pairs[:5])
    return f"{shown} and {len(pairs) - 5} pairs more" if len(pairs) > 5 else shown
