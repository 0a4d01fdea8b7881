"""The shape of a refusal: where, what, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tunesmith.errors import TunesmithError

REMEDY = re.compile(
    r"\b(correct|remove|fill it in|write|written|rename|keep|name the|name it|save|put|add|"
    r"check|choose|set|leave|split the|label them|give|fix|take|move|run|needs rows|use|"
    r"did you mean|should be)\b",
    re.I,
)


def assert_it_helps(message: str, *places: str) -> None:
    """Fail unless ``message`` has the places and a remedy, and can be printed on one screen."""
    for place in places:
        assert place in message
    assert REMEDY.search(message), f"no remedy: {message}"
    odd = {c for c in message if not c.isprintable() and c != "\n"}
    assert not odd, f"{odd} in {message!r}"
    assert len(message) < 2000, f"{len(message)} characters"


def attempted(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Return the result of ``call``, or the error with which it refuses."""
    try:
        return call(*arguments, **named)
    except TunesmithError as error:
        return error
