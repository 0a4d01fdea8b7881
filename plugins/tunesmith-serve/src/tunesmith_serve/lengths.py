"""How many tokens of the base model a text has."""

from __future__ import annotations

from tunesmith.backends.shared import SharedBackend

_MORE = 8
"""The most tokens that a tokenizer adds to a text by itself."""


class Lengths:
    """Counts tokens for one base model, and only if the size of a text does not tell enough."""

    def __init__(self, shared: SharedBackend, base_model: str) -> None:
        self._shared = shared
        self._base_model = base_model

    @property
    def longest(self) -> int | None:
        """Tokens that the model has room for; None if there is no limit, or it is not known."""
        return self._shared.capabilities(self._base_model).max_sequence_length

    def tokens(self, text: str, enough: int) -> int:
        """Return the number of tokens, or a higher one that is at most ``enough``.

        0 if the backend cannot count and the text is long.
        """
        most = len(text.encode()) + _MORE  # a token spells at least one byte
        if most <= enough:
            return most
        if not self._shared.capabilities(self._base_model).tokenize:
            return 0
        return len(self._shared.backend.predictor.tokenize(self._base_model, [text])[0])

    def fits(self, text: str) -> bool:
        """Return whether the model has room for ``text``."""
        longest = self.longest
        return longest is None or self.tokens(text, longest) <= longest
