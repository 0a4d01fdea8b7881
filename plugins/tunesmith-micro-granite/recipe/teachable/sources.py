"""Tasks: groups of texts, with what a prompt may say about each group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from recipe.grammar import Review, sample_review
from recipe.teachable import frames
from recipe.teachable.words import Intent, Kind, Neighbors, read_intents, read_kinds

__all__ = ["Group", "Task", "draw_task", "draw_things", "message", "sentence"]

MOST_GROUPS = 6
MOST_KINDS = 8


@dataclass(frozen=True)
class Group:
    """The meaning of one label.

    Attributes:
        name: A word or two that would be a natural label.
        hints: What a prompt may say about the group, in order of importance.
        write: Draws a text of the group.
    """

    name: str
    hints: tuple[str, ...]
    write: Callable[[Random], str]


@dataclass(frozen=True)
class Task:
    """Two or more groups. `named` if the names alone explain the task."""

    groups: tuple[Group, ...]
    named: bool = True


def draw_task(rng: Random, neighbors: Neighbors) -> Task:
    """Draw a task: kinds of things, requests, reviews, or the form of a text.

    Args:
        rng: Decides everything.
        neighbors: Kinds without a name.

    Returns:
        A task of two to six groups.
    """
    chance = rng.random()
    if chance < 0.30:
        return _things(rng, rng.sample(read_kinds(), MOST_KINDS), named=True)
    if chance < 0.50:
        return _things(rng, neighbors.kinds(rng, MOST_KINDS), named=False)
    if chance < 0.78:
        return _requests(rng)
    return _reviews(rng) if chance < 0.92 else _forms(rng)


def draw_things(rng: Random, neighbors: Neighbors) -> Task:
    """Draw a task of two to four kinds of things, whose texts are sentences about them."""
    several = rng.randint(2, 4)
    listed = rng.random() < 0.4
    kinds = rng.sample(read_kinds(), several) if listed else neighbors.kinds(rng, several)
    return Task(tuple(_mentioned(kind) for kind in kinds), named=listed)


def _mentioned(kind: Kind) -> Group:
    return Group(kind.names[0], (", ".join(kind.things[:4]),), lambda r: sentence(r, kind.things))


def _things(rng: Random, kinds: Sequence[Kind], named: bool) -> Task:
    """Kinds of things. In a house convention a label covers two kinds that have no common name."""
    several = rng.random() < 0.25
    wanted = rng.randint(2, 4 if several else MOST_GROUPS)
    parts = [kinds[n * 2 : n * 2 + 2] if several else [kinds[n]] for n in range(wanted)]
    return Task(tuple(_kinds_group(rng, part) for part in parts), named and not several)


def _kinds_group(rng: Random, kinds: Sequence[Kind]) -> Group:
    hints, hidden = [], []
    for kind in kinds:
        things = rng.sample(kind.things, len(kind.things))
        cut = rng.randint(1, 4)
        shown = [rng.choice(kind.names)] if rng.random() < 0.5 else []
        hints.append(", ".join([*shown, *things[: cut - len(shown)]]))
        hidden.append(things[cut:])
    return Group(kinds[0].names[0], tuple(hints), lambda rng: sentence(rng, rng.choice(hidden)))


def sentence(rng: Random, things: Sequence[str]) -> str:
    """Write a text that mentions one to three of the things."""
    x, y, z = rng.sample(things, 3)
    chance = rng.random()
    if chance < 0.3:
        return ", ".join((x, y, z)[: rng.randint(1, 3)])
    text = rng.choice(frames.FRAMES).format(x=x, y=y, z=z)
    return _wrapped(rng, text) if chance < 0.6 else text


def _wrapped(rng: Random, text: str) -> str:
    """A text between sentences that say nothing."""
    parts = [text]
    for _ in range(rng.randint(1, 2)):
        parts.insert(rng.randint(0, len(parts)), rng.choice(frames.NEUTRAL))
    if rng.random() < 0.3:
        parts.insert(0, rng.choice(frames.GREETINGS))
    if rng.random() < 0.3:
        parts.append(rng.choice(frames.CLOSINGS))
    return " ".join(parts)


def _requests(rng: Random) -> Task:
    drawn = rng.sample(read_intents(), rng.randint(2, MOST_GROUPS))
    return Task(tuple(_intent_group(rng, intent) for intent in drawn))


def _intent_group(rng: Random, intent: Intent) -> Group:
    examples = rng.sample(intent.sentences, len(intent.sentences))
    hint = rng.choice((intent.name, intent.meaning, _filled(rng, examples[0])))
    return Group(intent.name, (hint,), lambda rng: message(rng, examples[1:]))


def message(rng: Random, sentences: Sequence[str]) -> str:
    """Write a message with one or two of the sentences."""
    drawn = rng.sample(sentences, 2 if rng.random() < 0.3 else 1)
    text = " ".join(_filled(rng, sentence) for sentence in drawn)
    return _wrapped(rng, text) if rng.random() < 0.5 else text


def _filled(rng: Random, text: str) -> str:
    things = [rng.choice(rng.choice(read_kinds()).things) for _ in range(2)]
    return text.format(x=f"the {things[0]}", y=f"the {things[1]}")


def _reviews(rng: Random) -> Task:
    """The shortest of some reviews, by verdict or by department."""
    reviews = [sample_review(rng) for _ in range(24)]
    if rng.random() < 0.6:
        pair = rng.choice((("positive", "negative"), ("satisfied", "unsatisfied"), ("good", "bad")))
        found = {name: [r for r in reviews if r.positive == (name == pair[0])] for name in pair}
    else:
        names = sorted({review.department for review in reviews})
        found = {name: [r for r in reviews if r.department == name] for name in names}
    full = [_review_group(name, texts) for name, texts in found.items() if len(texts) > 1]
    return Task(tuple(full[:MOST_GROUPS])) if len(full) > 1 else _reviews(rng)


def _review_group(name: str, reviews: Sequence[Review]) -> Group:
    texts = sorted((review.text for review in reviews), key=len)[:8]
    return Group(name, (name,), lambda rng: rng.choice(texts))


def _any_text(rng: Random) -> str:
    if rng.random() < 0.5:
        return sentence(rng, rng.choice(read_kinds()).things)
    return message(rng, rng.choice(read_intents()).sentences)


def _forms(rng: Random) -> Task:
    """The form of a text, not its content."""
    kind = rng.choice(read_kinds())
    kind_name = kind.names[0]
    others = [other for other in read_kinds() if other is not kind]
    pairs: tuple[tuple[tuple[str, Callable[[Random], str]], ...], ...] = (
        (("question", _question), ("statement", _statement)),
        (("with a number", _with_number), ("without a number", _statement)),
        (("capital letters", lambda r: _any_text(r).upper()), ("small letters", _statement)),
        (("short", _short), ("long", _long)),
        (("with a name", _with_name), ("without a name", _statement)),
        (
            (f"about {kind_name}", lambda r: sentence(r, kind.things)),
            (f"not about {kind_name}", lambda r: sentence(r, r.choice(others).things)),
        ),
    )
    return Task(tuple(Group(name, (name,), write) for name, write in rng.choice(pairs)))


def _question(rng: Random) -> str:
    thing = rng.choice(rng.choice(read_kinds()).things)
    start = rng.choice(("Is there", "do you know", "Where is", "How much is", "why do we need"))
    return f"{start} {thing}" + ("?" if rng.random() < 0.7 else "")


def _statement(rng: Random) -> str:
    thing = rng.choice(rng.choice(read_kinds()).things)
    start = rng.choice(("I like", "we have seen", "They bought", "She forgot", "he talks about"))
    return f"{start} {thing}."


def _short(rng: Random) -> str:
    return rng.choice(rng.choice(read_kinds()).things)


def _long(rng: Random) -> str:
    return " ".join(_any_text(rng) for _ in range(3))


def _with_number(rng: Random) -> str:
    return _statement(rng)[:-1] + f" {rng.choice(('at', 'for', 'number'))} {rng.randint(2, 400)}."


def _with_name(rng: Random) -> str:
    return f"{rng.choice(frames.NAMES)} and I: {_statement(rng)}"
