"""Numbers, settings and foreign text as a reader of a report would write them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.audit.findings import counted
from tunesmith.records import ChosenSetting

count = counted

SHOWN_CHARACTERS = 800
NONE = "\N{EN DASH}"
"""In place of a number that is missing."""

# C0 and C1 except tab and line feed, and what turns the direction of the text around it.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def percent(rate: float) -> str:
    """Return ``96.6%``."""
    return f"{100 * rate:.1f}%"


def span(bounds: Sequence[float]) -> str:
    """Return two rates as ``91.5 to 98.7``, in percent."""
    low, high = bounds
    return f"{100 * low:.1f} to {100 * high:.1f}"


def signed(difference: float) -> str:
    """Return a difference of two rates as ``+18.1``, in percentage points."""
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}")


def points(difference: float) -> str:
    """Return ``+18.1 points``."""
    return f"{signed(difference)} points"


def signed_span(bounds: Sequence[float]) -> str:
    """Return two differences as ``+10.9 to +26.0``, in percentage points."""
    low, high = bounds
    return f"{signed(low)} to {signed(high)}"


def rows(number: int) -> str:
    """Return ``1 row`` or ``2 rows``."""
    return count(number, "row")


def duration(seconds: float | None) -> str:
    """Return a wall time with a unit that suits its size."""
    if seconds is None:
        return NONE
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def latency(seconds: float) -> str:
    """Return the time of one request."""
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else duration(seconds)


def plain(value: Any) -> str:
    """Return a setting as a reader would write it."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain(v)}" for key, v in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def answer(text: str) -> str:
    """Return generated text on one line, with what cannot be seen made visible."""
    return cut(text, 160).replace("\n", "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}") or "(nothing)"


def cut(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Return at most ``limit`` characters of ``text``; no control character is left."""
    clean = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.strip(" "))
    if len(clean) <= limit:
        return clean
    return f"{clean[:limit]}… (and {len(clean) - limit:,} more characters)"


def choice_line(choice: ChosenSetting) -> str:
    """Return a setting that was ``auto``: its value, the reason, and the cost of a search."""
    said = f"{choice.setting} {plain(choice.value)}: {choice.reason}."
    if not choice.tried:
        return said
    spent = f"{choice.epochs:g} epochs over the training rows and {duration(choice.seconds)}"
    return f"{said} The search took {spent}."


def given(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the settings that are set."""
    return {key: value for key, value in (settings or {}).items() if value is not None}


def measured_with(provenances: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the provenance of runs on one machine as one: the versions are put together."""
    facts: dict[str, Any] = {}
    for provenance in provenances:
        versions = {**facts.get("versions", {}), **provenance.get("versions", {})}
        facts = {**facts, **provenance, "versions": versions}
    if git := facts.get("git"):
        facts["git"] = f"{git['commit']}{', with changes' if git.get('dirty') else ''}"
    return facts
