"""Questions about other topics than satisfaction: with listed options, or about plain facts."""

from __future__ import annotations

from random import Random

from recipe import wording
from recipe.grammar import ASPECTS, BUSINESSES, DEPARTMENTS, Review

__all__ = ["fact_question", "topic_question"]

STARS = ("1", "2", "3", "4", "5")
LETTERS = "ABCDEF"
TOPICS = {
    "department": (DEPARTMENTS, ("Department", "Team", "Category", "Route to")),
    "aspect": (ASPECTS, ("Aspect", "Topic", "Subject", "Label")),
    "business": (BUSINESSES, ("Business", "Place", "Category", "Kind")),
    "number of stars": (STARS, ("Stars", "Rating", "Score")),
}


def topic_question(rng: Random, review: Review, field: str) -> tuple[str, str, str]:
    """Draw a question whose answer is one of two to six listed options.

    Args:
        rng: Decides the topic, the wording, and the wrong options.
        review: The subject of the question.
        field: Name of the review in the question, in lower case.

    Returns:
        Question, answer and the name of the answer's field.
    """
    topic = rng.choices(tuple(TOPICS), (40, 25, 20, 15))[0]
    known, targets = TOPICS[topic]
    answer = _truth(review)[topic]
    options = list(STARS) if topic == "number of stars" else _options(rng, known, answer)
    listed = [f"{letter}) {text}" for letter, text in zip(LETTERS, options, strict=False)]
    if rng.random() < 0.1:
        answer, options = LETTERS[options.index(answer)], listed
    question = rng.choice(wording.OPTION_TASKS).format(
        topic=topic, field=field, options=rng.choice((", ", "; ", " / ", "\n")).join(options)
    )
    return question, answer, rng.choice(targets)


def _truth(review: Review) -> dict[str, str]:
    return {
        "department": review.department,
        "aspect": review.aspect,
        "business": review.business,
        "number of stars": str(review.stars),
    }


def _options(rng: Random, known: tuple[str, ...], answer: str) -> list[str]:
    wrong = [option for option in known if option != answer]
    options = [*rng.sample(wrong, min(len(wrong), rng.randint(1, len(LETTERS) - 1))), answer]
    rng.shuffle(options)
    return options


def fact_question(rng: Random, review: Review) -> tuple[str, str]:
    """Draw a yes-or-no question about the text.

    Args:
        rng: Decides the question and the case of the answer.
        review: The subject of the question.

    Returns:
        Question and answer.
    """
    question, holds = rng.choice((
        ("Does the customer complain?", not review.positive),
        ("Is this praise?", review.positive),
        ("Did the customer like it?", review.positive),
        ("Was it a good visit?", review.positive),
        ("Was something wrong?", not review.positive),
        ("Is there praise and blame in the text?", review.mixed),
        ("Does the writer recommend the place?", review.recommends),
        ("Does the writer warn others?", review.warns),
        ("Does the writer say that they come back?", review.would_return),
        ("Is the price mentioned?", review.mentions_price),
        ("Are the people mentioned?", review.mentions_staff),
        ("Is the waiting time mentioned?", review.mentions_wait),
    ))  # fmt: skip
    yes, no, order = rng.choice((
        ("yes", "no", "Answer yes or no."),
        ("yes", "no", "yes/no"),
        ("1", "0", "1 for yes, 0 for no."),
        ("true", "false", "Return true or false."),
    ))  # fmt: skip
    return f"{question} {order}", yes if holds else no
