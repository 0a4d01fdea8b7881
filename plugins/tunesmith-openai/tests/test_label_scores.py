"""Label scores from the candidates of a chat: exact where a token separates the labels."""

from __future__ import annotations

import pytest

from tunesmith.errors import UnsupportedError
from tunesmith_openai.label_scores import Position, check_labels, read_scores, tokens_needed


def shares(positions, labels):
    found = read_scores([Position(chosen, given) for chosen, given in positions], labels)
    return [round(share, 6) for share in found.probabilities.values()], round(found.mass, 6)


def test_the_first_token_separates_the_labels():
    first = ("pos", {"pos": 0.6, "neg": 0.2, "The": 0.2})
    assert shares([first], ["positive", "negative"]) == ([0.75, 0.25], 0.8)


def test_a_shared_beginning_is_followed_to_the_token_that_separates():
    first = ("card", {"card": 0.8, "cash": 0.2})
    second = ("_lost", {"_lost": 0.75, "_stolen": 0.25})
    labels = ["card_lost", "card_stolen", "cash"]
    assert shares([first, second], labels) == ([0.6, 0.2, 0.2], 1.0)


def test_white_space_before_an_answer_is_no_part_of_a_label():
    assert shares([(" yes", {" yes": 0.9, "no": 0.1})], ["yes", "no"]) == ([0.9, 0.1], 1.0)
    line = ("\n", {"\n": 0.5, "no": 0.1})
    assert shares([line, ("yes", {"yes": 1.0})], ["yes", "no"])[0] == [0.833333, 0.166667]


def test_two_spellings_of_one_beginning_add_up():
    first = ("yes", {"yes": 0.5, "y": 0.1, " yes": 0.1, "no": 0.3})
    assert shares([first], ["yes", "no"]) == ([0.7, 0.3], 1.0)


def test_a_longer_token_is_another_answer():
    assert shares([("10", {"10": 0.9, "1": 0.06, "2\n": 0.04})], ["1", "2"]) == ([0.6, 0.4], 0.1)


def test_a_label_off_the_list_is_less_probable_than_all_on_it():
    first = ("yes", {"yes": 0.9, "sure": 0.05})
    assert shares([first], ["yes", "no"]) == ([0.947368, 0.052632], 0.9)


def test_without_any_label_all_are_equal():
    assert shares([("I", {"I": 1.0})], ["yes", "no"]) == ([0.5, 0.5], 0.0)


def test_labels_off_the_written_path_share_their_beginning():
    first = ("The", {"The": 0.6, "card": 0.4})
    assert shares([first], ["card_lost", "card_stolen"]) == ([0.5, 0.5], 0.4)


@pytest.mark.parametrize(
    ("labels", "expected"), [(["0", "1"], 2), (["card_lost", "card_stolen"], 7), (["é1", "é2"], 4)]
)
def test_as_many_tokens_are_asked_for_as_can_be_needed(labels, expected):
    assert tokens_needed(labels) == expected


def test_a_label_that_begins_another_is_refused():
    with pytest.raises(UnsupportedError, match="'good' begins 'good enough'"):
        check_labels(["bad", "good", "good enough"])
    check_labels(["good", "bad"])
