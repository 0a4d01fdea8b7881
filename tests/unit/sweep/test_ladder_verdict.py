"""The verdict on steps with unparsable answers, and on steps with two readings."""

from __future__ import annotations

from pathlib import Path

from report_records import made, predictions

from tunesmith.records import Prediction, Reading
from tunesmith.run import Run
from tunesmith.sweep.ladder_verdict import judge
from tunesmith.sweep.page import READ_AS
from tunesmith.sweep.records import LadderVerdict, Trial, TrialResult, in_common, lines_of

SHARES = {"+": 0.9, "-": 0.1}


def step(
    folder: Path, name: str, marks: str, answer: Reading = "text", decides: str | None = None
) -> TrialResult:
    """Run directory and result of a step that wrote ``marks`` and, by label scores, ``decides``."""
    tunes = name == "prompt_tuning"
    record, _ = made(tuned=marks if tunes else None, base=None if tunes else marks, alone=True)
    written = predictions("tuned" if tunes else "base", marks)
    answers = [_scored(p, mark) for p, mark in zip(written, decides or "", strict=False)] or written
    run = Run.at(folder / name, record.model_copy(update={"status": "completed", "answer": answer}))
    run.write_predictions([p.read_as(answer) or p for p in answers])
    own = record.evaluations[record.primary]
    return TrialResult(
        trial=Trial(
            name=name, backend="local", base_model="m", seed=0, experiment={}, directory=name,
            trains_base_model=tunes,
        ),
        status="done", evaluation=own, answer=answer, other_evaluation=own if decides else None,
    )  # fmt: skip


def _scored(prediction: Prediction, mark: str) -> Prediction:
    right = SHARES[mark]
    shares = {name: right if name == prediction.expected else 1 - right for name in ("0", "1")}
    return prediction.model_copy(update={"probabilities": shares})


def verdict(folder: Path, *steps: TrialResult) -> LadderVerdict:
    found = judge(folder, steps, None)
    assert found is not None
    return found


def test_tuning_is_worth_it_if_it_beats_the_steps_that_answer_with_labels(tmp_path: Path) -> None:
    zero = step(tmp_path, "zero_shot", "-" * 30 + "+" * 30)
    found = verdict(tmp_path, zero, step(tmp_path, "prompt_tuning", "+" * 60))
    assert found.sentence.startswith("Tuning is worth it: prompt_tuning (1.000) is shown to beat")
    assert found.settled


def test_a_difference_of_format_leaves_it_open(tmp_path: Path) -> None:
    zero = step(tmp_path, "zero_shot", "?" * 60)
    found = verdict(tmp_path, zero, step(tmp_path, "prompt_tuning", "+" * 60))
    assert found.lead == "Whether tuning is worth it is open"
    assert "zero_shot answers 60 times with no label: a difference of format" in found.why
    assert "beat" not in found.sentence
    assert not found.settled
    (one,) = found.comparisons
    assert one.line.startswith("a difference of format (-1.000, p < 0.0001)")
    # What gives no label is still not the step to take.
    assert found.recommended == "prompt_tuning"


def test_a_cheaper_step_without_a_result_leaves_it_open(tmp_path: Path) -> None:
    zero = step(tmp_path, "zero_shot", "-" * 60)
    tuned = step(tmp_path, "prompt_tuning", "+" * 60)
    found = verdict(tmp_path, TrialResult(trial=zero.trial), tuned)
    assert found.lead == "Whether tuning is worth it is open"
    assert found.why.endswith("but cheaper steps have no result: zero_shot")
    assert not found.settled
    skipped = TrialResult(trial=zero.trial, status="skipped", reason="not offered")
    assert verdict(tmp_path, skipped, tuned).lead == "Tuning is worth it"


def test_decisions_are_compared_if_all_steps_hold_them(tmp_path: Path) -> None:
    marks = "+" * 50 + "-" * 10
    zero = step(tmp_path, "zero_shot", "?" * 60, "decision", marks)
    tuned = step(tmp_path, "prompt_tuning", "+" * 60, "text", marks)
    found = verdict(tmp_path, zero, tuned)
    assert found.answer == "decision"
    assert found.lead == "You do not need tuning"
    assert "zero_shot (0.833)" in found.sentence
    assert "label" not in found.sentence


def test_text_is_compared_if_one_step_has_no_label_scores(tmp_path: Path) -> None:
    zero = step(tmp_path, "zero_shot", "-" * 30 + "+" * 30, "decision", "+" * 60)
    tuned = step(tmp_path, "prompt_tuning", "+" * 60)
    found = verdict(tmp_path, zero, tuned)
    assert found.answer == "text"
    assert "prompt_tuning (1.000) is shown to beat the only cheaper step" in found.why


def test_tables_show_the_reading_that_all_hold(tmp_path: Path) -> None:
    zero = step(tmp_path, "zero_shot", "?" * 60, "decision", "+" * 60)
    both = step(tmp_path, "prompt_tuning", "+" * 60, "text", "+" * 60)
    results, answer = in_common([zero, both])
    assert answer == "decision"
    assert [result.answer for result in results] == ["decision", "decision"]
    text_only = both.model_copy(update={"other_evaluation": None})
    results, answer = in_common([zero, text_only])
    assert (answer, [result.answer for result in results]) == ("text", ["text", "text"])
    assert len(lines_of([zero, text_only])) == 2
    neither = zero.model_copy(update={"other_evaluation": None})
    assert in_common([neither, text_only]) == ([neither, text_only], None)
    assert READ_AS[None] == ()
    assert "answer: decision" in READ_AS["decision"][0]
