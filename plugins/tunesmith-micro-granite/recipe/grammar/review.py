"""The labeled review and its fixed label sets."""

from __future__ import annotations

from dataclasses import dataclass

DEPARTMENT_OF = {
    "staff": "staff conduct",
    "care": "staff conduct",
    "speed": "customer care",
    "price": "billing",
    "quality": "product quality",
    "cleanliness": "hygiene",
    "booking": "reservations",
    "communication": "customer care",
    "facilities": "maintenance",
    "safety": "safety",
    "atmosphere": "customer care",
    "location": "customer care",
    "delivery": "delivery",
    "returns": "returns",
    "technical": "technical support",
    "account": "account access",
    "overall": "customer care",
}
"""The department that is responsible for each aspect."""

ASPECTS: tuple[str, ...] = tuple(DEPARTMENT_OF)
"""Every aspect a review can be about; ``overall`` when it names none."""

DEPARTMENTS: tuple[str, ...] = tuple(dict.fromkeys(DEPARTMENT_OF.values()))
"""Every department; ``customer care`` takes all other matters."""

VERDICTS = ("overall", "feeling", "recommend", "return")
"""The ways to sum up; only ``overall`` is also an aspect."""


@dataclass(frozen=True, slots=True)
class Review:
    """One customer comment with its true labels.

    Attributes:
        text: The comment as the customer typed it.
        positive: Whether the writer is satisfied on the whole.
        business: Kind of business, for instance ``hair salon``.
        aspect: What the main verdict is about, one of `ASPECTS`.
        aspects: Every aspect the text touches, in order of appearance.
        department: Who should answer, one of `DEPARTMENTS`.
        stars: 1 to 5; 3 only if praise and blame are mixed.
        has_question: Whether the text has a question mark.
        mixed: Whether a sentence contradicts the overall verdict.
        recommends: Whether the text explicitly recommends the business.
        warns: Whether the text explicitly warns others.
        would_return: Whether the writer explicitly intends to come back.
        mentions_price: Whether cost, a fee or value is mentioned.
        mentions_staff: Whether the behavior of the people is mentioned.
        mentions_wait: Whether waiting, speed or punctuality is mentioned.
    """

    text: str
    positive: bool
    business: str
    aspect: str
    aspects: tuple[str, ...]
    department: str
    stars: int
    has_question: bool
    mixed: bool
    recommends: bool
    warns: bool
    would_return: bool
    mentions_price: bool
    mentions_staff: bool
    mentions_wait: bool
