"""What the numbers of a report were measured with: versions, machine, commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def measured_with(provenances: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the provenance of runs on one machine as one: the versions are put together."""
    facts: dict[str, Any] = {}
    for provenance in provenances:
        versions = {**facts.get("versions", {}), **provenance.get("versions", {})}
        facts = {**facts, **provenance, "versions": versions}
    if git := facts.get("git"):
        facts["git"] = f"{git['commit']}{', with changes' if git.get('dirty') else ''}"
    return facts
