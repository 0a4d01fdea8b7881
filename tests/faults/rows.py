"""The rows of every subject."""

from __future__ import annotations

GOOD = ["lovely staff", "great haircut", "clean and friendly", "kind people", "we love it"]
BAD = ["rude staff", "a dirty room", "late again", "never again", "slow and poor"]


def labelled(copies: int) -> list[dict[str, str]]:
    """Return ten rows, so many times, each a little different."""
    pairs = [(text, "1") for text in GOOD] + [(text, "0") for text in BAD]
    return [{"input": f"{t} {i}", "output": o} for i in range(copies) for t, o in pairs]
