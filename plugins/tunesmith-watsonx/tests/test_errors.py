"""Whatever the SDK raises comes out as tunesmith's error, with the service's reason."""

from __future__ import annotations

import json

import httpx
import pytest
from ibm_watsonx_ai import wml_client_error as sdk
from ibm_watsonx_ai.wml_resource import WMLResource

from tunesmith import errors as ours
from tunesmith_watsonx.errors import response_of, scrubbed, status_of, translate, translated

SECRET = "s3cr3t-key"
TOKEN = "eyJhbGciOiJub25l.eyJleHAiOjF9.c2ln"


def response(status, message="no such thing", code="some_code", headers=None):
    body = {
        "errors": [{"code": code, "message": message, "more_info": ""}],
        "trace": "0" * 32,
        "status_code": status,
    }
    request = httpx.Request("POST", "https://localhost:8443/ml/v4/trainings")
    return httpx.Response(status, json=body, request=request, headers=headers)


def failure(status, **more):
    """Return what the SDK itself raises for such a response."""
    with pytest.raises(sdk.ApiRequestFailure) as caught:
        WMLResource._handle_response(200, "something", response(status, **more))
    return caught.value


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ours.TuningError),
        (401, ours.AuthenticationError),
        (402, ours.QuotaError),
        (403, ours.AuthenticationError),
        (404, ours.NotFoundError),
        (408, ours.BackendTimeoutError),
        (429, ours.QuotaError),
        (500, ours.TuningError),
        (503, ours.TuningError),
        (504, ours.BackendTimeoutError),
    ],
)
def test_statuses(status, expected):
    got = translate(failure(status), "tuning 'x'", otherwise=ours.TuningError)
    assert type(got) is expected
    assert str(got).startswith("tuning 'x': the service reports: no such thing")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (sdk.InvalidCredentialsError("wrong"), ours.AuthenticationError),
        (sdk.AuthenticationError("IAM", response(500)), ours.AuthenticationError),
        (sdk.CannotSetProjectOrSpace("no"), ours.NotFoundError),
        (sdk.ExceededLimitOfAPICalls("/x", "no"), ours.QuotaError),
        (sdk.ForbiddenActionForPlan("x", ["a"], "b"), ours.UnsupportedError),
        (sdk.UnsupportedOperation("x"), ours.UnsupportedError),
        (sdk.MissingWMLComponent(), ours.UnsupportedError),
        (sdk.WMLClientError("Tokenize is not supported for this release"), ours.UnsupportedError),
        (sdk.WMLClientError("Request failed with: {} (429)"), ours.QuotaError),
        (sdk.WMLClientError("Deployment creation failed. Error: 404. {}"), ours.NotFoundError),
        (sdk.WMLClientError("something else"), ours.BackendError),
        (httpx.ReadTimeout("slow"), ours.BackendTimeoutError),
        (httpx.ConnectError("refused"), ours.BackendError),
        (ExceptionGroup("4 attempts", [httpx.RemoteProtocolError("gone")]), ours.BackendError),
        (OSError("Connection cannot be verified with default trusted CAs."), ours.BackendError),
        (KeyError("entity"), ours.BackendError),
    ],
)
def test_kinds(error, expected):
    got = translate(error, "doing it")
    assert type(got) is expected
    assert str(got).startswith("doing it: ")


def test_the_error_code_of_the_service_decides_if_the_status_is_ambiguous():
    got = translate(failure(400, code="model_not_supported"), "doing it")
    assert type(got) is ours.UnsupportedError


def test_an_untrusted_certificate_has_a_remedy():
    error = OSError("Connection cannot be verified with default trusted CAs.")
    assert "WATSONX_VERIFY" in str(translate(error, "connecting"))


def test_a_deletion_has_its_reason_only_in_the_text():
    text = json.dumps({"errors": [{"code": "x", "message": "not there"}], "status_code": 404})
    error = sdk.WMLClientError(f"deployment deletion failed. Reason: {text}")
    got = translate(error, "removing")
    assert type(got) is ours.NotFoundError
    assert str(got) == "removing: the service reports: not there"


def test_an_answer_that_the_sdk_wrapped_is_found():
    wrapped = sdk.WMLClientError("cannot get the models")
    wrapped.__context__ = failure(403)
    assert status_of(wrapped) == 403
    assert type(translate(wrapped, "asking")) is ours.AuthenticationError


def test_the_header_of_a_refusal_can_be_read():
    found = response_of(failure(429, headers={"Retry-After": "7"}))
    assert found.headers["Retry-After"] == "7"


def test_iam_has_its_own_errors():
    error = sdk.InvalidCredentialsError('{"errorCode":"BXNIM0415E","errorMessage":"no such key"}')
    assert "the service reports: no such key; check WATSONX_APIKEY" in str(translate(error, "x"))


def test_no_secret_and_no_token_stays_in_a_message():
    assert scrubbed(f"a {SECRET} b {TOKEN} c", [SECRET]) == "a ********** b ********** c"
    got = translate(failure(400, message=f"{SECRET} {TOKEN}"), "doing it", [SECRET])
    assert SECRET not in str(got)
    assert TOKEN not in str(got)


def test_a_cause_with_a_secret_is_left_out():
    with pytest.raises(ours.BackendError) as caught, translated("doing it", [SECRET]):
        raise failure(400, message=SECRET)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_other_causes_are_kept_for_debugging():
    with pytest.raises(ours.NotFoundError) as caught, translated("doing it", [SECRET]):
        raise failure(404)
    assert isinstance(caught.value.__cause__, sdk.ApiRequestFailure)


def test_errors_of_tunesmith_pass():
    error = ours.QuotaError("as it is")
    with pytest.raises(ours.QuotaError) as caught, translated("doing it"):
        raise error
    assert caught.value is error
