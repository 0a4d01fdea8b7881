"""The texts of the labels: what a model is to say, and whether it can be told apart."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import combinations

from tunesmith.audit.findings import Finding, finding
from tunesmith.audit.lengths import Reader


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
    what = f"labels differ in white space, letter case or Unicode form only: {_listed(pairs)}"
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
    what = f"labels begin like another: {_listed(pairs)}"
    remedy = "An answer cut short is read as the shorter one: leave max_new_tokens room"
    return [finding("note", "labels_prefix", what, remedy)]


def _confused(tokens: dict[str, tuple[str, ...]]) -> list[Finding]:
    pairs = [(a, b) for a, b in combinations(tokens, 2) if tokens[a] == tokens[b]]
    if not pairs:
        return []
    what = f"labels are the same tokens to the model: {_listed(pairs)}"
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


def _listed(pairs: Sequence[tuple[str, str]]) -> str:
    shown = ", ".join(f"{a!r} and {b!r}" for a, b in pairs[:5])
    return f"{shown} and {len(pairs) - 5} pairs more" if len(pairs) > 5 else shown
