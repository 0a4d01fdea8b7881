"""The first line of a run is about its strongest opponent, and nobody can overturn it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_records import YES_NO, made, predictions, rights

from tunesmith.evaluation.comparison import compare
from tunesmith.evaluation.metrics import evaluate
from tunesmith.labels import LabelSet
from tunesmith.records import ModelRole, Prediction
from tunesmith.run import Run
from tunesmith.runs.judgment import Judgment, judge
from tunesmith.runs.record import Baseline, OtherReading, RunRecord


def untuned(own: list[Prediction], marks: str) -> Baseline:
    """The untuned model's decision beside a run about text."""
    answers = predictions("base", marks)
    return Baseline(
        method="zero_shot", evaluation=evaluate(answers, YES_NO), seconds=1.0,
        comparison=compare(own, answers, ("tuned", "zero_shot")),
    )  # fmt: skip


def of(tuned: str, base: str | None = None, cheap: str | None = None, **changes: Any) -> Judgment:
    return judge(run(tuned, base, cheap, **changes))


def run(
    tuned: str, base: str | None = None, cheap: str | None = None, decides: str | None = None,
    **changes: Any,
) -> RunRecord:  # fmt: skip
    record, answers = made(tuned, base, cheap, **{"base_input": "same", **changes})
    if decides is None:
        return record
    own = [p for p in answers if p.model == "tuned"]
    return record.model_copy(update={"baselines": (*record.baselines, untuned(own, decides))})


def by_scores(**marks: str) -> OtherReading:
    roles: tuple[ModelRole, ...] = ("tuned", "base")
    sides = {role: predictions(role, marks[role]) for role in roles if role in marks}
    return OtherReading(
        answer="decision", evaluations={role: evaluate(p, YES_NO) for role, p in sides.items()}
    )


# Three runs whose reports once had the verdict "Established".


def test_banking_intents_that_tf_idf_separates_better() -> None:
    found = of(rights(300, 99, 1), "?" * 300, rights(300, 12, 2))
    assert found.headline == "Not worth it: TF-IDF (0.960) beats the tuned model (0.670)."
    assert found.tone == "bad"


def test_departments_on_which_the_untuned_model_gives_no_label() -> None:
    found = of(rights(125, 83, 1), "?" * 125, rights(125, 59, 2))
    assert found.headline == "Not worth it: TF-IDF (0.528) beats the tuned model (0.336)."


def test_a_tuned_model_that_is_below_majority_because_it_gives_no_label() -> None:
    # Rows 1, 3, 5 … have the label '1'; majority answers '0' and is right on the others.
    tuned = "".join("+" if i < 10 else "?" if i < 91 else "-" for i in range(100))
    found = of(tuned, "?" * 100, "+" * 20 + "-" * 80)
    assert not found.headline.startswith("Established")
    assert found.lead == "A difference of format:"
    assert "81 of 100 answers of the tuned model are no label" in found.sentence
    assert "beats" not in found.headline
    assert found.tone == "bad"


# Which opponent it is about, and in which words.


def test_established_over_all_of_them() -> None:
    found = of("+" * 90 + "-" * 10, rights(100, 40, 1), rights(100, 35, 2))
    assert found.headline == "Established over the untuned model and TF-IDF."
    assert found.tone == "good"


def test_majority_is_named_only_if_there_is_no_other_baseline() -> None:
    record = run("+" * 40, cheap="+" * 30 + "-" * 10)
    (majority,) = (b for b in record.baselines if b.method == "majority")
    alone = record.model_copy(update={"baselines": (majority,)})
    assert judge(alone).headline == "Established over always saying '0'."
    assert judge(record).headline == "Established over TF-IDF."


def test_a_base_model_that_read_the_bare_input_is_called_so() -> None:
    found = of("+" * 40, "-" * 20 + "+" * 20, base_input="bare")
    assert found.headline == "Established over the untuned model on the bare input."


@pytest.mark.parametrize(
    ("tuned", "base", "headline"),
    [
        (rights(300, 72, 1), rights(300, 70, 2),
         "Tuning added nothing: the untuned model answers as well (0.767 against 0.760)."),
        (rights(300, 70, 1), rights(300, 70, 2),
         "Tuning added nothing: the untuned model answers as well (0.767 against 0.767)."),
        (rights(300, 60, 1), rights(300, 70, 2),
         "Not established: these 300 rows do not show that tuning added anything "
         "(tuned 0.800, untuned 0.767)."),
        (rights(300, 100, 1), rights(300, 40, 2),
         "Not worth it: the untuned model (0.867) beats the tuned model (0.667)."),
    ],
)  # fmt: skip
def test_against_the_untuned_model(tuned: str, base: str, headline: str) -> None:
    found = of(tuned, base, rights(300, 140, 5))
    assert found.headline == headline
    assert (found.rows_needed is not None) == ("Not established" in headline)


@pytest.mark.parametrize(
    ("tuned", "cheap", "headline"),
    [
        (78, 76, "Not worth it: TF-IDF (0.747) does as well as the tuned model (0.740)."),
        (76, 76, "Not worth it: TF-IDF (0.747) does as well as the tuned model (0.747)."),
        (75, 76, "Not established: the tuned model (0.750) is not shown to beat TF-IDF (0.747)."),
    ],
)
def test_against_tf_idf(tuned: int, cheap: int, headline: str) -> None:
    assert (
        of(rights(300, tuned, 1), rights(300, 200, 3), rights(300, cheap, 2)).headline == headline
    )


def test_against_the_majority_class() -> None:
    found = of("-+" * 20, "-" * 40, "-" * 40)
    assert found.headline == (
        "Not worth it: the tuned model (0.500) does no better than always saying '0' (0.500)."
    )


def test_the_most_accurate_opponent_comes_first_and_a_beating_before_all() -> None:
    found = of(rights(100, 40, 1), rights(100, 30, 2), rights(100, 5, 3))
    assert [o.name for o in found.opponents] == ["TF-IDF", "the untuned model", "always saying '0'"]
    assert found.opponent == found.opponents[0]
    assert found.headline.startswith("Not worth it: TF-IDF (0.950) beats")


def test_a_prompted_model_has_majority_and_tf_idf_as_opponents() -> None:
    record, _ = made(None, "+" * 36 + "-" * 4, "-+" * 20)
    assert judge(record).headline == "Established over TF-IDF."
    record, _ = made(None, "-+" * 20, "+" * 38 + "-" * 2)
    assert judge(record).headline == (
        "Not worth it: TF-IDF (0.950) beats the prompted model (0.500)."
    )


def test_a_run_without_opponents_is_measured_not_compared() -> None:
    found = of("+" * 30 + "-" * 10)
    assert found.headline == "Measured, not compared: the tuned model is right on 30 of 40 rows."
    assert (found.opponents, found.opponent, found.own) == ((), None, None)


def test_a_run_without_evaluation_has_a_note() -> None:
    record = run("+-").model_copy(update={"evaluations": {}, "status": "failed"})
    assert judge(record).headline == "Not evaluated: the run is failed."


# Holm at the border: 13 rows against 3 give p = 0.021, which is < 0.05 once and not three times.


def test_established_takes_the_corrected_p() -> None:
    tuned = "+" * 97 + "-" * 3
    base = "-" * 13 + "+" * 87
    alone = of(tuned, base)
    assert alone.opponents[0].p_value == pytest.approx(0.0213, abs=1e-4)
    assert alone.headline == "Established over the untuned model."
    three = of(tuned, base, "-" * 13 + "+" * 87)
    assert [o.corrected_p for o in three.opponents[:2]] == pytest.approx([0.0425, 0.0425], abs=1e-4)
    assert three.headline == "Established over the untuned model and TF-IDF."
    four = run(tuned, base, "-" * 13 + "+" * 87, decides="-" * 13 + "+" * 87)
    assert [o.verdict for o in judge(four).opponents[:3]] == ["not established"] * 3
    assert judge(four).headline.startswith("Not established: these 100 rows do not show")


# A difference of format is none of judgment.


def test_an_untuned_model_that_gives_no_label_is_not_beaten() -> None:
    found = of("+" * 60 + "-" * 20, "?" * 80, "-" * 50 + "+" * 30)
    assert found.headline == (
        "A difference of format: the untuned model answers with no label 80 of 80 times; nothing "
        "here shows what tuning added to the task."
    )
    assert found.opponent is not None
    assert (found.opponent.verdict, found.opponent.by_format) == ("established", True)


def test_a_few_unparsable_answers_do_not_change_the_verdict() -> None:
    found = of("+" * 60 + "-" * 20, "?" * 2 + "-" * 38 + "+" * 20 + "-" * 20)
    assert found.headline == "Established over the untuned model."
    assert not found.opponents[0].by_format


def test_the_decision_of_the_untuned_model_answers_for_its_text() -> None:
    tuned = rights(300, 72, 1)
    nothing = judge(run(tuned, "?" * 300, rights(300, 140, 3), decides=rights(300, 70, 2)))
    assert nothing.headline == (
        "Tuning added nothing: the untuned model decides as well (0.767 against 0.760)."
    )
    much = judge(run("+" * 300, "?" * 300, rights(300, 140, 3), decides=rights(300, 70, 2)))
    assert much.headline == "Established over the untuned model and TF-IDF."


def test_a_tuned_model_that_label_scores_put_ahead_is_not_called_worse() -> None:
    tuned, base = "+" * 40 + "?" * 8 + "-" * 12, "+" * 30 + "-" * 18 + "+" * 12
    assert of(tuned, base).lead == "Tuning added nothing:"
    scored = by_scores(tuned="+" * 45 + "-" * 15, base=base)
    found = of(tuned, base, other_reading=scored)
    assert found.lead == "A difference of format:"
    assert "8 of 60 answers of the tuned model are no label" in found.sentence


def test_a_decision_is_never_a_matter_of_format() -> None:
    found = of("+" * 60, "-" * 40 + "+" * 20, answer="decision", other_reading=None)
    assert not any(o.by_format for o in found.opponents)
    assert of("+-" * 20, "+" * 40, answer="decision").lead == "Not worth it:"


def test_a_record_of_before_is_counted_from_its_rows() -> None:
    record = run("+" * 60 + "-" * 20, "?" * 80)
    assert record.comparison is not None
    old = record.comparison.model_copy(update={"labeled": None})
    assert judge(record.model_copy(update={"comparison": old})) == judge(record)
    older = old.model_copy(update={"second_unparsable": None, "first_unparsable": None})
    assert judge(record.model_copy(update={"comparison": older})).lead == "A difference of format:"
    fair = run("+" * 60, "-" * 40 + "+" * 20)
    assert judge(fair).headline == "Established over the untuned model."


def test_a_run_of_the_first_release() -> None:
    record = Run.load(Path(__file__).parents[1] / "run-0.1.0").record
    assert judge(record).headline == (
        "Tuning added nothing: the untuned model on the bare input answers as well "
        "(1.000 against 1.000)."
    )


def test_a_p_that_is_too_small_for_a_float_is_judged() -> None:
    found = of("+" * 1200, "-" * 1200, "-" * 600 + "+" * 600)
    assert found.opponents[-1].p_value == 0.0
    assert found.headline == "Established over the untuned model and TF-IDF."


def test_long_labels_do_not_fill_the_line() -> None:
    labels = LabelSet.model_validate(["a" * 300, "b"])
    record, _ = made("-" * 40, None, "-" * 40, labels=labels)
    assert len(judge(record).headline) < 160
