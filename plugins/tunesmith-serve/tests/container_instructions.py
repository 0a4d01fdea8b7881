"""Reads a Containerfile; the tests of the emulator read theirs with it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
CONTAINERFILE = ROOT / "plugins" / "tunesmith-serve" / "Containerfile"


@dataclass(frozen=True)
class Stage:
    """The instructions between two FROM: the name in capitals, and what follows it."""

    instructions: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [rest for found, rest in self.instructions if found == name]

    def one(self, name: str) -> str:
        (rest,) = self.all(name)
        return rest

    def command(self, name: str) -> list[str]:
        """Return the command of an instruction that ends in a JSON array."""
        rest = self.one(name)
        command: list[str] = json.loads(rest[rest.index("[") :])
        return command


def stages(containerfile: Path = CONTAINERFILE) -> list[Stage]:
    """Return the stages of a file, whose lines are joined and whose comments are left out."""
    text = re.sub(r"^#.*\n", "", containerfile.read_text("utf-8"), flags=re.M)
    lines = text.replace("\\\n", " ").splitlines()
    words = [line.split(maxsplit=1) for line in lines if line.strip()]
    starts = [number for number, (name, _) in enumerate(words) if name == "FROM"]
    return [
        Stage(tuple((name, rest) for name, rest in words[start:end]))
        for start, end in zip(starts, [*starts[1:], len(words)], strict=True)
    ]
