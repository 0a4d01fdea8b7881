"""The paired exact test decides, and says no more than the rows allow."""

from __future__ import annotations

import pytest

from tunesmith import compare
from tunesmith.comparison import mcnemar_exact
from tunesmith.errors import RunError
from tunesmith.records import Prediction


def answers(rights: str, start: int = 0) -> list[Prediction]:
    """One prediction for each character: ``+`` right, ``-`` wrong, ``?`` unparsable."""
    label = {"+": "1", "-": "0", "?": None}
    return [
        Prediction(
            row=start + i, model="tuned", input=f"row {i}", prompt="", text=str(label[c]),
            label=label[c], expected="1",
        )
        for i, c in enumerate(rights)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first_only", "second_only", "p"),
    # The tutorial's 114 against 108 of 116, from the luckiest overlap of errors to the worst.
    [(6, 0, 2 * 0.5**6), (7, 1, 2 * 9 * 0.5**8), (8, 2, 2 * 56 * 0.5**10), (0, 0, 1.0)],
)
def test_p_is_a_fair_coin_over_discordant_rows(first_only: int, second_only: int, p: float) -> None:
    assert mcnemar_exact(first_only, second_only) == pytest.approx(p)


def test_established_not_established_and_wrong_direction() -> None:
    better, worse = answers("+" * 20), answers("+" * 10 + "-" * 10)
    assert compare(better, worse).verdict == "established"
    assert compare(worse, better).verdict == "wrong direction"
    assert compare(answers("+++-"), answers("++--")).verdict == "not established"


def test_counts_and_disagreements() -> None:
    result = compare(answers("++-?"), answers("+--+"), ("a", "b"))
    assert (result.first_correct, result.second_correct) == (2, 2)
    assert (result.first_only, result.second_only, result.difference) == (1, 1, 0.0)
    assert [(d.row, d.first_is_right) for d in result.disagreements] == [(1, True), (3, False)]
    assert "a 2/4 against b 2/4" in result.line


def test_two_unparsable_answers_do_not_agree_on_being_right() -> None:
    assert compare(answers("?"), answers("?")).first_correct == 0


def test_order_does_not_matter() -> None:
    a, b = answers("+-+"), answers("++-")
    assert compare(a[::-1], b) == compare(a, b)


def test_other_rows_are_refused() -> None:
    with pytest.raises(RunError, match="2 rows and b 3"):
        compare(answers("++"), answers("+++"), ("a", "b"))
    with pytest.raises(RunError, match="different rows"):
        compare(answers("++"), answers("++", start=1))
    with pytest.raises(RunError):
        compare([], [])
