"""Predictions agree row by row with the backend behind the server, and cost what they must."""

from __future__ import annotations

import pytest

from tunesmith.errors import PredictionError, QuotaError, UnsupportedError
from tunesmith.records import Message, Usage
from tunesmith.spec import GenerationParams, TuningSpec
from tunesmith.testing.rows import TEST, TRAIN
from tunesmith_openai.methods import ProviderFinetune

MODEL = "classifier-1"
TEXTS = [row.input for row in TEST]


@pytest.fixture
def tuned(connect):
    """Return a function that gives a backend with a reading, and a deployment of its own."""

    def make(**options):
        backend = connect(**options)
        spec = TuningSpec(
            name="agree",
            base_model=MODEL,
            labels={"bad": ["0", "poor"], "good": ["1"]},
            method=ProviderFinetune(verbalizer="Comment: {{input}}"),
        )
        names = {"0": "bad", "1": "good"}
        rows = [row.model_copy(update={"output": names[row.output]}) for row in TRAIN]
        model = backend.tuner.submit(spec, rows).wait(timeout=60)
        return backend, backend.deployer.deploy(model, "agree")

    return make


@pytest.mark.parametrize("reading", ["decisions", "chat"])
def test_a_tuned_model_decides_as_the_backend_behind_the_server(
    classifiers, provider, tuned, reading
):
    backend, deployment = tuned(reading=reading)
    behind = provider.targets[deployment.model.id]
    read = [f"Comment: {text}" for text in TEXTS]
    expected = classifiers[0].predictor.classify(behind, read, ["0", "1"])
    found = backend.predictor.classify(deployment, TEXTS, ["bad", "good"])
    for ours, theirs in zip(found, expected, strict=True):
        assert list(ours.probabilities) == ["bad", "good"]
        assert [*ours.probabilities.values()] == pytest.approx([*theirs.probabilities.values()])
    written = classifiers[0].predictor.generate(behind, read)
    answers = backend.predictor.generate(deployment, TEXTS)
    assert [a.text for a in answers] == [w.text for w in written]
    assert [a.prompt for a in answers] == read


@pytest.mark.parametrize("reading", ["decisions", "chat"])
def test_a_base_model_decides_as_the_backend_behind_the_server(classifiers, connect, reading):
    behind, base = classifiers
    expected = behind.predictor.classify(base, TEXTS, ["0", "1"])
    found = connect(reading=reading).predictor.classify(MODEL, TEXTS, ["0", "1"])
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.probabilities == pytest.approx(theirs.probabilities)


def test_a_text_and_its_scores_take_one_request(provider, connect):
    predictor = connect(reading="chat").predictor
    predictor.generate(MODEL, TEXTS)
    asked = len(provider.requests["chat"])
    first = predictor.classify(MODEL, TEXTS, ["0", "1"])
    assert len(provider.requests["chat"]) == asked
    # Whoever asks again, to measure the time, sends a request.
    assert predictor.classify(MODEL, TEXTS, ["0", "1"]) == first
    assert len(provider.requests["chat"]) == asked + len(TEXTS)


def test_a_sampled_text_gives_no_scores(provider, connect):
    predictor = connect(reading="chat").predictor
    predictor.generate(MODEL, TEXTS, GenerationParams(decoding_method="sample"))
    asked = len(provider.requests["chat"])
    predictor.classify(MODEL, TEXTS, ["0", "1"])
    assert len(provider.requests["chat"]) == asked + len(TEXTS)


def test_parameters_have_the_names_of_the_api(provider, connect):
    params = GenerationParams(
        decoding_method="sample", temperature=0.5, top_p=0.9, random_seed=7, max_new_tokens=3,
        stop_sequences=("\n",),
    )  # fmt: skip
    connect(reading="text").predictor.generate(MODEL, TEXTS[:1], params)
    sent = provider.requests["chat"][-1]
    expected = {"temperature": 0.5, "top_p": 0.9, "seed": 7, "max_tokens": 3, "stop": ["\n"]}
    assert {name: sent[name] for name in expected} == expected


def test_a_greedy_text_has_temperature_0_and_the_default_limit(provider, connect):
    connect(reading="text").predictor.generate(MODEL, TEXTS[:1])
    sent = provider.requests["chat"][-1]
    assert (sent["temperature"], sent["max_tokens"]) == (0.0, 20)
    assert sent["messages"] == [{"role": "user", "content": TEXTS[0]}]


def test_a_conversation_is_sent_as_it_is(provider, connect):
    turns = [Message(role="system", content="Judge."), Message(role="user", content="Great!")]
    connect().predictor.chat(MODEL, [turns])
    sent = provider.requests["chat"][-1]["messages"]
    assert sent == [{"role": "system", "content": "Judge."}, {"role": "user", "content": "Great!"}]


def test_a_server_that_only_decides_writes_no_text(provider, connect):
    provider.refused.add("/v1/chat/completions")
    backend = connect()
    assert not backend.capabilities(MODEL).base_inference
    with pytest.raises(UnsupportedError, match=r"writes no text at 127\.0\.0\.1, it only decides"):
        backend.predictor.generate(MODEL, TEXTS)
    assert len(backend.predictor.classify(MODEL, TEXTS, ["0", "1"])) == len(TEXTS)


def test_labels_of_which_one_begins_another_need_a_decision(connect):
    labels = ["1", "10"]
    with pytest.raises(UnsupportedError, match="'1' begins '10'"):
        connect(reading="chat").predictor.classify(MODEL, TEXTS, labels)
    assert connect(reading="decisions").predictor.classify(MODEL, TEXTS, labels)


def test_a_decision_has_at_most_255_labels(connect):
    with pytest.raises(UnsupportedError, match="at most 255 options, and there are 256"):
        connect().predictor.classify(MODEL, TEXTS, map(str, range(256)))


def test_a_probability_that_is_no_number_is_refused(provider, connect):
    backend = connect()
    backend.capabilities(MODEL)
    provider.probabilities = lambda *asked: {"0": 0.5, "2": 0.5}
    with pytest.raises(PredictionError, match="None for the label '1'"):
        backend.predictor.classify(MODEL, TEXTS, ["0", "1"])


def test_a_rate_limit_is_waited_for(provider, connect):
    backend = connect()
    backend.capabilities(MODEL)
    provider.throttled = 5
    assert len(backend.predictor.classify(MODEL, TEXTS, ["0", "1"])) == len(TEXTS)
    assert provider.throttled == 0


def test_patience_ends(provider, connect):
    backend = connect(patience_seconds=0)
    backend.capabilities(MODEL)
    provider.throttled = 1000
    with pytest.raises(QuotaError, match="patience_seconds"):
        backend.predictor.classify(MODEL, TEXTS, ["0", "1"])


def test_the_tokens_of_every_request_are_counted(connect):
    backend = connect()
    backend.capabilities(MODEL)
    before = backend.usage()
    backend.predictor.generate(MODEL, ["one two three"])
    backend.predictor.classify(MODEL, ["one two three"], ["0", "1"])
    assert backend.usage().since(before) == Usage(input_tokens=6, output_tokens=2)
