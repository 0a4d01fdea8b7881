"""Documents: what the labels mean, texts, and an answer behind each text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from recipe.disguise import invent
from recipe.documents import ANSWER_WEIGHT, Segment
from recipe.documents import write_document as write_review_document
from recipe.teachable import frames
from recipe.teachable.sources import Group, Task, draw_task, draw_things
from recipe.teachable.words import Neighbors, read_kinds

__all__ = ["write_document", "write_short_document"]

SAME_SHARE = 0.6  # see `write_short_document`
SHORT_SHARE = 0.2  # without them the lookup is forgotten within 300 steps
EASY_SHARE = 0.15
REVIEW_SHARE = 0.4  # of documents as in the first generation
SHORT_WEIGHT = 2.5  # of eight answers; a review has one answer, and would hardly count beside them
MOST_VIRTUAL_TOKENS = 120
EXPLANATIONS = (
    "{label}: {hint}", "{label} = {hint}", "{label} means {hint}", "{label}: {hint}.",
    "Write {label} for {hint}.", "Use {label} for {hint}.", "{hint} -> {label}",
    "Put {hint} under {label}.", "{label} ({hint})", "{hint}: {label}", "If it is {hint}, {label}.",
    "Return {label} for {hint}.", "{hint} belongs to {label}.",
)  # fmt: skip
OPTIONS = (
    "Options: {options}.", "Choose from {options}.", "Answer with one of: {options}.",
    "classify {{ {options} }}", "Labels: {options}", "Which one: {options}?",
    "Which {target} does the {field} belong to: {options}?", "Is it {options}?",
)  # fmt: skip
OPENINGS = (
    "Classify the {field}.", "Sort the {field} by {target}.", "Give the {target}.",
    "Name the {target} of the {field}.", "What is the {target} of this {field}?",
    "Assign a {target} to the {field}.", "Read the {field} and answer with its {target}.",
    "Route each {field} to the right {target}.",
)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """How texts and answers are set: names of both, and what follows them."""

    field: str
    target: str
    joint: str
    space: str
    gap: str

    def ask(self, text: str) -> str:
        """The text in front of its answer."""
        return f"{self.field}: {text}{self.joint}" if self.field else f"{text}{self.joint}"


def write_document(rng: Random, neighbors: Neighbors) -> list[Segment]:
    """Draw one document.

    Args:
        rng: Decides everything.
        neighbors: Kinds without a name.

    Returns:
        Segments in reading order; the last one is an answer that ends.
    """
    chance = rng.random()
    if chance < SHORT_SHARE:
        return write_short_document(rng, neighbors)
    if chance < SHORT_SHARE + EASY_SHARE:
        return _easy(rng, neighbors)
    if chance < SHORT_SHARE + EASY_SHARE + REVIEW_SHARE:
        return write_review_document(rng)
    return _task(rng, neighbors)


def _easy(rng: Random, neighbors: Neighbors) -> list[Segment]:
    """Sentences about things behind a drawn soft prompt: between single things and real tasks."""
    task = draw_things(rng, neighbors)
    form = Form("", "", *rng.choice((("", " "), (":", " "), (" ->", " "), ("\n", ""))), "\n")
    labels = rng.sample(frames.SHORT_LABELS, len(task.groups))
    return [*_drawn_prompt(rng, task, labels, form), *_queries(rng, task, labels, form, told=True)]


def _task(rng: Random, neighbors: Neighbors) -> list[Segment]:
    task, form = draw_task(rng, neighbors), _draw_form(rng)
    labels = _labels(rng, task, form)
    chance = rng.random()
    if chance < 0.5:
        return [*_drawn_prompt(rng, task, labels, form), *_queries(rng, task, labels, form, True)]
    if chance < 0.72:
        return [*_header(rng, task, labels, form), *_queries(rng, task, labels, form, told=True)]
    if chance < 0.8 and labels == _names(task) and task.named:
        front = Segment(_options(rng, labels, form) + "\n", 0.0)
        return [front, *_queries(rng, task, labels, form, told=True)]
    return _by_examples(rng, task, labels, form)


def write_short_document(rng: Random, neighbors: Neighbors) -> list[Segment]:
    """Draw a document of single things behind a drawn soft prompt.

    A training begins with these. They are cheap, and what is learned from them is needed in all
    others: to find the vector that is most alike, and the label in it. Most things are among those
    that made the vector, because likeness is learned later than sameness.

    Args:
        rng: Decides everything.
        neighbors: Kinds without a name.

    Returns:
        As `write_document`.
    """
    several = rng.randint(2, 4)
    listed = rng.random() < 0.4
    kinds = rng.sample(read_kinds(), several) if listed else neighbors.kinds(rng, several)
    labels = rng.sample(frames.SHORT_LABELS, several)
    shown = [rng.sample(kind.things, rng.randint(1, 3)) for kind in kinds]
    segments = [
        Segment(f" {label}", 0.0, blend=" " + " ".join(things))
        for label, things in zip(labels, shown, strict=True)
    ]
    rng.shuffle(segments)
    places = _order(rng, several, 8)
    for number, place in enumerate(places, 1):
        same = rng.random() < SAME_SHARE
        thing = rng.choice(shown[place] if same else kinds[place].things)
        joint = "" if rng.random() < SAME_SHARE else rng.choice((":", " ->", ",", "."))
        segments.append(Segment(f" {thing}{joint}", 0.0))
        ends = number == len(places)
        segments.append(Segment(f" {labels[place]}", SHORT_WEIGHT, ends=ends))
    return segments


def _draw_form(rng: Random) -> Form:
    field = "" if rng.random() < 0.1 else rng.choice(frames.FIELDS)
    target = rng.choice(frames.TARGETS)
    joints = ((f"\n{target}:\n", ""), (f"\n{target}:", " "), (f" {target}:", " "), ("\n", ""),
              (" ->", " "), (f"\n\n{target}:\n", ""))  # fmt: skip
    joint, space = rng.choices(joints, (55, 20, 6, 8, 5, 6))[0]
    return Form(field, target, joint, space, rng.choices(("\n\n", "\n"), (75, 25))[0])


def _names(task: Task) -> list[str]:
    return [group.name for group in task.groups]


def _labels(rng: Random, task: Task, form: Form) -> list[str]:
    """Words for the groups: their names, listed words, words of the vocabulary, or made-up ones."""
    chance, count = rng.random(), len(task.groups)
    if chance < 0.35 and task.named:
        return _names(task)
    if chance < 0.5:
        return [str(n) for n in rng.sample(range(10), count)]
    if chance < 0.85:
        return rng.sample(frames.LABEL_WORDS, count)
    return [invent(rng) for _ in range(count)]


def _drawn_prompt(rng: Random, task: Task, labels: Sequence[str], form: Form) -> list[Segment]:
    """A soft prompt whose vectors hold a label and words of its group at once.

    A tuning can find such vectors. A model that reads them can be tuned.
    """
    units = []
    for label, group in zip(labels, task.groups, strict=True):
        for _ in range(rng.randint(1, 4)):
            units.append(Segment(form.space + label, 0.0, blend=_some_words(rng, group)))
    if rng.random() < 0.6:
        filler = rng.choice(task.groups).write(rng) if rng.random() < 0.5 else _opening(rng, form)
        units.append(Segment(filler, 0.0, virtual=rng.randint(5, 40)))
    rng.shuffle(units)
    return units


def _some_words(rng: Random, group: Group) -> str:
    """Words of the hints, or of texts of the group, in any order; never empty."""
    if rng.random() < 0.4:
        found = _hint(rng, group).split()
    else:
        found = " ".join(group.write(rng) for _ in range(rng.randint(1, 4))).split()
    drawn = rng.sample(found, min(len(found), rng.randint(1, 24)))
    return " " + " ".join(drawn)


def _header(rng: Random, task: Task, labels: Sequence[str], form: Form) -> list[Segment]:
    """The meaning of each label, sometimes at the places of a soft prompt."""
    explanation, joint = rng.choice(EXPLANATIONS), rng.choice(("\n", "\n", "\n", " ", "; "))
    lines = [
        explanation.format(label=label, hint=_hint(rng, group))
        for label, group in zip(labels, task.groups, strict=True)
    ]
    rng.shuffle(lines)
    if rng.random() < 0.4:
        lines.insert(0, _opening(rng, form))
    if rng.random() < 0.25:
        lines.append(_options(rng, labels, form))
    text = joint.join(lines)
    if rng.random() < 0.3:
        return [Segment(text + "\n", 0.0, virtual=rng.randint(60, MOST_VIRTUAL_TOKENS))]
    return [Segment(text + rng.choice(("\n", "\n\n")), 0.0)]


def _hint(rng: Random, group: Group) -> str:
    return rng.choice((", ", " and ", "; ")).join(group.hints)


def _opening(rng: Random, form: Form) -> str:
    return rng.choice(OPENINGS).format(
        field=form.field.lower() or "text", target=form.target.lower()
    )


def _options(rng: Random, labels: Sequence[str], form: Form) -> str:
    listed = rng.choice((", ", " / ", " or ", "; ")).join(rng.sample(labels, len(labels)))
    return rng.choice(OPTIONS).format(
        options=listed, field=form.field.lower() or "text", target=form.target.lower()
    )


def _queries(
    rng: Random, task: Task, labels: Sequence[str], form: Form, told: bool
) -> list[Segment]:
    return _answered(rng, task, labels, form, _order(rng, len(labels), rng.randint(1, 5)), told)


def _order(rng: Random, groups: int, count: int) -> list[int]:
    return [rng.randrange(groups) for _ in range(count)]


def _by_examples(rng: Random, task: Task, labels: Sequence[str], form: Form) -> list[Segment]:
    """Examples alone. An answer counts if its group was seen before."""
    front = [Segment(_opening(rng, form) + "\n\n", 0.0)] if rng.random() < 0.3 else []
    order = _order(rng, len(labels), rng.randint(4, 10))
    order[-1] = rng.choice(order[:-1])
    return [*front, *_answered(rng, task, labels, form, order, told=False)]


def _answered(
    rng: Random, task: Task, labels: Sequence[str], form: Form, order: Sequence[int], told: bool
) -> list[Segment]:
    segments: list[Segment] = []
    seen: set[int] = set()
    for place, number in enumerate(order):
        weight = ANSWER_WEIGHT if told or number in seen else 0.0
        seen.add(number)
        text = task.groups[number].write(rng)
        last = place == len(order) - 1
        segments.append(Segment(form.ask(text), 0.0))
        segments.append(Segment(form.space + labels[number], weight, ends=last))
        segments += [] if last else [Segment(form.gap, 0.0)]
    return segments
