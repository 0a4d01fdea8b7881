"""Training documents: instruction or none, layout, review, answer, end of text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from recipe import wording
from recipe.disguise import disguise
from recipe.grammar import Review, sample_review
from recipe.instructions import (
    Labels,
    Layout,
    command,
    draw_layout,
    instruction,
    labels,
    random_labels,
)
from recipe.topics import fact_question, topic_question

__all__ = ["ANSWER_WEIGHT", "Segment", "write_document"]

ANSWER_WEIGHT = 10.0  # of an answer's tokens in the loss; text has weight 1
SHOT_WEIGHT = 4.0
MOST_VIRTUAL_TOKENS = 100


@dataclass(frozen=True)
class Segment:
    """A part of one document.

    Attributes:
        text: Tokenized separately from the other segments.
        weight: Of its tokens in the loss.
        ends: Whether the end-of-text token follows, with the same weight.
        virtual: If positive, the tokens are repeated or cut to this number and take the position
            of a soft prompt: they have no loss, and their embeddings may get noise.
        blend: If not empty, the segment is part of a drawn soft prompt, and the embeddings of the
            tokens of this text are added to its first one.
    """

    text: str
    weight: float = 1.0
    ends: bool = False
    virtual: int = 0
    blend: str = ""


def write_document(rng: Random) -> list[Segment]:
    """Draw one document.

    Args:
        rng: Decides everything.

    Returns:
        Segments in reading order; at least one of them is an answer that ends.
    """
    kinds: tuple[Callable[[Random], list[Segment]], ...] = (
        _plain, _instructed, _soft, _topical, _serial, _few_shot,
    )  # fmt: skip
    segments = rng.choices(kinds, (17, 40, 13, 9, 14, 7))[0](rng)
    return _with_prefix(rng, segments)


def _with_prefix(rng: Random, segments: list[Segment]) -> list[Segment]:
    """Sometimes unrelated text or vectors come first; the task stays the same."""
    chance = rng.random()
    if segments[0].virtual or chance > 0.15:
        return segments
    if chance < 0.07:
        return [_salad(rng), *segments]
    return [Segment(rng.choice(wording.DISTRACTIONS) + rng.choice(("\n", " "))), *segments]


def _salad(rng: Random) -> Segment:
    words = " ".join(_review(rng).text for _ in range(2)).split()
    rng.shuffle(words)
    return Segment(" ".join(words), 0.0, virtual=rng.randint(5, MOST_VIRTUAL_TOKENS))


def _answer(word: str, weight: float = ANSWER_WEIGHT) -> Segment:
    return Segment(word, weight, ends=True)


def _text(rng: Random, review: Review) -> str:
    return disguise(rng, review.text)


def _plain(rng: Random) -> list[Segment]:
    """No instruction; 1 and 0 in half of the cases, to keep the model unsure."""
    review, words = _review(rng), labels(rng)
    front = command(rng, words) if rng.random() < 0.4 else ""
    prompt = front + _cut(rng, draw_layout(rng).lay_out(_text(rng, review)))
    return [Segment(prompt), _answer(words.of(review.positive))]


def _instructed(rng: Random) -> list[Segment]:
    """The instruction first, in the layout that base models are tested with."""
    review = _review(rng)
    words, layout = _words(rng), draw_layout(rng)
    front = command(rng, words) if rng.random() < 0.12 else ""
    text = instruction(rng, layout, words)
    if rng.random() < 0.08:
        text += "\n" + instruction(rng, layout, words)
    gap = rng.choices(("\n", "\n\n", " "), (80, 12, 8))[0]
    body = f"{text}{gap}{layout.lay_out(_text(rng, review))}"
    return [Segment(front + _cut(rng, body)), _answer(words.of(review.positive))]


def _soft(rng: Random) -> list[Segment]:
    """An instruction repeated or cut to a number of tokens: a soft prompt at its start."""
    review, words, layout = _review(rng), _words(rng), draw_layout(rng)
    text = instruction(rng, layout, words) + rng.choice(("", f" {layout.field}:", "\n"))
    prefix = Segment(text, 0.0, virtual=rng.randint(20, MOST_VIRTUAL_TOKENS))
    front = command(rng, words) if rng.random() < 0.5 else ""
    if rng.random() < 0.4:
        front += instruction(rng, layout, words) + "\n"
    prompt = front + layout.lay_out(_text(rng, review))
    return [prefix, Segment(prompt), _answer(words.of(review.positive))]


def _topical(rng: Random) -> list[Segment]:
    """One question whose options are listed."""
    review, layout = _review(rng), draw_layout(rng)
    question, answer, target = topic_question(rng, review, layout.field.lower())
    layout = Layout(layout.field, target, f"\n{target}:\n")
    return [Segment(f"{question}\n{layout.lay_out(_text(rng, review))}"), _answer(answer)]


def _serial(rng: Random) -> list[Segment]:
    """Several questions about one review, each with an answer and the end-of-text token."""
    review, layout = _review(rng), draw_layout(rng)
    segments = [Segment(f"{layout.field}: {_text(rng, review)}")]
    for _ in range(rng.randint(2, 4)):
        segments += _question(rng, review, layout)
    return segments


def _question(rng: Random, review: Review, layout: Layout) -> list[Segment]:
    if rng.random() < 0.3:
        question, answer, target = topic_question(rng, review, layout.field.lower())
        return [Segment(f"\n{question}\n{target}:\n"), _answer(answer)]
    if rng.random() < 0.15:
        question, answer = fact_question(rng, review)
        return [Segment(f"\n{question}\nAnswer:\n"), _answer(answer)]
    words = _words(rng)
    text = instruction(rng, layout, words)
    return [Segment(f"\n{text}\n{layout.target}:\n"), _answer(words.of(review.positive))]


def _few_shot(rng: Random) -> list[Segment]:
    """Examples of both classes, then the question. No end-of-text token follows the examples."""
    words, layout = _words(rng), draw_layout(rng)
    named = rng.random() < 0.6
    segments = [Segment(instruction(rng, layout, words) + "\n\n")] if named else []
    shots = [_short_review(rng) for _ in range(rng.randint(2, 4))]
    for review in shots:
        segments.append(Segment(layout.lay_out(review.text)))
        segments.append(Segment(words.of(review.positive), SHOT_WEIGHT if named else 0.0))
        segments.append(Segment("\n\n", 0.0))
    last = _short_review(rng)
    return [*segments, Segment(layout.lay_out(last.text)), _answer(words.of(last.positive))]


def _review(rng: Random) -> Review:
    """Draw a review so that long ones are more frequent than in the grammar."""
    review = sample_review(rng)
    if rng.random() < 0.45:
        review = max(review, sample_review(rng), key=lambda drawn: len(drawn.text))
    return review


def _short_review(rng: Random) -> Review:
    return min((sample_review(rng) for _ in range(3)), key=lambda review: len(review.text))


def _words(rng: Random) -> Labels:
    return random_labels(rng) if rng.random() < 0.08 else labels(rng)


def _cut(rng: Random, text: str) -> str:
    """Sometimes cut from the left, like a text longer than `max_input_tokens`."""
    if rng.random() > 0.05:
        return text
    return text[rng.randint(1, max(1, len(text) // 3)) :]
