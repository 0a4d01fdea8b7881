"""The compared starts of a soft prompt: three that the product has, and two from the literature.

All are input embeddings, ``[num_virtual_tokens, hidden_size]``, so what is trained is a plain PEFT
prompt.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from tunesmith.labels import LabelSet
from tunesmith.methods import render
from tunesmith.records import Row
from tunesmith_local.engine.soft_prompt import initial_prompt
from tunesmith_local.model.loading import BaseLM

Old = Literal["random", "sample_vocab", "text"]
OLD: tuple[Old, ...] = get_args(Old)
"""The values of ``init_method`` that the product has."""
LABELS, DEMONSTRATIONS = "labels", "demonstrations"
NEW = (LABELS, DEMONSTRATIONS)
INSTRUCTION = "Classify the text. Answer with"
SEPARATOR = "\n\n"
"""After a demonstration, as in few-shot."""


@dataclass(frozen=True, slots=True)
class Start:
    """All that a start may depend on."""

    base: BaseLM
    labels: LabelSet
    template: str
    train: Sequence[Row]
    length: int
    """Number of virtual tokens."""
    seed: int

    def weights(self, init: str) -> torch.Tensor:
        """Return the prompt before its first step, float32 ``[length, hidden_size]``."""
        if init == LABELS:
            return self._labels()
        if init == DEMONSTRATIONS:
            return self._embed(demonstrations(self))
        old = next(name for name in OLD if name == init)
        text = instruction(self.words())
        return initial_prompt(self.base, old, self.length, text=text, seed=self.seed).weights

    def words(self) -> list[str]:
        """Return the words of each label."""
        return [self.labels.surface(label) for label in self.labels]

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        return list(self.base.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _labels(self) -> torch.Tensor:
        # Lester et al. 2021 (arXiv:2104.08691), "class label": one virtual token for each class,
        # the mean of its tokens' embeddings. They fill the other places with sampled vocabulary;
        # here the instruction is there, and both are repeated.
        means = [
            self._embed(self.tokens(f" {word}")).mean(0, keepdim=True) for word in self.words()
        ]
        rows = torch.cat([self._embed(self.tokens(INSTRUCTION)), *means])
        return filled(rows, self.length)

    @torch.no_grad()
    def _embed(self, ids: Sequence[int]) -> torch.Tensor:
        rows: torch.Tensor = self.base.embeddings(torch.tensor(list(ids)).to(self.base.device))
        return rows.float().cpu()


def instruction(words: Sequence[str]) -> str:
    """Return the text that ``tunesmith init`` writes as ``init_text``."""
    return f"{INSTRUCTION} {', '.join(words[:-1])} or {words[-1]}."


def filled(rows: torch.Tensor, length: int) -> torch.Tensor:
    """Repeat ``rows`` to ``length``; a part that does not fit is cut at the beginning."""
    times = -(-length // len(rows))
    return rows.repeat(times, 1)[-length:]


def demonstrations(start: Start) -> list[int]:
    """Return the tokens of solved training rows, as many as there are virtual tokens.

    Context Tuning (Lu et al. 2025, arXiv:2507.04221), its form CT-Prompt. Rows are drawn by the
    seed, one of each label in turn, as long as a whole row fits. The rows are then repeated; a part
    that does not fit is cut at the beginning, so the last row is whole. If no row fits, it is the
    end of the shortest.
    """
    rows, room = [], start.length
    for row in _in_turn(start):
        ids = start.tokens(_solved(start, row))
        if len(ids) <= room:
            rows.append(ids)
            room -= len(ids)
    if not rows:
        rows = [min((start.tokens(_solved(start, row)) for row in start.train), key=len)]
    ids = [token for row in rows for token in row]
    return (ids * -(-start.length // len(ids)))[-start.length :]


def _in_turn(start: Start) -> Iterator[Row]:
    """Return the rows in a random order in which every label comes once before one comes again."""
    draw = random.Random(start.seed)
    by_label = {
        label: [row for row in start.train if row.output == label] for label in start.labels
    }
    for rows in by_label.values():
        draw.shuffle(rows)
    for place in range(max(map(len, by_label.values()))):
        order = [rows[place] for rows in by_label.values() if place < len(rows)]
        draw.shuffle(order)
        yield from order


def _solved(start: Start, row: Row) -> str:
    words = start.labels.surface(str(row.output))
    return f"{render(start.template, row.input)}{words}{SEPARATOR}"
