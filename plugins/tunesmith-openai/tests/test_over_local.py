"""A language model behind the server: the same answers as without the server, row by row."""

from __future__ import annotations

import pytest
from openai_server import Provider, served

from tunesmith.methods import PromptTuning, render
from tunesmith.records import decided
from tunesmith.spec import TuningSpec
from tunesmith.testing.rows import TEST, TRAIN
from tunesmith_local.backend import LocalBackend
from tunesmith_local.options import LocalOptions
from tunesmith_openai.backend import OpenAIBackend
from tunesmith_openai.methods import ProviderFinetune
from tunesmith_openai.options import OpenAIOptions

MODEL = "tunesmith/micro-granite"
TEMPLATE = "Comment: {{input}}\nGood (1) or bad (0):\n"
TEXTS = [render(TEMPLATE, row.input) for row in TEST]
LABELS = ["0", "1"]


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """A provider over the embedded model, whose tunings are soft prompts."""
    method = PromptTuning(
        num_virtual_tokens=4, batch_size=8, accumulate_steps=1, max_output_tokens=4
    )
    with LocalBackend(LocalOptions(store=tmp_path_factory.mktemp("local"))) as backend:
        provider = Provider(backend, {MODEL: MODEL}, method, pace=0.0)
        with served(provider) as url:
            yield provider, url


@pytest.fixture
def connect(behind, tmp_path):
    def make(**changes):
        given = {"base_url": behind[1], "store": tmp_path / "store", **changes}
        return OpenAIBackend(OpenAIOptions.model_validate(given))

    return make


@pytest.fixture(scope="module")
def tuned(behind, tmp_path_factory):
    """The job's model, deployed in the store of another process."""
    store = tmp_path_factory.mktemp("store")
    options = OpenAIOptions(base_url=behind[1], store=store)
    spec = TuningSpec(
        base_model=MODEL, labels=LABELS, method=ProviderFinetune(num_epochs=10, verbalizer=TEMPLATE)
    )
    with OpenAIBackend(options) as backend:
        model = backend.tuner.submit(spec, TRAIN).wait(timeout=300)
        return store, backend.deployer.deploy(model, "tuned")


def close(found, expected, tolerance):
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.probabilities == pytest.approx(theirs.probabilities, abs=tolerance)


def test_the_base_model_decides_the_same(behind, connect):
    expected = behind[0].backend.predictor.classify(MODEL, TEXTS, LABELS)
    with connect(reading="decisions") as backend:
        close(backend.predictor.classify(MODEL, TEXTS, LABELS), expected, 1e-5)
    with connect(reading="chat") as backend:
        found = backend.predictor.classify(MODEL, TEXTS, LABELS)
    assert all(one.mass is not None for one in found)


def test_the_base_model_writes_the_same(behind, connect):
    expected = behind[0].backend.predictor.generate(MODEL, TEXTS)
    with connect() as backend:
        found = backend.predictor.generate(MODEL, TEXTS)
    assert [one.text for one in found] == [one.text for one in expected]
    for name in ("prompt", "input_token_count", "generated_token_count", "stop_reason"):
        assert [getattr(f, name) for f in found] == [getattr(e, name) for e in expected]


def test_a_soft_prompt_that_a_job_tuned_answers_the_same(behind, connect, tuned):
    (provider, _), (store, deployment) = behind, tuned
    target = provider.targets[deployment.model.id]
    texts = [row.input for row in TEST]
    scores = provider.backend.predictor.classify(target, TEXTS, LABELS)
    written = provider.backend.predictor.generate(target, TEXTS)
    with connect(store=store) as backend:
        close(backend.predictor.classify(deployment, texts, LABELS), scores, 1e-5)
        assert [g.text for g in backend.predictor.generate(deployment, texts)] == [
            g.text for g in written
        ]
    with connect(store=store, reading="chat") as backend:
        chats = backend.predictor.classify(deployment, texts, LABELS)
    # A chat does not show the end of the text, which the local backend scores too.
    assert [decided(c.probabilities) for c in chats] == [decided(s.probabilities) for s in scores]


def test_the_losses_of_the_job_are_those_of_the_tuning(behind, tuned):
    model = tuned[1].model
    steps = behind[0].jobs[model.job_id].tuning.result().curve.steps
    assert [step.loss for step in model.curve.steps] == [step.loss for step in steps]
    assert [step.epoch for step in model.curve.steps] == [step.epoch for step in steps]
