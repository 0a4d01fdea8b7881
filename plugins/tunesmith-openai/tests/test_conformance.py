"""The openai backend runs the suite of every backend, through the SDK, over real servers."""

from __future__ import annotations

from typing import ClassVar

import pytest
from openai_server import Provider, served

from tunesmith.testing.conformance import BackendConformance
from tunesmith_openai.backend import OpenAIBackend
from tunesmith_openai.options import OpenAIOptions
from tunesmith_sklearn.methods import TfidfLogreg

MODEL = "classifier-1"
EMBEDDED = "tunesmith/micro-granite"
METHOD = {
    "name": "provider_finetune",
    "num_epochs": 2,
    "batch_size": 4,
    "verbalizer": "Comment: {{input}}",
}


class OverServer(BackendConformance):
    """Every instance of the backend has the same server and the same store."""

    backend_class = OpenAIBackend

    @pytest.fixture(scope="class")
    @classmethod
    def make_backend(cls, store, url):
        given = {"base_url": url, "store": store, "api_key": "canary-5f0c1e-do-not-print"}
        options = OpenAIOptions.model_validate({**given, **cls.backend_options})
        return lambda: OpenAIBackend(options)


class OverEmulator(OverServer):
    """The server is the emulator's."""

    experiment_values: ClassVar = {"base_model": EMBEDDED, "method": METHOD}

    @pytest.fixture(scope="class")
    @classmethod
    def url(cls, emulator):
        return emulator.url


class OverClassifiers(OverServer):
    """The server answers with a classifier. It lacks what providers may lack."""

    experiment_values: ClassVar = {"base_model": MODEL, "method": METHOD}
    refused: ClassVar = ()

    @pytest.fixture(scope="class")
    @classmethod
    def url(cls, classifiers):
        backend, base = classifiers
        provider = Provider(
            backend, {MODEL: base}, TfidfLogreg(), refused=cls.refused, pace=0.3, key=None
        )
        with served(provider) as url:
            yield url


class TestDecisions(OverEmulator):
    """Answers come from /decisions, which ``auto`` finds first."""

    def test_the_reading_is_in_the_capabilities(self, capabilities):
        assert capabilities.notes == (f"'{EMBEDDED}' was asked by closed questions (/decisions)",)


class TestChat(OverEmulator):
    """Answers come from the log-probabilities of chats, and from their text."""

    backend_options: ClassVar = {"reading": "chat"}


class TestSystemOne(OverClassifiers):
    """Closed questions on the other wire."""

    refused: ClassVar = ("/v1/decisions",)

    def test_the_reading_is_in_the_capabilities(self, capabilities):
        assert "(/systemone)" in capabilities.notes[0]


class TestText(OverClassifiers):
    """Answers are texts. The server is a reasoning model's: it refuses what such models refuse."""

    refused: ClassVar = ("/v1/decisions", "/v1/systemone", "max_tokens", "temperature", "logprobs")
