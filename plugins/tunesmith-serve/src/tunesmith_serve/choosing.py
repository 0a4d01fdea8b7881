"""The choice of functions for a model that was not trained to call any: by scores.

Such a model writes a poor answer to "which function?", but it reads well. So the question is turned
around, as in noisy channel classification (Min et al. 2022): how probable is the message of the
user behind "the user needs this function", and how probable behind descriptions of chats that need
none? A function is called if it makes the message more probable than each of the latter does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tunesmith.backends.shared import Item, SharedBackend
from tunesmith.records import Tool

WITHOUT = (
    "A user's message:",
    "A user greets the assistant:",
    "A user talks with the assistant:",
    "A user thanks the assistant:",
    "A user asks how the assistant is, or who it is:",
    "A user asks a general question:",
    "A user asks the assistant to write a text:",
    "A user's message that needs no function:",
)
"""Beginnings behind which a message that needs no function is probable."""
MOST_CHARACTERS = 400
"""The end of a message that is read. A longer text has no probability that a float can hold."""
LEAST_WORDS = 3
"""Of a part of a message that can ask for a function of its own; ``St. Louis`` is no part."""
_PARTS = re.compile(r"(?<=[.?!;])\s+|,?\s+and\s+(?:then\s+)?", re.IGNORECASE)


class Chooser:
    """Chooses functions by the scores of a base model."""

    def __init__(self, shared: SharedBackend, base_model: str) -> None:
        self._shared = shared
        self._base_model = base_model

    def choose(
        self, message: str, tools: Sequence[Tool], *, must: bool, parallel: bool
    ) -> list[Tool]:
        """Return the functions that ``message`` asks for, in its order; none if it needs none.

        Args:
            message: of the user.
            tools: at least one.
            must: whether to choose at least one.
            parallel: whether several may be chosen. Each sentence of the message, or part between
                two "and", then asks for one at most.
        """
        if must and len(tools) == 1:
            return list(tools)
        best = self._best(message, tools, must=must)
        parts = [part for part in _PARTS.split(message.strip()) if len(part.split()) >= LEAST_WORDS]
        if best is None or not parallel or min(len(parts), len(tools)) < 2:
            return [] if best is None else [best]
        found = [self._best(part, tools, must=False) for part in parts]
        chosen = [tool for tool in found if tool is not None]
        return list({tool.name: tool for tool in (chosen if best in chosen else [best])}.values())

    def _best(self, message: str, tools: Sequence[Tool], *, must: bool) -> Tool | None:
        scores = self._scores(message, [*map(_needing, tools), *WITHOUT])
        best = max(range(len(tools)), key=scores.__getitem__)
        called = must or scores[best] > max(scores[len(tools) :])
        return tools[best] if called else None

    def _scores(self, message: str, beginnings: Sequence[str]) -> list[float]:
        """Return the log-probability of ``message`` behind each beginning."""
        said = (f" {message.strip()[-MOST_CHARACTERS:]}",)
        rows = [Item(self._base_model, beginning, said) for beginning in beginnings]
        answers = [answer.result() for answer in self._shared.classify(rows)]
        return [math.log(answer.mass) if answer.mass else -math.inf for answer in answers]


def _needing(tool: Tool) -> str:
    arguments = ", ".join(tool.parameters.get("properties") or {})
    purpose = " ".join((tool.description or tool.name).split())[:MOST_CHARACTERS]
    return f"{tool.name}({arguments}): {purpose}\nA user needs {tool.name} and says:"
