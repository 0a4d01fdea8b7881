"""Connecting: certificates are checked, the process is left as it was, no secret gets out."""

from __future__ import annotations

import logging
import os
import time

import jwt
import pytest
from ibm_watsonx_ai._wrappers.httpx.global_httpx_settings import GlobalHttpxSettings

from tunesmith.errors import AuthenticationError, BackendError, NotFoundError
from tunesmith.testing.rows import TRAIN
from tunesmith_emulator import Emulator
from tunesmith_watsonx.backend import WatsonxBackend

SDK_VERIFY = "WX_CLIENT_VERIFY_REQUESTS"
RIGHT, WRONG = "right-key-71c9", "wrong-key-2f0a"


def test_an_untrusted_certificate_is_an_error_with_a_remedy(connect):
    backend = connect(verify="true")
    with pytest.raises(BackendError, match="WATSONX_VERIFY"):
        backend.base_models()
    # The SDK left to itself would have switched verification off, for the whole process.
    assert GlobalHttpxSettings.verify is None


def test_a_later_client_inherits_nothing(connect, experiment):
    backend = connect()
    backend.tuner.submit(experiment(), TRAIN).wait(timeout=60)
    assert SDK_VERIFY not in os.environ
    with pytest.raises(BackendError, match="WATSONX_VERIFY"):
        connect(verify="true").base_models()


def test_a_variable_that_was_set_is_kept(connect, monkeypatch):
    monkeypatch.setenv(SDK_VERIFY, "False")
    with pytest.raises(BackendError, match="WATSONX_VERIFY"):
        connect(verify="true").base_models()
    connect().base_models()
    assert os.environ[SDK_VERIFY] == "False"


def test_a_service_that_is_not_there(connect, emulator):
    nowhere = "https://127.0.0.1:9"
    backend = connect(url=nowhere, platform_url=nowhere, auth_url=f"{nowhere}/identity/token")
    with pytest.raises(BackendError, match="connecting to https"):
        backend.base_models()


@pytest.fixture
def picky(options_for):
    """Return a function that connects with a key to an emulator that takes the right one only."""
    with Emulator(backend="sklearn", api_keys=(RIGHT,)) as emulator:
        yield lambda key: WatsonxBackend(options_for(emulator, api_key=key))


def test_a_wrong_key_is_refused_and_never_shown(picky, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    with picky(WRONG) as backend, pytest.raises(AuthenticationError, match="APIKEY") as caught:
        backend.base_models()
    with picky(RIGHT) as backend:
        assert backend.base_models()
    shown = [repr(caught.value), repr(backend), caplog.text, *capsys.readouterr()]
    for secret in (WRONG, RIGHT):
        assert not [text for text in shown if secret in text]


def token_until(moment):
    claims = {"exp": moment, "iat": moment - 3600, "iss": "IBM"}
    return jwt.encode(claims, "a-key-of-another-service-of-32-bytes")


def test_an_expired_token_is_named_before_anything_is_sent(emulator, options_for):
    options = options_for(emulator, api_key=None, token=token_until(time.time() - 60))
    with WatsonxBackend(options) as backend, pytest.raises(AuthenticationError) as caught:
        backend.base_models()
    message = str(caught.value)
    assert "WATSONX_TOKEN expired at 20" in message
    assert "WATSONX_APIKEY" in message
    assert "ibmcloud iam oauth-tokens" in message
    assert "PROJECT_ID" not in message
    assert emulator.requests == []
    valid = options_for(emulator, api_key=None, token=token_until(time.time() + 3600))
    with WatsonxBackend(valid) as backend:
        assert backend.base_models()


def test_a_token_that_the_service_refuses_is_not_the_projects_fault(emulator, options_for):
    emulator.fail("GET /v2/projects/*", status=401, times=None)  # its code says "expired"
    refused = pytest.raises(AuthenticationError, match="the token has expired")
    with WatsonxBackend(options_for(emulator)) as backend, refused as caught:
        backend.base_models()
    assert "PROJECT_ID" not in str(caught.value)


def test_a_project_that_is_not_there(options_for):
    with Emulator(backend="sklearn", projects=("mine",)) as emulator:
        options = options_for(emulator, project_id="not-mine")
        with WatsonxBackend(options) as backend, pytest.raises(NotFoundError, match="PROJECT_ID"):
            backend.base_models()


def test_nothing_is_printed(connect, experiment, capfd):
    backend = connect()
    model = backend.tuner.submit(experiment(), TRAIN).wait(timeout=60)
    deployment = backend.deployer.deploy(model, "silent")
    backend.predictor.generate(deployment, ["Great!"])
    backend.clean_up()
    assert capfd.readouterr() == ("", "")


def test_no_secret_is_in_the_store(picky, experiment, tmp_path):
    with picky(RIGHT) as backend:
        backend.deployer.deploy(backend.tuner.submit(experiment(), TRAIN).wait(timeout=60), "it")
    kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) >= 2
    assert not [text for text in kept if RIGHT in text]
