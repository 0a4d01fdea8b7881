"""The surface of a typed comment: capitals, punctuation, typing slips."""

from __future__ import annotations

import random
import re

_SENTENCE_START = re.compile(r"(^|[.!?]\s+)([a-z])")
_A_BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeio]|u(?!ni[qvf]|s[eu])|hour|honest)(?!one\b)")
_END_MARKS = ".!?"


def agree_article(text: str) -> str:
    """Write ``an`` in front of a vowel."""
    return _A_BEFORE_VOWEL.sub(r"\1n ", text)


def as_sentence(clause: str, end: str = ".") -> str:
    """Capitalize every sentence of ``clause`` and close it, keeping a mark it already has."""
    clause = agree_article(clause)
    closed = clause if clause[-1] in _END_MARKS else clause + end
    return _SENTENCE_START.sub(lambda start: start[1] + start[2].upper(), closed)


def slip(word: str, rng: random.Random) -> str:
    """Make one typing slip inside ``word``: swap, drop or double a letter."""
    i = rng.randrange(1, len(word) - 2)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return word[:i] + (word[i + 1 :] if kind == 1 else word[i] + word[i:])


def with_typos(text: str, rng: random.Random) -> str:
    """Make typing slips in one to three of the longer words."""
    words = text.split(" ")
    longer = [i for i, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    for i in rng.sample(longer, min(len(longer), rng.randint(1, 3))):
        words[i] = slip(words[i], rng)
    return " ".join(words)


def with_shout(text: str, rng: random.Random) -> str:
    """Put one longer word in capitals."""
    words = text.split(" ")
    longer = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    if longer:
        i = rng.choice(longer)
        words[i] = words[i].upper()
    return " ".join(words)


def roughen(text: str, rng: random.Random) -> str:
    """Return ``text`` with typing slips in a small share of cases."""
    if rng.random() < 0.06:
        text = with_typos(text, rng)
    if rng.random() < 0.05:
        text = with_shout(text, rng)
    if rng.random() < 0.08:
        text = text.lower()
    if rng.random() < 0.10:
        text = text.rstrip(".!")
    if rng.random() < 0.02:
        text = re.sub(r"[.,!]", "", text)
    return text
