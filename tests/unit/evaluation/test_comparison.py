"""The paired exact test decides, and claims no more than the rows support."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tunesmith import compare
from tunesmith.errors import RunError
from tunesmith.evaluation.comparison import Comparison, compare_seeds, correct
from tunesmith.records import Prediction
from tunesmith.run import Run

OLD_RUN = Path(__file__).parents[1] / "run-0.1.0"


def answers(said: str, start: int = 0) -> list[Prediction]:
    """One prediction for each character: ``+`` right, ``-`` wrong, ``?`` unparsable."""
    label = {"+": "1", "-": "0", "?": None}
    return [
        Prediction(
            row=start + i, model="tuned", input=f"row {i}", prompt="", text=str(label[c]),
            label=label[c], expected="1",
        )
        for i, c in enumerate(said)
    ]  # fmt: skip


def tutorial(shared: int) -> Comparison:
    """114 of 116 against 108 of 116, with ``shared`` errors in common."""
    first = "-" * 2 + "+" * 114
    second = "-" * shared + "+" * (2 - shared) + "-" * (8 - shared) + "+" * (106 + shared)
    return compare(answers(first), answers(second))


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
    assert (result.seeds, result.margins) == (1, {1: 1, -1: 1})


def test_unparsable_answers_are_wrong_and_counted_separately() -> None:
    result = compare(answers("+?-?"), answers("+++-"), ("a", "b"))
    assert (result.first_correct, result.first_unparsable, result.second_unparsable) == (1, 2, 0)
    assert "a 1/4 = 0.250 (2 unparsable) against b 3/4 = 0.750;" in result.line


def test_two_unparsable_answers_agree_but_not_on_being_right() -> None:
    result = compare(answers("?+"), answers("?+"))
    assert (result.first_correct, result.agreement) == (1, 1.0)


def test_agreement_and_kappa_by_hand() -> None:
    # Answers 1 1 0 ? against 1 0 0 1: the same on two rows of four; by chance
    # (2/4 * 2/4) + (1/4 * 2/4) + (1/4 * 0) = 3/8.
    result = compare(answers("++-?"), answers("+--+"))
    assert result.agreement == 0.5
    assert result.kappa == pytest.approx((0.5 - 3 / 8) / (1 - 3 / 8))


def test_kappa_is_undefined_if_both_always_give_the_same_answer() -> None:
    result = compare(answers("+++"), answers("+++"))
    assert (result.agreement, result.kappa) == (1.0, None)


@pytest.mark.parametrize(
    ("shared", "p", "verdict"),
    [
        (0, 0.109375, "not established"),
        (1, 0.0703125, "not established"),
        (2, 0.03125, "established"),
    ],
)
def test_the_tutorial_is_established_only_by_the_luckiest_overlap(
    shared: int, p: float, verdict: str
) -> None:
    result = tutorial(shared)
    assert (result.first_correct, result.second_correct, result.rows) == (114, 108, 116)
    assert result.p_value == pytest.approx(p)
    assert result.verdict == verdict
    assert result.interval is not None
    low, high = result.interval
    assert (low <= 0 <= high) == (verdict == "not established")


def test_the_line_is_complete() -> None:
    assert tutorial(0).line == (
        "not established: tuned 114/116 = 0.983 against base 108/116 = 0.931; "
        "difference +0.052, interval -0.002 to +0.116; only tuned right 8, only base right 2; "
        "exact McNemar p = 0.11; "
        "about 268 rows would show a difference of this size with 80 % power"
    )


def test_rows_are_needed_only_if_the_first_is_ahead_without_proof() -> None:
    ahead, behind = answers("+++-"), answers("++--")
    assert compare(ahead, behind).rows_needed is not None
    assert compare(behind, ahead).rows_needed is None
    assert compare(ahead, ahead).rows_needed is None
    assert compare(answers("+" * 20), answers("-" * 20)).rows_needed is None


def test_order_does_not_matter() -> None:
    a, b = answers("+-+"), answers("++-")
    assert compare(a[::-1], b) == compare(a, b)


def test_json_both_ways() -> None:
    for result in (tutorial(0), *correct([tutorial(0), tutorial(2)])):
        assert Comparison.from_json(result.to_json()) == result


def test_one_seed_is_several_seeds_of_one() -> None:
    a, b = answers("+-+?"), answers("++--")
    assert compare_seeds([a], [b]) == compare(a, b)


def test_several_seeds_give_more_information_per_row_and_not_more_rows() -> None:
    better = [answers("+" * 20), answers("+" * 18 + "--"), answers("+" * 20)]
    worse = [answers("+" * 10 + "-" * 10), answers("+" * 10 + "-" * 9 + "?"), answers("-" * 20)]
    result = compare_seeds(better, worse)
    assert (result.rows, result.seeds, result.first_correct, result.second_correct) == (
        20, 3, 58, 20,
    )  # fmt: skip
    assert result.difference == pytest.approx(38 / 60)
    assert result.margins == {1: 10, 3: 8, 2: 2}
    assert (result.first_only, result.second_only, result.second_unparsable) == (20, 0, 1)
    assert result.verdict == "established"
    assert "tuned 58/60 = 0.967 against base 20/60 = 0.333 (1 unparsable) (3 seeds, 20 rows)" in (
        result.line
    )
    assert "exact sign-flip and score test p = 0.00037" in result.line


def test_the_same_seed_again_is_no_evidence() -> None:
    a, b = answers("+" * 8 + "--" + "+" * 20), answers("-" * 8 + "++" + "+" * 20)
    again = compare_seeds([a, a, a], [b, b, b])
    assert again.p_value == pytest.approx(compare(a, b).p_value)
    assert again.interval == pytest.approx(compare(a, b).interval)


def test_the_order_of_the_seeds_does_not_matter() -> None:
    a, b = [answers("+-+"), answers("++-")], [answers("--+"), answers("?+-")]
    one, other = compare_seeds(a, b), compare_seeds(a[::-1], b)
    assert (one.p_value, one.agreement, one.kappa) == (other.p_value, other.agreement, other.kappa)


def test_holms_correction_can_revoke_a_verdict() -> None:
    found = [tutorial(2), tutorial(0), compare(answers("+" * 30), answers("-" * 30))]
    lucky, worst, clear = correct(found)
    assert [c.corrected_p for c in (lucky, worst, clear)] == pytest.approx(
        [2 * 0.03125, 0.109375, 3 * found[2].p_value]
    )
    assert (lucky.verdict, clear.verdict) == ("not established", "established")
    assert lucky.rows_needed is not None
    assert lucky.interval is not None
    assert lucky.interval[0] <= 0
    assert clear.interval is not None
    assert clear.interval[0] > 0
    assert "p = 0.031, Holm p = 0.062" in lucky.line


def test_one_comparison_needs_no_correction() -> None:
    (alone,) = correct([tutorial(2)])
    assert alone == tutorial(2).model_copy(update={"corrected_p": tutorial(2).p_value})


def test_other_rows_are_refused_with_the_difference() -> None:
    with pytest.raises(RunError, match="a has 2 rows and b 3"):
        compare(answers("++"), answers("+++"), ("a", "b"))
    with pytest.raises(RunError, match="different rows: row 0 and 1"):
        compare(answers("++"), answers("++", start=1))
    other = [p.model_copy(update={"input": "another"}) for p in answers("++")]
    with pytest.raises(RunError, match="input 'row 0' and 'another'"):
        compare(answers("++"), other)
    turned = [p.model_copy(update={"expected": "0"}) for p in answers("++")]
    with pytest.raises(RunError, match=r"another seed of tuned .* expected '1' and '0'"):
        compare_seeds([answers("++"), turned], [answers("++"), answers("++")])
    with pytest.raises(RunError):
        compare([], [])


def test_another_number_of_seeds_is_refused() -> None:
    with pytest.raises(RunError, match="tuned has 2 seeds and base 1"):
        compare_seeds([answers("+"), answers("-")], [answers("+")])
    with pytest.raises(RunError, match="0 seeds"):
        compare_seeds([], [])


def test_a_run_of_the_first_release_is_read_without_invented_values(tmp_path: Path) -> None:
    shutil.copytree(OLD_RUN, tmp_path / "run")
    run = Run.load(tmp_path / "run")
    old = run.record.baselines[0].comparison
    assert (old.p_value, old.verdict, old.seeds) == (0.5, "not established", 1)
    assert (old.interval, old.agreement, old.kappa, old.rows_needed) == (None, None, None, None)
    assert "interval" not in old.line
    found = compare(run.answers("tuned"), run.answers("base"))
    assert run.record.comparison is not None
    kept = {field: getattr(found, field) for field in run.record.comparison.model_fields_set}
    assert kept == {field: getattr(run.record.comparison, field) for field in kept}


def test_margins_of_an_old_record_are_those_of_one_seed() -> None:
    old = Run.load(OLD_RUN).record.baselines[0].comparison
    assert old.margins == {1: 2}


def test_a_run_of_another_version_is_refused_with_the_reason(tmp_path: Path) -> None:
    shutil.copytree(OLD_RUN, tmp_path / "run")
    record = tmp_path / "run" / "run.json"
    record.write_text(record.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(RunError, match="schema version 2; this tunesmith reads 1"):
        Run.load(tmp_path / "run")
