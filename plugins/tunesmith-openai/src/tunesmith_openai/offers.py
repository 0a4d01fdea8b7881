"""What a server offers for a model."""

from __future__ import annotations

import hashlib
from typing import Literal

from tunesmith.errors import UnsupportedError
from tunesmith.records import Record
from tunesmith_openai.decisions import Wire
from tunesmith_openai.options import Reading

Scores = Wire | Literal["chat"]
"""The source of the probabilities of labels."""


class Offer(Record):
    """What a server offers for a model. It is found once and kept in the store."""

    base_url: str
    model: str
    wire: Wire | None = None
    """The wire on which it decides closed questions."""
    chats: bool = False
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The name of the limit of new tokens. Reasoning models have another one."""
    greedy: bool = True
    """Whether the temperature can be set, to 0 among others."""
    logprobs: int = 0
    """The most probable tokens of each position that a chat gives; 0: it gives none."""

    @property
    def id(self) -> str:
        """The id of the record."""
        return offer_id(self.base_url, self.model)

    def scores(self, reading: Reading) -> Scores | None:
        """Return the source of label probabilities in ``reading``; None: answers are texts.

        Raises:
            UnsupportedError: the server does not have what ``reading`` names.
        """
        chat: Scores | None = "chat" if self.logprobs else None
        found: Scores | None = {
            "auto": self.wire or chat,
            "decisions": self.wire,
            "chat": chat,
            "text": None,
        }[reading]
        lacking = {"decisions": found is None, "chat": found is None, "text": not self.chats}
        if lacking.get(reading):
            raise UnsupportedError(
                f"option reading={reading}: {self.base_url} does not have it for {self.model!r}; "
                f"it has: {self._has()}. Leave the option out for the first of these"
            )
        return found

    def note(self, reading: Reading) -> str:
        """Return how the model is asked, as a sentence for the readers of a run."""
        ways = {
            "decisions": "by closed questions (/decisions)",
            "systemone": "by closed questions (/systemone)",
            "chat": f"by the log-probabilities of a chat ({self.logprobs} candidates a token)",
        }
        way = ways.get(str(self.scores(reading)), "by the text of a chat")
        sampled = "" if self.greedy else "; its temperature cannot be set, so its texts may vary"
        return f"{self.model!r} was asked {way}{sampled}"

    def _has(self) -> str:
        parts = ("decisions" if self.wire else "", "chat" if self.logprobs else "",
                 "text" if self.chats else "")  # fmt: skip
        return ", ".join(filter(None, parts)) or "nothing that this backend can use"


def offer_id(base_url: str, model: str) -> str:
    """Return the id of the offer of a server for a model."""
    return hashlib.sha256(f"{base_url} {model}".encode()).hexdigest()[:32]
