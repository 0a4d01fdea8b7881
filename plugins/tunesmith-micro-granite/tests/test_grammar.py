"""The review grammar: balance, breadth, clean text, truthful labels."""

from __future__ import annotations

import dataclasses
import random
import re

import pytest

from recipe.grammar import (
    ASPECTS,
    BUSINESSES,
    DEPARTMENTS,
    Review,
    sample_review,
)
from recipe.grammar.aspects import BANK
from recipe.grammar.lexicon import CAST, LEXICON, NEUTRAL
from recipe.grammar.phrase import parse_phrase, split_slots
from recipe.grammar.surface import agree_article, as_sentence
from recipe.grammar.trades import TRADES

PET_WORDS = re.compile(
    r"\b(dogs?|doggies?|doggy|cats?|kitt\w+|pets?|pupp\w+|pups?|pooch\w*|groom\w*|vets?|veterinar\w*"
    r"|canine\w*|feline\w*|hamsters?|rabbits?|parrots?|horses?|poodles?|terriers?|paws?|furr?y?"
    r"|leash\w*|kennels?|bark(?:s|ed|ing)?|muzzles?|animals?|fleas?)\b",
    re.IGNORECASE,
)
SHARED_SLOTS = set(CAST) | set(LEXICON) | {"staff"}
TRADE_SLOTS = {"place", "role", "object", "verb", "service"}


@pytest.fixture(scope="module")
def reviews() -> list[Review]:
    rng = random.Random(11)
    return [sample_review(rng) for _ in range(20_000)]


def test_same_seed_same_reviews() -> None:
    first, second = random.Random(3), random.Random(3)
    assert [sample_review(first) for _ in range(200)] == [sample_review(second) for _ in range(200)]


def test_labels_are_balanced(reviews: list[Review]) -> None:
    share = sum(review.positive for review in reviews) / len(reviews)
    assert 0.48 < share < 0.52


def test_no_pet_word_appears(reviews: list[Review]) -> None:
    assert [r.text for r in reviews if PET_WORDS.search(r.text)] == []


def test_no_bank_has_a_word_about_pets() -> None:
    phrases = [p for bank in BANK.values() for p in bank]
    phrases += [p for trade in TRADES for bank in trade.phrases.values() for p in bank]
    lines = [" ".join(phrase.parts) for phrase in phrases] + list(NEUTRAL)
    assert [line for line in lines if PET_WORDS.search(line)] == []


def test_every_slot_is_filled(reviews: list[Review]) -> None:
    broken = [r.text for r in reviews if re.search(r"[{}|@]|  |^\W*$", r.text)]
    assert broken == []


def test_every_slot_of_every_phrase_is_known() -> None:
    phrases = [p for bank in BANK.values() for p in bank]
    phrases += [p for trade in TRADES for bank in trade.phrases.values() for p in bank]
    slots = {slot for phrase in phrases for slot in phrase.parts[1::2]}
    slots |= {slot for line in NEUTRAL for slot in split_slots(line)[1::2]}
    assert slots <= SHARED_SLOTS | TRADE_SLOTS
    assert [t.name for t in TRADES if not set(t.words) >= TRADE_SLOTS] == []


def test_trades_name_only_aspects_with_phrases() -> None:
    for trade in TRADES:
        for aspect in trade.aspects:
            for positive in (True, False):
                assert BANK[aspect, positive, "clause"], (trade.name, aspect)
                assert BANK[aspect, positive, "fragment"], (trade.name, aspect)


def test_vocabulary_and_banks_are_broad() -> None:
    phrases = [p for bank in BANK.values() for p in bank]
    phrases += [p for trade in TRADES for bank in trade.phrases.values() for p in bank]
    texts = [" ".join(phrase.parts[::2]) for phrase in phrases] + list(NEUTRAL)
    slot_words = [LEXICON, CAST, *(trade.words for trade in TRADES)]
    texts += [choice for words in slot_words for choices in words.values() for choice in choices]
    # four letters and more leaves the function words out; typing slips are not counted
    assert len(set(re.findall(r"[a-z]{4,}", " ".join(texts).lower()))) >= 3_000
    assert len({(phrase.parts, phrase.positive) for phrase in phrases}) >= 2_500
    assert len(BUSINESSES) >= 30


def test_no_template_is_in_the_banks_of_both_verdicts() -> None:
    phrases = [p for bank in BANK.values() for p in bank]
    phrases += [p for trade in TRADES for bank in trade.phrases.values() for p in bank]
    praise = {phrase.parts for phrase in phrases if phrase.positive}
    assert [p.parts for p in phrases if not p.positive and p.parts in praise] == []


def test_texts_hardly_repeat(reviews: list[Review]) -> None:
    assert len({r.text for r in reviews}) > 0.8 * len(reviews)


def test_both_polarities_cover_every_aspect_and_department(reviews: list[Review]) -> None:
    for positive in (True, False):
        chosen = [r for r in reviews if r.positive is positive]
        assert {r.aspect for r in chosen} == set(ASPECTS)
        assert {r.department for r in chosen} == set(DEPARTMENTS)
    assert {r.business for r in reviews} == set(BUSINESSES)


def test_attributes_are_plain_and_consistent(reviews: list[Review]) -> None:
    kinds = {"str": str, "bool": bool, "int": int, "tuple[str, ...]": tuple}
    for review in reviews[:3_000]:
        for field in dataclasses.fields(Review):
            assert type(getattr(review, field.name)) is kinds[str(field.type)]
        assert review.has_question == ("?" in review.text)
        assert review.aspect == "overall" or review.aspect in review.aspects
        assert not (review.warns and review.recommends)


def test_stars_follow_the_verdict(reviews: list[Review]) -> None:
    for review in reviews:
        low, high = (3 if review.mixed else 4, 5) if review.positive else (1, 3)
        assert low <= review.stars <= high
        assert review.stars != 3 or review.mixed


def test_about_three_in_ten_are_terse(reviews: list[Review]) -> None:
    share = sum(len(r.text.split()) <= 6 for r in reviews) / len(reviews)
    assert 0.22 < share < 0.48


def test_unknown_mark_and_aspect_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown mark"):
        parse_phrase("* fine", "staff")
    with pytest.raises(ValueError, match="unknown aspect"):
        parse_phrase("+ fine | weather", "staff")


@pytest.mark.parametrize(
    ("plain", "agreed"),
    [
        ("a awful job", "an awful job"),
        ("a honest man", "an honest man"),
        ("a hour", "an hour"),
        ("a unique cut", "a unique cut"),
        ("a one-off", "a one-off"),
        ("a uneven line", "an uneven line"),
        ("a useful tip", "a useful tip"),
        ("a good job", "a good job"),
    ],
)
def test_article_agrees(plain: str, agreed: str) -> None:
    assert agree_article(plain) == agreed


def test_sentence_keeps_its_own_mark() -> None:
    assert as_sentence("why bother?") == "Why bother?"
    assert as_sentence("never again", "!") == "Never again!"
    assert as_sentence("we sat. the clerk left") == "We sat. The clerk left."
