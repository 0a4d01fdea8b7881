"""The choice between chat template and plain text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunesmith import Experiment
from tunesmith.backend import Target
from tunesmith.errors import UnsupportedError
from tunesmith.records import Classification, Generation, Message
from tunesmith.spec import GenerationParams
from tunesmith.testing.fake import FakeBackend, FakePredictor


class Chatty(FakeBackend):
    """A chat model. ``spoils``: read in its chat template it decides every row wrongly."""

    # As FakeBackend documents it.
    declares = {"chat": True}  # noqa: RUF012
    spoils = False
    renders = True

    @property
    def predictor(self) -> FakePredictor:
        predictor = super().predictor
        ask, spoiled = predictor.classify, lambda text: self.spoils and "<user>" in text

        def chat_text(base_model: str, messages: Sequence[Message]) -> str | None:
            turns = "".join(f"<{m.role}>{m.content}" for m in messages)
            return f"{turns}<assistant>" if self.renders else None

        def classify(
            target: Target, inputs: Sequence[str], labels: Sequence[str]
        ) -> list[Classification]:
            found = ask(target, inputs, labels)
            return [
                Classification(probabilities={k: 1 - v for k, v in one.probabilities.items()})
                if spoiled(text)
                else one
                for text, one in zip(inputs, found, strict=True)
            ]

        predictor.chat_text = chat_text  # type: ignore[method-assign]
        predictor.classify = classify  # type: ignore[method-assign]
        return predictor


class Spoiled(Chatty):
    spoils = True


class Joining(Chatty):
    """Its chat template has no roles, as those of the embedded models."""

    @property
    def predictor(self) -> FakePredictor:
        predictor = super().predictor

        def chat_text(base_model: str, messages: Sequence[Message]) -> str | None:
            return "".join(f"{message.content}\n" for message in messages)

        predictor.chat_text = chat_text  # type: ignore[method-assign]
        return predictor


@pytest.fixture
def asked(values: dict[str, Any]) -> dict[str, Any]:
    values["method"] = {"name": "zero_shot", "template": "Nice? {{input}}", "chat": "auto"}
    return values


def test_the_model_reads_the_message_in_its_template(asked: dict[str, Any], tmp_path: Path) -> None:
    run = Experiment.from_values(asked).run(Chatty(), runs_dir=tmp_path)
    assert run.record.chat is not None
    assert run.record.chat.chat
    for prediction in run.predictions():
        assert prediction.prompt == f"<user>Nice? {prediction.input}<assistant>"
    assert str(run.record.chat.text).startswith("<user>Nice? ")


def test_auto_takes_plain_text_if_training_rows_favor_it(
    asked: dict[str, Any], tmp_path: Path
) -> None:
    run = Experiment.from_values(asked).run(Spoiled(), runs_dir=tmp_path)
    chosen = run.record.chat
    assert chosen is not None
    assert not chosen.chat
    assert (chosen.rows, chosen.chat_correct, chosen.plain_correct) == (40, 0, 40)
    assert "40 as plain text" in chosen.why
    assert all(p.prompt.startswith("Nice? ") for p in run.predictions())


def test_auto_takes_plain_text_if_the_chat_template_adds_only_white_space(
    asked: dict[str, Any], tmp_path: Path
) -> None:
    chosen = Experiment.from_values(asked).run(Joining(), runs_dir=tmp_path).record.chat
    assert chosen is not None
    assert (chosen.chat, chosen.rows) == (False, 0)
    assert "adds only white space" in chosen.why


def test_asked_for_it_is_taken_without_a_look(asked: dict[str, Any], tmp_path: Path) -> None:
    asked["method"]["chat"] = True
    run = Experiment.from_values(asked).run(Spoiled(), runs_dir=tmp_path)
    assert run.record.chat is not None
    assert (run.record.chat.chat, run.record.chat.rows) == (True, 0)


def test_without_a_chat_template_auto_is_plain_text_and_true_is_refused(
    asked: dict[str, Any], tmp_path: Path
) -> None:
    run = Experiment.from_values(asked).run(FakeBackend(), runs_dir=tmp_path)
    assert run.record.chat is not None
    assert not run.record.chat.chat
    asked["method"]["chat"] = True
    with pytest.raises(UnsupportedError, match=r"method\.chat: .*chat: false, or auto"):
        Experiment.from_values(asked).run(FakeBackend(), runs_dir=tmp_path)


def test_solved_examples_are_turns(asked: dict[str, Any], tmp_path: Path) -> None:
    asked["method"] |= {"name": "few_shot", "chat": True}
    run = Experiment.from_values(asked).run(Chatty(), runs_dir=tmp_path)
    prompt = run.predictions()[0].prompt
    roles = [part.partition(">")[0] for part in prompt.split("<")[1:]]
    assert roles == ["user", "assistant"] * 2 + ["user", "assistant"]


def test_a_service_that_renders_conversations_gets_messages(
    asked: dict[str, Any], tmp_path: Path
) -> None:
    class Remote(Chatty):
        # As FakeBackend documents it.
        declares = {"chat": True}  # noqa: RUF012
        renders = False

        @property
        def predictor(self) -> FakePredictor:
            predictor = super().predictor
            predictor.chat = chat  # type: ignore[method-assign]
            return predictor

    seen: list[Sequence[Message]] = []

    def chat(
        base_model: str, conversations: Sequence[Sequence[Message]], params: GenerationParams
    ) -> list[Generation]:
        seen.extend(conversations)
        return [Generation(text="1") for _ in conversations]

    asked["method"]["chat"] = True
    run = Experiment.from_values(asked).run(Remote(), runs_dir=tmp_path)
    assert [one[-1].content for one in seen] == [p.prompt for p in run.predictions()]
    assert run.record.answer == "text"


def test_absent_it_is_plain_text(values: dict[str, Any], tmp_path: Path) -> None:
    run = Experiment.from_values(values).run(Chatty(), runs_dir=tmp_path)
    assert run.record.chat is None
    assert not any("<user>" in p.prompt for p in run.predictions())
