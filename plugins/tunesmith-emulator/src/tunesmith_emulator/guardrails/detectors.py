"""What guardrails find, by rules. The service has models for it, and finds more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle

RULES = (
    "guardrails are rules here: pii finds e-mail addresses, phone numbers, credit card numbers "
    "with a right check digit and US social security numbers; hap finds words of a short English "
    "list"
)
_PII_SCORE = 0.8
"""Of a phone number in an answer of the real service (recorded)."""
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_SECURITY = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\d-])")
_PHONE = re.compile(
    r"(?<![\w+-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)|\d{3})[ .-]?\d{3}[ .-]?\d{3,4}\b"
)
_HARMFUL = re.compile(
    r"\b(?:damn(?:ed)?|goddamn|crap(?:py)?|bastards?|bitch(?:es)?|(?:bull)?shit(?:ty)?|"
    r"assholes?|fuck(?:s|ed|er|ing)?|idiots?|morons?|retard(?:s|ed)?|scumbags?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A part of a text."""

    start: int
    """Its first character."""
    end: int
    """The character after its last one."""
    word: str
    entity: str
    score: float


def _personal(text: str) -> Iterator[Finding]:
    for match in _EMAIL.finditer(text):
        yield _found(match, "EmailAddress")
    for match in _CARD.finditer(text):
        if _checks(match[0]):
            yield _found(match, "BankAccountNumber.CreditCardNumber")
    for match in _SECURITY.finditer(text):
        yield _found(match, "NationalNumber.SocialSecurityNumber.US")
    for match in _PHONE.finditer(text):
        yield _found(match, "PhoneNumber")


def _harmful(text: str) -> Iterator[Finding]:
    # A rule has no probability.
    for match in _HARMFUL.finditer(text):
        yield Finding(match.start(), match.end(), match[0], "has_HAP", 1.0)


def _found(match: re.Match[str], entity: str) -> Finding:
    return Finding(match.start(), match.end(), match[0], entity, _PII_SCORE)


def _checks(number: str) -> bool:
    """Return whether the last digit is the check digit of the others (Luhn, US 2,950,048)."""
    digits = [int(character) for character in reversed(number) if character.isdigit()]
    doubled = [sum(divmod(d * times, 10)) for d, times in zip(digits, cycle((1, 2)), strict=False)]
    return sum(doubled) % 10 == 0


DETECTORS: Mapping[str, Callable[[str], Iterator[Finding]]] = {"hap": _harmful, "pii": _personal}
"""What finds, by the service's name of the detector."""


def detect(name: str, text: str, threshold: float = 0.0) -> list[Finding]:
    """Return what detector ``name`` finds with at least the score ``threshold``, in order.

    Of parts that overlap, the first and longest one is found.
    """
    kept: list[Finding] = []
    found = sorted(DETECTORS[name](text), key=lambda one: (one.start, -one.end))
    for one in found:
        if one.score >= threshold and (not kept or one.start >= kept[-1].end):
            kept.append(one)
    return kept
