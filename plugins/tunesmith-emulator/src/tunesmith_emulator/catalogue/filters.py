"""The parameter ``filters``: ``[!]KIND_VALUE[,…][:and|:or]``, e.g. ``!lifecycle_withdrawn``.

Grammar: ``ibm-watsonx-ai`` 1.8.1, ``FoundationModelsManager.get_model_specs``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tunesmith_emulator.envelope import ServiceError, wrong_parameter

KINDS = (
    "modelid", "provider", "source", "input_tier", "output_tier", "tier", "task", "lifecycle",
    "function",
)  # fmt: skip
Facts = Mapping[str, frozenset[str]]
"""The values of a model that match, for each kind."""
Filter = Callable[[Facts], bool]

_TERM = re.compile(rf"(?P<absent>!?)(?P<kind>{'|'.join(KINDS)})_(?P<value>.+)")


def parse(text: str) -> Filter:
    """Return the filter that ``text`` describes.

    Raises:
        ServiceError: 400, names the part that is wrong.
    """
    terms, colon, operator = text.partition(":")
    # The grammar names no default. "or" is inferred, because it is named first.
    if colon and operator not in ("and", "or"):
        raise _malformed(text, f"after ':' only 'and' or 'or' is allowed, not {operator!r}")
    tests = [_term(term, text) for term in terms.split(",")]
    combine = all if operator == "and" else any
    return lambda facts: combine(test(facts) for test in tests)


def named(text: str) -> list[str]:
    """Return the ids of models that a well-formed filter asks for."""
    found = (_TERM.fullmatch(term.strip()) for term in text.partition(":")[0].split(","))
    return [m["value"] for m in found if m and m["kind"] == "modelid" and not m["absent"]]


def _term(term: str, text: str) -> Filter:
    match = _TERM.fullmatch(term.strip())
    if match is None:
        raise _malformed(text, f"{term!r} is not [!]KIND_VALUE with a KIND of {', '.join(KINDS)}")
    kind, value, present = match["kind"], match["value"], not match["absent"]
    return lambda facts: (value in facts[kind]) is present


def _malformed(text: str, why: str) -> ServiceError:
    return wrong_parameter("filters", f"The filter {text!r} is malformed: {why}.")
