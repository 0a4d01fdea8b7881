"""Bodies: bounded, well formed JSON, or an envelope."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tunesmith_emulator.routes.bodies import parse

PATH = "/ml/v1/text/generation"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"not json",
        b"{'input': 1}",
        b'{"input": NaN}',
        b'{"input": Infinity}',
        b'\xff\xfe{"a": 1}',
        b'{"input": "\\ud800"}',
        b'{"a": ' * 200_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        b"[]",
        b'"text"',
        b"null",
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_a_body_that_is_no_json_object_is_refused(local: Any, raw: bytes) -> None:
    answer = local.client.post(PATH, content=raw)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["code"] == "json_validation_error"
    assert error["message"].startswith("Json document validation error: ")


def test_characters_beyond_the_first_plane_may_be_escaped() -> None:
    assert parse(b'{"a": "\\ud83d\\udc36"}') == {"a": "\N{DOG FACE}"}


def test_a_long_body_is_refused_by_its_announced_length(local: Any) -> None:
    limit = local.settings.max_body_bytes
    answer = local.client.post(PATH, content=b" " * (limit + 1))
    assert answer.status_code == 413
    assert str(limit) in answer.json()["errors"][0]["message"]


def test_a_long_body_without_content_length_is_refused(local: Any) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b" " * 1_000_000

    answer = local.client.post(PATH, content=chunks())
    assert answer.status_code == 413
    assert "content-length" not in answer.request.headers
