"""Instructions put together from the wording: tasks, label clauses, names and orders."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from recipe import wording

__all__ = ["Labels", "Layout", "command", "draw_layout", "instruction", "labels", "random_labels"]

# The tutorial's own sentences (IBM, "Prompt tune a Granite model in Python using watsonx").
TUTORIAL_TASK = "Extract the satisfaction from the comment."
TUTORIAL_CLAUSE = "Return simple {P} for {p} or {N} for {n}."
TUTORIAL_MEANING = ("satisfied customer", "unsatisfied")


@dataclass(frozen=True)
class Labels:
    """Two label words; `arbitrary` ones get their meaning from the instruction."""

    positive: str
    negative: str
    arbitrary: bool = False

    def of(self, positive: bool) -> str:
        """The word of one class."""
        return self.positive if positive else self.negative


@dataclass(frozen=True)
class Layout:
    """The layout of a review: its field, the name of the answer, and the text between them."""

    field: str
    target: str
    joint: str

    def lay_out(self, review: str) -> str:
        """The text in front of the answer."""
        return f"{self.field}: {review}{self.joint}"


def labels(rng: Random) -> Labels:
    """Draw a pair of label words; 1 and 0 are the most frequent."""
    pairs = wording.LABEL_PAIRS
    positive, negative, _ = rng.choices(pairs, [weight for *_, weight in pairs])[0]
    return Labels(positive, negative)


def random_labels(rng: Random) -> Labels:
    """Draw two words that have no meaning as labels."""
    positive, negative = rng.sample(wording.RANDOM_LABELS, 2)
    return Labels(positive, negative, arbitrary=True)


def draw_layout(rng: Random) -> Layout:
    """Draw a layout; most often the answer is on a new line."""
    field, target = rng.choice(wording.FIELDS), rng.choice(wording.TARGETS)
    if rng.random() < 0.2:
        field, target = "Comment", "Satisfaction"
    joints = (f"\n{target}:\n", f"\n{target}:", f"\n{target}: ", f"\n\n{target}:\n", "\n", " ->")
    return Layout(field, target, rng.choices(joints, (70, 10, 8, 6, 4, 2))[0])


def command(rng: Random, words: Labels) -> str:
    """A short prefix that lists the labels, such as `classify {0, 1} `."""
    return rng.choice(wording.COMMANDS).format(P=words.positive, N=words.negative)


def instruction(rng: Random, layout: Layout, words: Labels) -> str:
    """Draw an instruction that names the labels, and their meanings if they need one."""
    names = {"field": layout.field.lower(), "target": layout.target.lower()}
    if rng.random() < 0.06:
        return f"{TUTORIAL_TASK} {_clause(rng, TUTORIAL_CLAUSE, TUTORIAL_MEANING, words, swap=0.1)}"
    task = rng.choice(wording.TASKS).format(**names)
    return _arrange(rng, task, _label_clause(rng, words))


def _arrange(rng: Random, task: str, clause: str) -> str:
    extra = rng.choice(wording.DISTRACTIONS) if rng.random() < 0.12 else ""
    parts = [task, clause, extra] if rng.random() < 0.9 else [clause, task, extra]
    if rng.random() < 0.04:
        parts = [clause]
    return rng.choices((" ", "\n"), (85, 15))[0].join(part for part in parts if part)


def _label_clause(rng: Random, words: Labels) -> str:
    if not words.arbitrary and not words.positive.isdigit() and rng.random() < 0.45:
        return _clause(rng, rng.choice(wording.OPTION_CLAUSES), ("", ""), words, swap=0.5)
    template, meaning = rng.choice(wording.LABEL_CLAUSES), rng.choice(wording.MEANINGS)
    return _clause(rng, template, meaning, words, swap=0.3)


def _clause(
    rng: Random, template: str, meaning: tuple[str, str], words: Labels, swap: float
) -> str:
    quote = rng.choices(("", "'", '"'), (80, 14, 6))[0] if "'" not in template else ""
    pair = (f"{quote}{words.positive}{quote}", f"{quote}{words.negative}{quote}")
    if rng.random() < swap:
        pair, meaning = (pair[1], pair[0]), (meaning[1], meaning[0])
    return template.format(P=pair[0], N=pair[1], p=meaning[0], n=meaning[1])
