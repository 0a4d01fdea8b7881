"""A language model behind the emulator answers as with ``--backend local``, row by row."""

from __future__ import annotations

import pytest

from tunesmith.methods import render
from tunesmith.records import Message, decided
from tunesmith.spec import TuningSpec
from tunesmith.testing.rows import TEST, TRAIN, VALIDATION
from tunesmith_openai.backend import OpenAIBackend
from tunesmith_openai.methods import ProviderFinetune
from tunesmith_openai.options import OpenAIOptions

MODEL = "tunesmith/micro-granite"
TEMPLATE = "Comment: {{input}}\nGood or bad:"
TEXTS = [render(TEMPLATE, row.input) for row in TEST]
FORMS = {"0": ["bad"], "1": ["good"]}
"""The answers are words that begin with a space behind the template."""
WORDS = ["bad", "good"]


@pytest.fixture
def connect(emulator, tmp_path):
    def make(**changes):
        given = {"base_url": emulator.url, "store": tmp_path / "store", **changes}
        return OpenAIBackend(OpenAIOptions.model_validate(given))

    return make


@pytest.fixture(scope="module")
def local(emulator):
    """The backend behind the emulator."""
    return emulator.service.backend


@pytest.fixture(scope="module")
def tuned(emulator, tmp_path_factory):
    """The job's model, deployed in the store of another process."""
    store = tmp_path_factory.mktemp("store")
    options = OpenAIOptions(base_url=emulator.url, store=store)
    spec = TuningSpec(
        name="over the emulator",
        base_model=MODEL,
        labels=FORMS,
        method=ProviderFinetune(num_epochs=40, verbalizer=TEMPLATE),
    )
    with OpenAIBackend(options) as backend:
        model = backend.tuner.submit(spec, TRAIN, VALIDATION).wait(timeout=600)
        return store, backend.deployer.deploy(model, "tuned")


@pytest.fixture(scope="module")
def behind(emulator, tuned):
    """The deployment of the local backend that answers for the model."""
    return emulator.service.prompts.find(tuned[1].model.id).deployment


def shares(found):
    return [list(one.probabilities.values()) for one in found]


def test_the_base_model_answers_the_same(local, connect):
    turns = [[Message(role="user", content=text)] for text in TEXTS]
    expected = local.predictor.chat(MODEL, turns)
    with connect(reading="chat") as backend:
        found = backend.predictor.generate(MODEL, TEXTS)
        scores = backend.predictor.classify(MODEL, TEXTS, WORDS)
    assert [one.text for one in found] == [one.text for one in expected]
    for name in ("input_token_count", "generated_token_count", "stop_reason"):
        assert [getattr(f, name) for f in found] == [getattr(e, name) for e in expected]
    assert all(one.mass is not None for one in scores)


def test_a_soft_prompt_that_a_job_tuned_answers_the_same(local, connect, tuned, behind):
    store, deployment = tuned
    texts = [row.input for row in TEST]
    scores = local.predictor.classify(behind, TEXTS, WORDS)
    written = local.predictor.generate(behind, TEXTS)
    with connect(store=store) as backend:
        found = backend.predictor.classify(deployment, texts, ["0", "1"])
        for ours, theirs in zip(shares(found), shares(scores), strict=True):
            assert ours == pytest.approx(theirs, abs=1e-5)
        assert [g.text for g in backend.predictor.generate(deployment, texts)] == [
            g.text for g in written
        ]
    with connect(store=store, reading="chat") as backend:
        chats = backend.predictor.classify(deployment, texts, ["0", "1"])
    # A chat shows the first token that separates the labels, and the local backend scores all
    # tokens and the end of the text. What the model wrote is the most probable in a chat.
    pairs = [
        (decided(one.probabilities), deployment.model.labels.parse(answer.text))
        for one, answer in zip(chats, written, strict=True)
    ]
    assert {label for _, label in pairs} >= {"0", "1"}
    assert all(decision == label for decision, label in pairs if label is not None)


def test_the_losses_of_the_job_are_those_of_the_tuning(tuned, behind):
    ours, theirs = tuned[1].model.curve, behind.model.curve
    assert ours.steps == theirs.steps
    assert [e.validation_loss for e in ours.epochs] == [e.validation_loss for e in theirs.epochs]
    assert [e.loss for e in ours.epochs] == pytest.approx([e.loss for e in theirs.epochs])


def test_the_model_says_what_the_job_did(tuned):
    model = tuned[1].model
    assert model.id == f"ft:{MODEL}:tunesmith:over-the-emulator:{model.job_id[-8:]}"
    assert model.details["hyperparameters"]["n_epochs"] == 40
    assert model.details["trained_tokens"] > 0
    assert model.details["checkpoints"][0]["model"] == model.id
