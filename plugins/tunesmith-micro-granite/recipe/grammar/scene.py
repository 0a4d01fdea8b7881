"""A scene: one customer at one business, filling the slots of phrases."""

from __future__ import annotations

import random
from collections.abc import Sequence

from recipe.grammar.aspects import BANK
from recipe.grammar.lexicon import CAST, LEXICON
from recipe.grammar.phrase import Phrase
from recipe.grammar.review import VERDICTS
from recipe.grammar.trade import Trade

_FIXED = frozenset(CAST) | {"role", "object", "service"}


class Scene:
    """Draws phrases that fit one business and records their aspects."""

    def __init__(self, trade: Trade, positive: bool, rng: random.Random) -> None:
        """Begin a review of ``trade`` with the given verdict."""
        self.trade = trade
        self.positive = positive
        self.rng = rng
        self.said: list[tuple[str, bool]] = []
        self._used: set[int] = set()
        self._cast: dict[str, str] = {}

    def word(self, slot: str) -> str:
        """A word for ``slot``; people and objects stay the same in one review.

        Raises:
            KeyError: If neither the business nor the lexicon has the slot.
        """
        if slot == "staff":
            return self._staff()
        if slot in self._cast:
            return self._cast[slot]
        choices = self.trade.words.get(slot) or LEXICON.get(slot) or CAST[slot]
        chosen = self.rng.choice(choices)
        if slot in _FIXED:
            self._cast[slot] = chosen
        return chosen

    def _staff(self) -> str:
        if self.rng.random() < 0.4:
            return self.word("name")
        return f"{self.rng.choice(('the', 'the', 'our', 'my'))} {self.word('role')}"

    @property
    def mixed(self) -> bool:
        """Whether a sentence contradicts the verdict."""
        return not all(agrees for _, agrees in self.said)

    @property
    def people_named(self) -> tuple[str, ...]:
        """The name of the employee, if one has been mentioned."""
        return (self._cast["name"],) if "name" in self._cast else ()

    def fill(self, parts: Sequence[str]) -> str:
        """The text of ``parts`` with every slot filled."""
        return "".join(self.word(p) if i % 2 else p for i, p in enumerate(parts))

    def draw(self, aspect: str, kind: str, positive: bool | None = None) -> str:
        """A phrase on ``aspect``, unused so far if possible."""
        positive = self.positive if positive is None else positive
        return self.say(self._pick(BANK[aspect, positive, kind]))

    def draw_story(self) -> str:
        """A story of several sentences on an aspect that this business has."""
        fitting = (*self.trade.aspects, *VERDICTS)
        stories = BANK["story", self.positive, "clause"]
        return self.say(self._pick([story for story in stories if story.aspect in fitting]))

    def own_story(self, kind: str = "clause") -> str:
        """A phrase that only this business has, or else one about its quality."""
        phrases = self.trade.phrases.get((self.positive, kind))
        return self.say(self._pick(phrases)) if phrases else self.draw("quality", kind)

    def say(self, phrase: Phrase) -> str:
        """Fill ``phrase`` and note its aspect."""
        self.said.append((phrase.aspect, phrase.positive == self.positive))
        return self.fill(phrase.parts)

    def _pick(self, phrases: Sequence[Phrase]) -> Phrase:
        phrase = self.rng.choice(phrases)
        if id(phrase) in self._used:
            phrase = self.rng.choice(phrases)
        self._used.add(id(phrase))
        return phrase
