"""tunesmith's errors in the service's words."""

from __future__ import annotations

import logging

import pytest

from tunesmith import errors
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.translation import service_errors, translated


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.UnsupportedError("no"), 400, "unsupported"),
        (errors.ExperimentError("no"), 400, "invalid_request_entity"),
        (errors.DatasetError("no"), 400, "invalid_request_entity"),
        (errors.PredictionError("no"), 400, "invalid_input_argument"),
        (errors.NotFoundError("no"), 404, "not_found"),
        (errors.QuotaError("no"), 429, "rate_limit_reached_requests"),
    ],
)
def test_an_error_that_the_client_can_fix_keeps_its_message(
    error: Exception, status: int, code: str
) -> None:
    answer = translated(error)
    assert (answer.status, answer.code, answer.message) == (status, code, "no")


@pytest.mark.parametrize(
    "error",
    [
        errors.AuthenticationError("key abc"),
        errors.BackendError("/home/x"),
        RuntimeError("/home/x"),
    ],
)
def test_anything_else_stays_inside_and_is_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = translated(error)
    assert answer.status == 500
    assert str(error) not in answer.message
    assert str(error) in caplog.text


def test_a_refusal_stays_as_it_is() -> None:
    refusal = ServiceError(409, "taken", "The name is taken.")
    assert translated(refusal) is refusal


def test_a_block_raises_the_translation() -> None:
    with pytest.raises(ServiceError, match="gone") as raised, service_errors():
        raise errors.NotFoundError("gone")
    assert isinstance(raised.value.__cause__, errors.NotFoundError)
