"""Phrase banks by aspect, for every kind of business."""

from __future__ import annotations

from recipe.grammar.aspects import (
    conduct,
    further,
    idioms,
    implied_bad,
    implied_good,
    implied_remarks,
    online,
    people,
    place,
    planning,
    stories,
    value,
    verdict,
    wishes,
    work,
)
from recipe.grammar.phrase import Phrase, parse_phrase, sections

BankKey = tuple[str, bool, str]
_MODULES = (
    people,
    conduct,
    work,
    value,
    planning,
    place,
    online,
    further,
    verdict,
    idioms,
    wishes,
    stories,
    implied_good,
    implied_bad,
    implied_remarks,
)


def _load() -> dict[BankKey, tuple[Phrase, ...]]:
    bank: dict[BankKey, list[Phrase]] = {}
    for module in _MODULES:
        for name, lines in sections(module.PHRASES):
            for phrase in (parse_phrase(line, name) for line in lines):
                bank.setdefault((name, phrase.positive, phrase.kind), []).append(phrase)
    return {key: tuple(phrases) for key, phrases in bank.items()}


BANK = _load()
"""Phrases by (section, positive, kind); sections are aspects and verdict kinds."""
