"""Kinds of things and requests: the hand-written lists, and kinds that SmolLM2's vectors form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import torch
from transformers import PreTrainedTokenizerFast

__all__ = ["Intent", "Kind", "Neighbors", "read_intents", "read_kinds"]

HERE = Path(__file__).parent
HELD_OUT = HERE.parent / "measure" / "things.txt"
PLAIN_WORD = re.compile(r"Ġ[a-z]{4,}")
# The domain of the tutorial stays unseen.
PETS = re.compile(
    r"\b(dog|cats?\b|kitt|pets?\b|pupp|pups?\b|groom|hors|animal|rabbit|fur(s|ry|\b)|vet(s|\b|er)|paws?\b)"
)

# Beginnings of words that SmolLM2 never reads alone; their vectors are alike.
PIECES = ("restaur", "strugg", "acknow", "neighb", "distingu", "interpre", "advoc", "authent")
PIECE_LIKE = 0.3


@dataclass(frozen=True)
class Kind:
    """Things of one kind, and what the kind is called."""

    names: tuple[str, ...]
    things: tuple[str, ...]


@dataclass(frozen=True)
class Intent:
    """A kind of request: name, meaning and sentences; `{x}` and `{y}` are places for things."""

    name: str
    meaning: str
    sentences: tuple[str, ...]


@cache
def read_kinds(place: Path = HERE / "kinds.txt") -> tuple[Kind, ...]:
    """Read `names; separated so: thing, thing`, one kind a line."""
    return tuple(_kind(line) for line in _lines(place))


def _kind(line: str) -> Kind:
    names, things = line.split(": ")
    return Kind(tuple(names.split("; ")), tuple(things.split(", ")))


@cache
def read_intents(place: Path = HERE / "intents.txt") -> tuple[Intent, ...]:
    """Read `name | meaning | sentence | sentence`, one intent a line."""
    return tuple(_intent(line) for line in _lines(place))


def _intent(line: str) -> Intent:
    name, meaning, *sentences = line.split(" | ")
    return Intent(name, meaning, tuple(sentences))


def _lines(place: Path) -> list[str]:
    lines = place.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _hidden(word: str, unseen: set[str]) -> bool:
    """Whether no text of the training may be about this word."""
    return bool(PETS.search(word)) or bool({word, word.removesuffix("s")} & unseen)


class Neighbors:
    """Kinds without a name: a word and the words whose vectors are nearest to its own.

    Args:
        tokenizer: Of the vocabulary.
        features: One unit vector a token, ``[tokens, features]``.
        most: Words of a kind.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerFast, features: torch.Tensor, most: int = 14
    ) -> None:
        tokens = tokenizer.get_vocab()
        unseen = {thing for kind in read_kinds(HELD_OUT) for thing in kind.things}
        plain = [t for t in tokens if PLAIN_WORD.fullmatch(t) and not _hidden(t[1:], unseen)]
        piece = features[[tokens["Ġ" + piece] for piece in PIECES]].mean(0)
        wanted = sorted(t for t in plain if float(features[tokens[t]] @ piece) < PIECE_LIKE)
        self.words = [token[1:] for token in wanted]
        vectors = features[[tokens[token] for token in wanted]]
        self._vectors = torch.nn.functional.normalize(vectors - vectors.mean(0), dim=1)
        self._most = most
        self._drawn: dict[int, Kind] = {}

    def kinds(self, rng: Random, count: int) -> list[Kind]:
        """Draw different ones. The name of a kind is its first word."""
        return [self._kind(number) for number in rng.sample(range(len(self.words)), count)]

    def _kind(self, number: int) -> Kind:
        if number not in self._drawn:
            nearest = (self._vectors @ self._vectors[number]).topk(self._most).indices
            things = tuple(self.words[near] for near in nearest.tolist())
            self._drawn[number] = Kind(things[:1], things)
        return self._drawn[number]
