"""Templates and label words that are tried, and which of them is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from tunesmith.backend import Predictor, Target
from tunesmith.cli.init import Asked, experiment_text
from tunesmith.dataset import DataSpec
from tunesmith.errors import ExperimentError
from tunesmith.labels import LabelSet
from tunesmith.pipeline.wording import (
    EXAMPLES,
    Choice,
    Tried,
    Wording,
    candidate_templates,
    candidate_words,
    choose_wording,
    forms,
)
from tunesmith.records import Classification, Message, Reading, Row
from tunesmith.spec import TuningSpec
from tunesmith.testing.fake import FakeBackend, FakePredictor

ROWS = [Row(input=f"{word} {i}", output="1" if word == "good" else "0")
        for i in range(6) for word in ("good", "bad")]  # fmt: skip


class Talking(FakePredictor):
    """Scores fixed words by the text after ``Sentiment:``; it can write ``writable`` only."""

    writable: tuple[str, ...] = ("negative", "positive", "0", "1")
    asked: list[tuple[str, tuple[str, ...]]]

    def check_answers(self, spec: TuningSpec, prompts: Sequence[str], answer: Reading) -> None:
        labels = map(spec.labels.surface, spec.labels)
        unknown = [label for label in labels if label not in self.writable]
        if unknown:
            raise ExperimentError(f"labels: {unknown[0]!r} does not come back from the tokenizer")

    def chat_text(self, base_model: str, messages: Sequence[Message]) -> str | None:
        return f"<user>{messages[-1].content}</user>"

    def classify(
        self, target: Target, inputs: Sequence[str], labels: Iterable[str]
    ) -> list[Classification]:
        words = tuple(labels)
        self.asked.append((inputs[0], words))
        return [Classification(probabilities=self._shares(text, words)) for text in inputs]

    def _shares(self, text: str, words: tuple[str, ...]) -> dict[str, float]:
        said = "positive" if "good" in text and text.endswith("Sentiment:") else "negative"
        return {word: 0.9 if word == said else 0.1 / len(words) for word in words}


class Chatty(FakeBackend):
    """Has a chat template, and a predictor that talks."""

    declares: ClassVar[Mapping[str, Any]] = {"chat": True}

    def __init__(self) -> None:
        super().__init__()
        self.talking = Talking(self)
        self.talking.asked = []

    @property
    def predictor(self) -> Predictor:
        return self.talking


@pytest.fixture
def backend() -> Chatty:
    return Chatty()


def test_codes_get_the_words_that_decide_best(backend: Chatty) -> None:
    choice = choose_wording(backend, "tunesmith/fake", ROWS, ["0", "1"])
    best = choice.best
    assert (best.correct, choice.rows) == (12, 12)
    assert best.wording.template == "Review: {{input}}\nSentiment:"
    assert best.wording.words == {"0": "negative", "1": "positive"}
    assert forms(best.wording.words) == {"0": ["negative", "0"], "1": ["positive", "1"]}
    # A tuned model's answer begins a line, with the words that were chosen.
    tuned = choice.best_tuned
    assert tuned is not None
    assert tuned.wording.template == "Review: {{input}}\nSentiment:\n"
    assert tuned.wording.words == best.wording.words


def test_a_label_keeps_its_meaning_if_the_words_are_tried_the_other_way_round(
    backend: Chatty,
) -> None:
    swapped = [row.model_copy(update={"output": "0" if row.output == "1" else "1"}) for row in ROWS]
    choice = choose_wording(backend, "tunesmith/fake", swapped, ["0", "1"])
    assert choice.best.wording.words == {"0": "positive", "1": "negative"}
    assert choice.best.correct == 12


def test_words_that_the_model_cannot_write_are_not_tried(backend: Chatty) -> None:
    choice = choose_wording(backend, "tunesmith/fake", ROWS, ["0", "1"])
    said = {word for one in choice.tried for word in one.wording.words.values()}
    assert said == {"negative", "positive", "0", "1"}
    backend.talking.writable = ()
    with pytest.raises(ExperimentError, match="give words of your own under labels"):
        choose_wording(backend, "tunesmith/fake", ROWS, ["0", "1"])


def test_all_words_of_a_template_are_asked_together_and_chat_last(backend: Chatty) -> None:
    choose_wording(backend, "tunesmith/fake", ROWS, ["0", "1"])
    prompts = [prompt for prompt, _ in backend.talking.asked]
    assert len(prompts) == len(set(prompts)) == len(list(candidate_templates(["0", "1"], True)))
    assert prompts[-1].startswith("<user>")
    assert all(set(words) == set(backend.talking.writable) for _, words in backend.talking.asked)


def test_at_most_as_many_rows_are_asked_as_were_allowed(backend: Chatty) -> None:
    choice = choose_wording(backend, "tunesmith/fake", ROWS, ["0", "1"], limit=5)
    assert choice.rows == 5
    many = [Row(input=f"text {i}", output=str(i % 2)) for i in range(500)]
    assert choose_wording(backend, "tunesmith/fake", many, ["0", "1"], limit=500).rows == 200


def test_the_same_rows_give_the_same_choice(backend: Chatty) -> None:
    first, second = (choose_wording(backend, "tunesmith/fake", ROWS, ["0", "1"]) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["ham", "spam"], [("ham", "spam"), ("Ham", "Spam")]),
        (
            ["card_arrival", "fee"],
            [
                ("card_arrival", "fee"), ("card arrival", "fee"), ("Card arrival", "Fee"),
                ("arrival", "fee"),
            ],
        ),
        (["A", "a"], [("A", "a")]),  # two labels never share a word
        (["1", "2", "3"], [("1", "2", "3")]),
        (
            ["0", "1"],
            [
                ("0", "1"), ("negative", "positive"), ("positive", "negative"), ("no", "yes"),
                ("yes", "no"),
            ],
        ),
    ],
)  # fmt: skip
def test_words_are_tried_as_they_are_first(
    labels: list[str], expected: list[tuple[str, ...]]
) -> None:
    tried = list(candidate_words(labels))
    assert [tuple(words.values()) for words in tried] == expected
    assert all(list(words) == labels for words in tried)
    for words in tried:
        LabelSet.model_validate(forms(words))


def test_the_distinctive_word_of_a_label_is_the_longest_that_the_fewest_labels_have() -> None:
    labels = ["cash_withdrawal_charge", "card_payment_charge", "cash_lost"]
    *_, last = candidate_words(labels)
    assert list(last.values()) == ["withdrawal", "payment", "lost"]
    assert forms(last)["cash_lost"] == ["lost", "cash_lost"]


def test_labels_that_no_single_word_tells_apart_keep_their_texts() -> None:
    for words in candidate_words(["a b", "b c", "c a"]):
        assert len(set(words.values())) == 3


def test_of_equal_wordings_the_shortest_words_are_best() -> None:
    tried = [
        Tried(wording=Wording(template="{{input}}\n", chat=False, words=words), correct=correct)
        for words, correct in (
            ({"1": "a long answer", "2": "b"}, 7),
            ({"1": "a", "2": "b"}, 7),
            ({"1": "c", "2": "d"}, 6),
        )
    ]
    best = Choice(base_model="m", rows=10, tried=tuple(tried)).best
    assert best.wording.words == {"1": "a", "2": "b"}


def test_a_model_is_tuned_to_say_short_words_even_if_long_ones_decide_better_untuned() -> None:
    long = {"a": "balance not updated after transfer", "b": "declined cash withdrawal"}
    short = {"a": "balance", "b": "declined"}
    tried = [
        Tried(wording=Wording(template=text, chat=False, words=words), correct=correct)
        for text, words, correct in (
            ("{{input}}\n", long, 7), ("{{input}}\n", short, 3), ("Label:\n{{input}}", long, 9),
            ("Label:\n{{input}}", short, 5), ("Text: {{input}}\nLabel:\n", short, 2),
        )
    ]  # fmt: skip
    choice = Choice(base_model="m", rows=10, tried=tuple(tried))
    assert (choice.best.correct, choice.best_asked.correct) == (9, 5)
    assert choice.best_tuned == tried[-1]
    data = DataSpec(train="train.json")
    text = experiment_text(data, Path("new.yaml"), ["a", "b"], Asked(choice), rows=10)
    assert "Only short words were taken" in text
    written = yaml.safe_load(text)
    assert written["labels"] == {"a": ["balance", "a"], "b": ["declined", "b"]}
    assert written["method"]["verbalizer"] == "Text: {{input}}\nLabel:\n"
    assert written["ladder"][0]["template"] == "Label:\n{{input}}"


def test_only_labels_of_a_sentiment_are_asked_as_one() -> None:
    texts = [text for text, _ in candidate_templates(["negative", "positive"], False)]
    assert "Review: {{input}}\nSentiment:" in texts
    assert any(text.startswith("Review: a joy") for text in texts)
    three = [text for text, _ in candidate_templates(["negative", "neutral", "positive"], False)]
    assert "Review: {{input}}\nSentiment:" in three
    assert not any(text.startswith("Review: a joy") for text in three)
    other = [text for text, _ in candidate_templates(["ham", "spam"], False)]
    assert not any("Sentiment" in text for text in other)
    assert "{{input}}\n\nIs this ham or spam?\nAnswer:" in other


def test_a_line_in_front_of_the_answer_names_the_labels_if_they_are_short() -> None:
    def lines(*labels: str) -> list[str]:
        return [text.splitlines()[-1] for text, _ in candidate_templates(labels, False)]

    assert "ham or spam:" in lines("ham", "spam")
    assert "card arrival, fee or limit:" in lines("card_arrival", "fee", "limit")
    long = ("balance_not_updated_after_bank_transfer", "direct_debit_payment_not_recognised")
    assert not [line for line in lines(*long) if "balance" in line and line.endswith(":")]


def test_the_template_of_a_tuned_model_says_most_about_the_task() -> None:
    words = {"ham": "Ham", "spam": "Spam"}
    rights = {"{{input}}\n": 9, "Text: {{input}}\nLabel:\n": 3,
              "Text: {{input}}\nham or spam:\n": 2,
              "{{input}}\n\nIs this ham or spam?\nAnswer:": 1}  # fmt: skip
    tried = [
        Tried(wording=Wording(template=text, chat=False, words=words), correct=correct)
        for text, correct in rights.items()
    ]
    choice = Choice(base_model="m", rows=10, tried=tuple(tried))
    assert choice.best.wording.template == "{{input}}\n"
    assert choice.best_tuned is not None
    assert choice.best_tuned.wording.template == "Text: {{input}}\nham or spam:\n"


def test_inputs_that_are_prompts_already_get_no_second_template(backend: Chatty) -> None:
    rows = [row.model_copy(update={"input": f"Review: {row.input}\nSentiment:\n"}) for row in ROWS]
    choice = choose_wording(backend, "tunesmith/fake", rows, ["0", "1"])
    tuned = choice.best_tuned
    assert tuned is not None
    assert (tuned.wording.template, tuned.wording.chat) == ("{{input}}", False)
    assert tuned.wording.words == choice.best_asked.wording.words
    assert any(one.wording.template == "{{input}}" and one.wording.chat for one in choice.tried)
    data = DataSpec(train="train.json")
    text = experiment_text(data, Path("new.yaml"), ["0", "1"], Asked(choice), rows=12)
    assert "the same words, and adds nothing to the inputs" in text
    assert "every input ends in a line break" in text
    assert yaml.safe_load(text)["method"]["verbalizer"] == "{{input}}"


def test_one_input_without_a_line_break_at_its_end_needs_a_template(backend: Chatty) -> None:
    rows = [row.model_copy(update={"input": f"{row.input}\n"}) for row in ROWS[1:]]
    choice = choose_wording(backend, "tunesmith/fake", [ROWS[0], *rows], ["0", "1"])
    assert not any(one.wording.template == "{{input}}" for one in choice.tried)


def test_a_label_name_that_is_the_word_of_another_label_is_no_surface_form() -> None:
    assert forms({"no": "yes", "yes": "no"}) == {"no": ["yes"], "yes": ["no"]}


def test_few_shot_gets_the_template_without_the_invented_examples() -> None:
    template = f"{EXAMPLES}Review: {{{{input}}}}\nSentiment:"
    words = {"negative": "negative", "positive": "positive"}
    best = Tried(wording=Wording(template=template, chat=False, words=words), correct=9)
    choice = Choice(base_model="m", rows=10, tried=(best,))
    data = DataSpec(train="train.json")
    told = Asked(choice)
    text = experiment_text(data, Path("new.yaml"), list(words), told, rows=10)
    written = yaml.safe_load(text)
    assert written["ladder"] == [
        {"name": "zero_shot", "template": template},
        {"name": "few_shot", "template": "Review: {{input}}\nSentiment:"},
    ]
    assert "verbalizer" not in written["method"]
