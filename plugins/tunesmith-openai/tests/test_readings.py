"""How a model is asked: found once, recorded, and the same for the whole of a run."""

from __future__ import annotations

import pytest

from tunesmith.errors import AuthenticationError, UnsupportedError
from tunesmith_openai.offers import offer_id

MODEL = "classifier-1"
DECISIONS, SYSTEMONE, CHAT = "/v1/decisions", "/v1/systemone", "/v1/chat/completions"


def scores(backend):
    offer = backend._catalog.offer(MODEL)
    return offer.scores(backend.options.reading)


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        ((), "decisions"),
        ((DECISIONS,), "systemone"),
        ((DECISIONS, SYSTEMONE), "chat"),
        ((DECISIONS, SYSTEMONE, "logprobs"), None),
        ((CHAT,), "decisions"),
    ],
)
def test_auto_takes_the_first_that_the_server_has(provider, connect, refused, expected):
    provider.refused |= set(refused)
    assert scores(connect()) == expected


@pytest.mark.parametrize(
    ("reading", "expected"), [("decisions", "decisions"), ("chat", "chat"), ("text", None)]
)
def test_an_option_names_the_reading(connect, reading, expected):
    assert scores(connect(reading=reading)) == expected


@pytest.mark.parametrize(
    ("reading", "refused", "has"),
    [
        ("decisions", (DECISIONS, SYSTEMONE), "it has: chat, text"),
        ("chat", ("logprobs",), "it has: decisions, text"),
        ("text", (CHAT,), "it has: decisions"),
    ],
)
def test_a_reading_that_is_missing_is_refused(provider, connect, reading, refused, has):
    provider.refused |= set(refused)
    with pytest.raises(UnsupportedError, match=f"option reading={reading}.*{has}"):
        connect(reading=reading).capabilities(MODEL)


def test_the_server_is_asked_once_for_each_model(provider, connect):
    first = connect()
    for _ in range(3):
        first.capabilities(MODEL)
    asked = {path: len(bodies) for path, bodies in provider.requests.items()}
    assert asked == {"decisions": 1, "chat": 1}
    connect().capabilities(MODEL)  # another process with the same store
    assert {path: len(bodies) for path, bodies in provider.requests.items()} == asked


def test_a_server_that_changes_does_not_change_the_reading(provider, connect):
    provider.refused.add(DECISIONS)
    assert scores(connect()) == "systemone"
    provider.refused.clear()
    assert scores(connect()) == "systemone"


def test_the_answer_is_a_record_in_the_store(connect, tmp_path):
    backend = connect()
    backend.capabilities(MODEL)
    name = offer_id(backend.options.base_url, MODEL)
    record = (tmp_path / "store" / "models" / f"{name}.json").read_text()
    assert '"wire": "decisions"' in record
    assert '"logprobs": 20' in record


def test_a_reasoning_model_is_asked_with_its_own_parameters(provider, connect):
    provider.refused |= {DECISIONS, SYSTEMONE, "max_tokens", "temperature"}
    backend = connect()
    declared = backend.capabilities(MODEL)
    assert "temperature" not in declared.generation_parameters
    assert not declared.batch_independent
    assert "its texts may vary" in declared.notes[0]
    backend.predictor.generate(MODEL, ["Great!"])
    last = provider.requests["chat"][-1]
    assert last["max_completion_tokens"] == 20
    assert not last.keys() & {"max_tokens", "temperature"}


def test_a_server_that_ignores_log_probabilities_is_read_as_text(provider, connect):
    provider.refused |= {DECISIONS, SYSTEMONE}
    answered = provider.answered
    provider.answered = lambda *asked: (answered(*asked)[0], [], "stop", 1, 1)
    assert scores(connect()) is None


def test_a_refused_key_is_no_answer(provider, connect, tmp_path):
    provider.key = "right"
    with pytest.raises(AuthenticationError, match="OPENAI_API_KEY"):
        connect(api_key="wrong")._catalog.offer(MODEL)
    assert not (tmp_path / "store" / "models").exists()
    assert scores(connect(api_key="right")) == "decisions"
