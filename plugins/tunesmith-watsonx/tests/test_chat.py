"""Chat: the service renders the conversation, and generation parameters keep their meaning."""

from __future__ import annotations

import pytest

from tunesmith.errors import BackendError, ExperimentError, PredictionError, UnsupportedError
from tunesmith.records import Message
from tunesmith.spec import GenerationParams
from tunesmith_emulator import Emulator
from tunesmith_local.backend import LocalBackend
from tunesmith_local.serving.predictor import LocalPredictor
from tunesmith_watsonx.backend import WatsonxBackend
from tunesmith_watsonx.chat import chat_parameters, generation_of

MODEL = "ibm/granite-3-8b-instruct"
MICRO = "tunesmith/micro-granite"
HI = [Message(role="user", content="Review: the groomer was gentle. Is it good?")]
TURNS = [*HI, Message(role="assistant", content="good"), *HI]


def rendered(self, base_model, messages, tools=(), **variables):
    """Stand in for a chat template: the embedded model has none."""
    del self, base_model, tools, variables
    return "".join(f"{m.role}: {m.content}\n" for m in messages) + "Answer:"


@pytest.fixture(scope="module")
def chatty():
    """An emulator over the embedded model, which reads conversations in a template."""
    declared = LocalBackend.capabilities
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalPredictor, "chat_text", rendered)
        patch.setattr(
            LocalBackend,
            "capabilities",
            lambda self, name: declared(self, name).model_copy(update={"chat": True}),
        )
        with Emulator(backend="local") as emulator:
            yield emulator


@pytest.fixture
def chat(chatty, options_for):
    """A backend at that emulator."""
    with WatsonxBackend(options_for(chatty)) as backend:
        yield backend


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"max_new_tokens": 3},
        {"repetition_penalty": 1.5, "decoding_method": "greedy"},
        {"decoding_method": "sample", "temperature": 1.5, "top_p": 0.9, "random_seed": 3},
        {"min_new_tokens": 0, "truncate_input_tokens": 0},
    ],
)
def test_a_chat_is_the_generation_of_its_text(chatty, chat, given):
    params = GenerationParams.model_validate(given)
    answers = chat.predictor.chat(MODEL, [HI, TURNS], params)
    texts = [rendered(None, MODEL, messages) for messages in (HI, TURNS)]
    expected = chatty.services.engine.backend.predictor.generate(MICRO, texts, params)
    assert answers[0].input_token_count < answers[1].input_token_count
    for answer, here in zip(answers, expected, strict=True):
        assert answer.text == here.text
        assert answer.input_token_count == here.input_token_count
        assert answer.generated_token_count == here.generated_token_count
        assert answer.stop_reason == here.stop_reason


def test_a_stop_sequence_ends_the_text_and_is_no_part_of_it(chat):
    (whole,) = chat.predictor.chat(MODEL, [HI])
    stop = whole.text[-1]
    (cut,) = chat.predictor.chat(MODEL, [HI], GenerationParams(stop_sequences=(stop,)))
    assert cut.text == whole.text[: whole.text.index(stop)]


def test_tokens_come_with_their_log_probabilities(chat):
    options = {"generated_tokens": True, "token_logprobs": True, "top_n_tokens": 2}
    params = GenerationParams(max_new_tokens=3, return_options=options)
    (answer,) = chat.predictor.chat(MODEL, [HI], params)
    assert len(answer.tokens) == 3
    assert all(token.logprob <= 0 and len(token.top_tokens) == 2 for token in answer.tokens)


def test_no_conversations_are_no_answers(chat):
    assert chat.predictor.chat(MODEL, []) == []


def test_the_service_renders_the_conversation(chat):
    assert chat.capabilities(MODEL).chat
    assert chat.predictor.chat_text(MODEL, HI) is None


def test_the_error_of_the_chat_template_is_reported(chat, monkeypatch):
    def refuse(self, base_model, messages, tools=(), **variables):
        raise ExperimentError("the chat template takes no system message")

    monkeypatch.setattr(LocalPredictor, "chat_text", refuse)
    with pytest.raises(BackendError, match="takes no system message"):
        chat.predictor.chat(MODEL, [[Message(role="system", content="Be short."), *HI]])


def test_a_model_without_a_chat_template_does_not_chat(backend):
    assert not backend.capabilities(MODEL).chat
    with pytest.raises(UnsupportedError, match="chat"):
        backend.predictor.chat(MODEL, [HI])


def test_tuning_in_a_chat_template_is_refused(chat, experiment):
    for asked in (True, "auto"):
        method = {"name": "prompt_tuning", "max_output_tokens": 8, "chat": asked}
        with pytest.raises(UnsupportedError, match=r"method\.chat"):
            chat.tuner.check(experiment(base_model=MODEL, method=method), [])


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"min_new_tokens": 2}, "min_new_tokens"),
        ({"top_k": 5}, "top_k"),
        ({"truncate_input_tokens": 9}, "truncate_input_tokens"),
        ({"length_penalty": {"decay_factor": 2.0}}, "length_penalty"),
        ({"stop_sequences": ("a",), "include_stop_sequence": True}, "include_stop_sequence"),
        ({"return_options": {"input_tokens": True}}, r"return_options\.input_tokens"),
        ({"return_options": {"input_text": True}}, r"return_options\.input_text"),
    ],
)
def test_unsupported_parameters_of_a_chat_are_refused_by_name(given, named):
    with pytest.raises(UnsupportedError, match=named):
        chat_parameters(GenerationParams.model_validate(given))


def test_greedy_decoding_and_twenty_tokens_are_the_default():
    assert chat_parameters(None) == {"max_tokens": 20, "temperature": 0.0}


def test_an_answer_without_text_is_an_error():
    with pytest.raises(PredictionError, match=r"choices\[0\]\.message\.content"):
        generation_of({"choices": [{"message": {"role": "assistant", "content": None}}]})
