"""A kind of business: its words and its own stories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recipe.grammar.phrase import Phrase, parse_phrase, sections

COMMON_ASPECTS = ("staff", "speed", "price", "quality", "communication", "overall")


@dataclass(frozen=True, slots=True)
class Trade:
    """One kind of business.

    Attributes:
        name: Of the kind.
        words: Slot name to its choices (``place``, ``role``, ``object``, ``verb``, ``service``).
        aspects: Aspects that a customer of it may talk about.
        phrases: Its own phrases by (positive, kind).
        neutral: Its own sentences without polarity.
    """

    name: str
    words: dict[str, tuple[str, ...]]
    aspects: tuple[str, ...]
    phrases: dict[tuple[bool, str], tuple[Phrase, ...]]
    neutral: tuple[str, ...]


def parse_trades(text: str) -> Iterator[Trade]:
    """Read trades from ``@ name`` sections.

    Lines are ``field: a; b; c``, ``. neutral sentence`` or a marked phrase.
    """
    for name, lines in sections(text):
        words: dict[str, tuple[str, ...]] = {}
        phrases: dict[tuple[bool, str], tuple[Phrase, ...]] = {}
        neutral: list[str] = []
        for line in lines:
            if line[0] in "+-":
                phrase = parse_phrase(line, "quality")
                key = (phrase.positive, phrase.kind)
                phrases[key] = (*phrases.get(key, ()), phrase)
            elif line.startswith(". "):
                neutral.append(line[2:])
            else:
                field, _, choices = line.partition(":")
                words[field] = tuple(choice.strip() for choice in choices.split(";"))
        aspects = (*COMMON_ASPECTS, *words.pop("aspects", ()))
        yield Trade(name, words, aspects, phrases, tuple(neutral))
