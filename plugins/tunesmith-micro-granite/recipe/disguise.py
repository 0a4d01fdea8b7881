"""Replaces real words by made-up ones, to make the model robust to unknown nouns."""

from __future__ import annotations

from random import Random

__all__ = ["disguise", "invent"]

ONSETS = ("b", "br", "c", "ch", "d", "f", "g", "gr", "h", "k", "l", "m", "n", "p", "pl", "qu", "r",
          "s", "sh", "st", "t", "tr", "v", "w", "z")  # fmt: skip
VOWELS = ("a", "e", "i", "o", "u", "ee", "oo", "ai")
ENDINGS = ("", "", "n", "r", "s", "ng", "t", "m", "ck", "ly", "ers", "ing", "y")
SHARE = 0.2
FEWEST_WORDS = 10
SHORTEST_WORD = 4


def disguise(rng: Random, text: str) -> str:
    """Replace one to three words of some texts, each in all its occurrences.

    Args:
        rng: Decides whether words are replaced, which ones, and by which.
        text: A review; short ones are not changed, because one word may decide their label.

    Returns:
        The text with as many words as before.
    """
    words = text.split(" ")
    if len(words) < FEWEST_WORDS or rng.random() > SHARE:
        return text
    candidates = sorted({word for word in words if word.isalpha() and len(word) >= SHORTEST_WORD})
    chosen = rng.sample(candidates, min(len(candidates), rng.randint(1, 3)))
    replacement = {word: invent(rng) for word in chosen}
    return " ".join(replacement.get(word, word) for word in words)


def invent(rng: Random) -> str:
    """Make up a word of one or two syllables."""
    syllables = (rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(rng.randint(1, 2)))
    return "".join(syllables) + rng.choice(ENDINGS)
