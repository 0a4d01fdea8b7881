"""The diagnosis of a run: problems with numbers and the next command, or none."""

from __future__ import annotations

import shlex
from itertools import pairwise
from typing import Any

import pytest
from report_records import made, predictions

from tunesmith.evaluation.metrics import evaluate
from tunesmith.experiment_file import apply_overrides, parse_overrides
from tunesmith.labels import LabelSet
from tunesmith.records import EpochLoss, LearningCurve, Prediction, StepLoss
from tunesmith.runs.diagnosis import Symptom, diagnose, diagnose_curve
from tunesmith.runs.record import RunRecord
from tunesmith.runs.unparsed import setting_text, ways_of

SETTINGS = {"learning_rate": 0.3, "num_epochs": 4, "accumulate_steps": 1}
MOOD = LabelSet.model_validate(["positive", "negative"])


def curve(*losses: float, steps: int = 100, best: int | None = None) -> LearningCurve:
    return LearningCurve(
        steps=tuple(
            StepLoss(step=i + 1, epoch=1, loss=9.0 - 8.0 * i / steps) for i in range(steps)
        ),
        epochs=tuple(EpochLoss(epoch=i + 1, loss=loss) for i, loss in enumerate(losses)),
        best_epoch=best,
    )


def kinds(found: tuple[Symptom, ...]) -> list[str]:
    return [symptom.kind for symptom in found]


def overrides(symptom: Symptom) -> dict[str, Any]:
    """Read the command as the command line does."""
    words = shlex.split(symptom.command)
    return parse_overrides([b for a, b in pairwise(words) if a == "--set"])


# The learning curve.


@pytest.mark.parametrize(
    ("losses", "kind"),
    [
        ((2.0, 1.5, 1.0), None),
        ((2.0, 1.95), None),
        ((2.0, 1.97), "loss is flat"),
        ((2.0, 2.03), "loss is flat"),
        ((2.0, 1.2, 2.1), "loss rose"),
        ((2.0, 2.4), "loss rose"),
        ((2.0,), None),
    ],
)
def test_first_and_last_epoch_are_held_against_one_another(
    losses: tuple[float, ...], kind: str | None
) -> None:
    assert kinds(diagnose_curve(curve(*losses), SETTINGS)) == ([kind] if kind else [])


def test_a_flat_loss_needs_more_steps_or_a_higher_rate() -> None:
    (few,) = diagnose_curve(curve(2.0, 2.0, steps=8), {**SETTINGS, "accumulate_steps": 16})
    assert overrides(few) == {"method.accumulate_steps": 1}
    (few,) = diagnose_curve(curve(2.0, 2.0, steps=8), SETTINGS)
    assert overrides(few) == {"method.num_epochs": 16}
    (many,) = diagnose_curve(curve(2.0, 2.0), {**SETTINGS, "learning_rate": 0.0005})
    assert overrides(many) == {"method.learning_rate": 0.005}
    assert "from 2 to 2 in 2 epochs" in many.seen


def test_a_rising_loss_needs_a_lower_rate() -> None:
    (rose,) = diagnose_curve(curve(1.0, 1.5), SETTINGS)
    assert overrides(rose) == {"method.learning_rate": 0.03}
    assert "ended higher than it began" in rose.seen


def test_one_epoch_is_judged_by_its_steps() -> None:
    losses = [1.0] * 10 + [1.5] * 10
    steps = tuple(StepLoss(step=i + 1, epoch=1, loss=x) for i, x in enumerate(losses))
    assert kinds(diagnose_curve(LearningCurve(steps=steps), SETTINGS)) == ["loss rose"]
    falls = tuple(StepLoss(step=i + 1, epoch=1, loss=x) for i, x in enumerate(losses[::-1]))
    assert diagnose_curve(LearningCurve(steps=falls), SETTINGS) == ()
    assert diagnose_curve(LearningCurve(steps=steps[:4]), SETTINGS) == ()


def jumping(*steps: float, epochs: tuple[float, ...] = ()) -> LearningCurve:
    return LearningCurve(
        steps=tuple(StepLoss(step=i + 1, epoch=1, loss=loss) for i, loss in enumerate(steps)),
        epochs=tuple(EpochLoss(epoch=i + 1, loss=loss) for i, loss in enumerate(epochs)),
    )


# As LoRA with a learning rate of 0.1 and 0.5 destroys a small model.
ASTRAY = (7.3, 17.0, 6.8, 14.8, 10.4, 8.0, 14.6, 10.0, 6.7, 4.3, 2.5, 2.8)


@pytest.mark.parametrize(
    ("curve", "kinds_of_it"),
    [
        (jumping(*ASTRAY, epochs=(11.5, 10.8, 4.1)), ["loss rose"]),
        (jumping(*ASTRAY, epochs=(11.5, 11.5, 11.5)), ["loss rose"]),
        (jumping(7.3, 1.1, 18.1, 9.3, epochs=(8.9,)), ["loss rose"]),
        (jumping(7.3, 1.1, 18.1, 9.3), ["loss rose"]),
        (jumping(*ASTRAY, epochs=(11.5, 4.1, 0.1)), []),
        (jumping(7.3, 2.7, 0.5, 1.2, epochs=(2.9, 0.9)), []),
        (jumping(1.0, 1.4, 1.3, 1.2, epochs=(1.3, 1.1)), []),
    ],
)
def test_a_model_that_too_large_steps_destroyed_has_jumped(
    curve: LearningCurve, kinds_of_it: list[str]
) -> None:
    found = diagnose_curve(curve, SETTINGS)
    assert kinds(found) == kinds_of_it
    for symptom in found:
        assert "jumped from 7.3 to 1" in symptom.seen
        assert overrides(symptom) == {"method.learning_rate": 0.03}


def test_the_best_epoch_is_the_first() -> None:
    assert kinds(diagnose_curve(curve(2.0, 1.0, best=1), SETTINGS)) == ["best epoch is the first"]
    assert diagnose_curve(curve(2.0, 1.0, best=2), SETTINGS) == ()
    assert diagnose_curve(curve(2.0, best=1), SETTINGS) == ()


def test_a_method_without_a_rate_sends_to_the_data() -> None:
    (rose,) = diagnose_curve(curve(1.0, 1.5), {})
    assert rose.command == "tunesmith audit FILE"


# The answers.


def sound(tuned: str, base: str | None = None, **changes: Any) -> tuple[Symptom, ...]:
    record, answers = made(tuned, base, **changes)
    return diagnose(record, answers)


def test_a_sound_run_has_no_symptom() -> None:
    assert sound("+" * 30 + "-" * 10, "+" * 20 + "-" * 20) == ()


def test_below_majority() -> None:
    (found,) = sound("+" * 19 + "-" * 21)
    assert found.kind == "below majority"
    assert "right on 19 of 40 rows, always saying one label on 20" in found.seen
    assert sound("+" * 20 + "-" * 20) == ()


def test_one_label_always_is_named_with_how_many_have_it() -> None:
    (found,) = sound("+-" * 20)
    assert found.kind == "one label always"
    assert "answers '0' on 40 of 40 rows; 20 have that label" in found.seen
    assert "method.learning_rate" in overrides(found)
    assert sound("+-" * 17 + "++++++") == ()


def test_a_label_that_nearly_all_rows_have_may_be_the_answer_nearly_always() -> None:
    record, answers = made("+" * 40)
    mostly = [p.model_copy(update={"expected": "0", "label": "0", "text": "0"}) for p in answers]
    evaluations = {"tuned": evaluate(mostly, LabelSet.model_validate(["0", "1"]))}
    assert diagnose(record.model_copy(update={"evaluations": evaluations}), mostly) == ()


def test_the_majority_class_itself_is_no_symptom() -> None:
    record, answers = made("+-" * 20)
    experiment = {**record.experiment, "method": {"name": "majority"}}
    assert diagnose(record.model_copy(update={"experiment": experiment}), answers) == ()


# Answers that are no label.


def written(said: str, marks: str = "+++??", **changes: Any) -> tuple[RunRecord, list[Prediction]]:
    record, _ = made(marks, labels=MOOD, **changes)
    return record, predictions("tuned", marks, MOOD, said=said)


def test_over_a_fifth_without_a_label_shows_three_of_them() -> None:
    (found,) = diagnose(*written("I think so", "+" * 15 + "?" * 5))
    assert found.kind == "no label"
    assert "5 of 20 answers that the tuned model wrote are no label." in found.seen
    assert found.answers == ("I think so",)
    assert diagnose(*written("I think so", "+" * 16 + "?" * 4)) == ()


def test_an_answer_that_a_reader_takes_for_a_label_is_always_reported() -> None:
    (found,) = diagnose(*written("Positive.", "+" * 39 + "?"))
    assert overrides(found)["labels"]["positive"] == ["positive", "Positive."]


def test_with_decisions_the_written_text_is_less_important() -> None:
    record, answers = written("I think so")
    shares = {"positive": 0.7, "negative": 0.3}
    decided = [p.model_copy(update={"probabilities": shares}) for p in answers]
    (found,) = diagnose(record, decided)
    assert overrides(found) == {"answer": "decision"}
    read = [q for p in decided if (q := p.read_as("decision"))]
    (found,) = diagnose(record.model_copy(update={"answer": "decision"}), read)
    assert "the verdict is about decisions, not about these" in found.seen
    assert "answer=decision" not in found.command


def test_a_decision_fixes_many_kinds_of_answers_and_one_needs_a_setting() -> None:
    record, _ = made("?" * 10, labels=MOOD)
    shares = {"positive": 0.7, "negative": 0.3}
    blank = predictions("tuned", "?" * 10, MOOD)
    for stopped, setting in ((5, "answer"), (9, "generation.stop_sequences")):
        texts = ["positive\nand"] * stopped + ["Mood"] * (10 - stopped)
        answers = [
            p.model_copy(update={"text": text, "probabilities": shares})
            for p, text in zip(blank, texts, strict=True)
        ]
        (found,) = (s for s in diagnose(record, answers) if s.kind == "no label")
        assert list(overrides(found)) == [setting]
        assert found.answers == ("positive\nand", "Mood")


def test_rows_that_end_in_a_line_break_need_none_in_the_template() -> None:
    record, answers = written("I think so")
    method = {"name": "prompt_tuning", "verbalizer": "{{input}}"}
    model = record.model.model_copy(update={"method": method})  # type: ignore[union-attr]
    record = record.model_copy(update={"model": model})
    (found,) = (s for s in diagnose(record, answers) if s.kind == "no label")
    assert overrides(found) == {"method.verbalizer": "{{input}}\n"}
    ended = [p.model_copy(update={"input": f"{p.input}\n"}) for p in answers]
    (found,) = (s for s in diagnose(record, ended) if s.kind == "no label")
    assert "method.verbalizer" not in overrides(found)


def test_a_base_model_on_the_bare_input_is_given_the_template() -> None:
    (found,) = sound("+" * 20, "?" * 20)
    assert (found.role, overrides(found)) == ("base", {"base_input": "same"})


# The ways, for text alone.


@pytest.mark.parametrize(
    ("text", "kind", "settings"),
    [
        (" positive\n\nThe", "goes on", {"generation.stop_sequences": ["\n"]}),
        ("positive because it", "runs on", {"answer": "decision"}),
        ("Positive", "other form", "positive"),
        ("'negative'.", "other form", "negative"),
        ("- positive", "other form", "positive"),
        ("The mood is positive here", "inside", {"answer": "decision"}),
        ("  \n", "empty", {"answer": "decision"}),
        ("I like trains", "other", {"answer": "decision"}),
        ("positively", "other", {"answer": "decision"}),
    ],
)
def test_each_way_has_its_remedy(text: str, kind: str, settings: Any) -> None:
    (way,) = ways_of([text], MOOD)
    assert (way.kind, way.count, way.example) == (kind, 1, text)
    if isinstance(settings, str):
        assert way.settings["labels"][settings] == [settings, text.strip()]
    else:
        assert way.settings == settings


def test_the_setting_of_a_remedy_reads_the_answer_as_a_label() -> None:
    texts = [" positive\n\nThe", " Negative.\nThe", "'positive'"]
    for way in ways_of(texts, MOOD):
        read = parse_overrides(
            [shlex.split(setting_text(k, v))[0] for k, v in way.settings.items()]
        )
        values = apply_overrides({"labels": ["positive", "negative"]}, read)
        labels = LabelSet.model_validate(values["labels"])
        stops = values.get("generation", {}).get("stop_sequences", [])
        corrected = [
            _stopped(text, stops) for text in texts if ways_of([text], MOOD)[0].kind == way.kind
        ]
        assert all(labels.parse(text) for text in corrected), way


def _stopped(text: str, stops: list[str]) -> str:
    for stop in stops:
        text = text.partition(stop)[0]
    return text


def test_ways_are_counted_the_commonest_first() -> None:
    found = ways_of(["positive\nno", "", "positive\nyes", "positive"], MOOD)
    assert [(way.kind, way.count) for way in found] == [("goes on", 2), ("empty", 1)]
    assert found[0].line == (
        "2 begin with a label and continue behind a line break: stop after the label, "
        """--set 'generation.stop_sequences=["\\n"]'"""
    )


def test_without_label_scores_the_template_is_ended_in_a_line_break() -> None:
    template = ("method.template", "It's: {{input}} Mood:")
    (way,) = ways_of(["I like it"], MOOD, decides=False, template=template)
    text = shlex.split(way.line.partition("--set ")[2])[0]
    assert parse_overrides([text]) == {"method.template": "It's: {{input}} Mood:\n"}
    (way,) = ways_of(["I like it"], MOOD, decides=False, template=("method.template", "a\n"))
    assert (way.settings, way.line) == ({}, "1 name no label")


def test_a_label_that_is_the_beginning_of_another_is_distinguished() -> None:
    labels = LabelSet.model_validate(["neg", "neg plus"])
    (way,) = ways_of(["Neg plus\nmore"], labels)
    assert way.settings["labels"] == {"neg": ["neg"], "neg plus": ["neg plus", "Neg plus"]}


def test_a_step_repeats_its_own_method() -> None:
    record, answers = made("+-" * 20, alone=True)
    (found,) = diagnose(record, answers)
    method = overrides(found)["method"]
    assert (method["name"], method["num_epochs"]) == ("prompt_tuning", 12)
    assert method["learning_rate"] == pytest.approx(0.03)
