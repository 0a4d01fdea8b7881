"""A recording without a server: its lines, its secrets, its matches, its shapes."""

from __future__ import annotations

import json

import pytest

from tunesmith.errors import ExperimentError
from tunesmith_emulator.recording.exchange import (
    Body,
    Exchange,
    Header,
    Request,
    Response,
    body_of,
    read_recording,
)
from tunesmith_emulator.recording.matching import Replay
from tunesmith_emulator.recording.redaction import Secrets
from tunesmith_emulator.recording.shapes import Difference, differences

KEY = "wNq83-a-real-looking-key"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"
HEADER = Header(recorded_at="2026-01-01T00:00:00+00:00")
JSON = "application/json"


def exchange(asked=None, told=None, path="/ml/v1/text/generation", method="POST", **request):
    return Exchange(
        request=Request(method=method, host="us-south.ml.cloud.ibm.com", path=path, media=JSON,
                        body=None if asked is None else Body(kind="json", value=asked), **request),
        response=Response(status=200, body=None if told is None else Body(kind="json", value=told)),
    )  # fmt: skip


def written(folder, *exchanges):
    file = folder / "recording.jsonl"
    file.write_text("".join(f"{one.model_dump_json()}\n" for one in (HEADER, *exchanges)))
    return file


def cleaned(one, secrets=None):
    return (secrets or Secrets()).clean(one)


@pytest.mark.parametrize(
    ("raw", "media", "kind"),
    [
        (b'{"a": 1}', JSON, "json"),
        (b"[oops", JSON, "text"),
        (b"\xff\x00", "application/octet-stream", "base64"),
        (b"id: 1\ndata: {}\n\nid: 2\ndata: 2\n\n", "text/event-stream; charset=utf-8", "events"),
        (b"x" * 8_000_001, "text/plain", "omitted"),
    ],
)
def test_a_body_is_kept_as_what_it_is(raw, media, kind):
    body = body_of(raw, media)
    assert body.kind == kind
    if kind not in ("json", "omitted"):
        assert b"".join(body.pieces) == raw
    if kind == "events":
        assert len(body.pieces) == 2
    assert body_of(b"", media) is None


def test_lines_are_read_back(tmp_path):
    one = exchange({"input": "x"}, {"results": []}, query=(("version", "2026-10-14"),))
    assert read_recording(written(tmp_path, one, one)) == [one, one]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ('{"format": "other", "version": 1, "recorded_at": ""}', "line 1: is no line of a rec"),
        (f"{HEADER.model_dump_json()}\n{{}}\n", "line 2: is no line of a recording: request"),
        (
            f"{HEADER.model_dump_json()}\n"
            '{"request": {"method": "GET", "host": "", "path": "/", '
            '"body": {"kind": "base64", "value": "?"}}, "response": {"status": 200}}',
            "request.body: value: is no base64",
        ),
    ],
    ids=["empty", "format", "fields", "base64"],
)
def test_a_file_that_is_no_recording_is_named_with_its_line(tmp_path, content, message):
    file = tmp_path / "other.jsonl"
    file.write_text(content)
    with pytest.raises(ExperimentError) as error:
        read_recording(file)
    assert message in str(error.value)
    assert str(file) in str(error.value)


def test_secrets_are_taken_out_by_their_names():
    told = {
        "access_token": "short", "apiKey": KEY, "nested": [{"client_secret": "abc"}],
        "credentials": {"admin": {"name": "me", "port": 1}},
        "url": f"https://host/x?signature={KEY}&part=2", "token_count": 3, "tokens": ["a"],
        "text": f"he said {JWT}",
    }  # fmt: skip
    one = cleaned(exchange({"password": "pass"}, told, query=(("X-Amz-Signature", KEY),)))
    assert one.response.body.value == {
        "access_token": "REDACTED", "apiKey": "REDACTED",
        "nested": [{"client_secret": "REDACTED"}],
        "credentials": {"admin": {"name": "REDACTED", "port": 1}},
        "url": "https://host/x?signature=REDACTED&part=2", "token_count": 3, "tokens": ["a"],
        "text": "he said REDACTED",
    }  # fmt: skip
    assert one.request.body.value == {"password": "REDACTED"}
    assert one.request.query == (("X-Amz-Signature", "REDACTED"),)


def test_the_tokens_of_a_model_are_no_secrets():
    told = {"logprobs": {"content": [{"token": " Paris", "logprob": -0.1}]}}
    assert cleaned(exchange(told=told)).response.body.value == told


def test_a_secret_is_taken_out_wherever_it_occurs():
    secrets = Secrets({"WATSONX_APIKEY": KEY, "HOME": "/home/somebody"})
    one = cleaned(exchange({"input": f"my key is {KEY}, at /home/somebody"}), secrets)
    assert one.request.body.value["input"] == "my key is REDACTED, at /home/somebody"
    earlier = cleaned(exchange({"input": "a 'quoted\" secret'"}), secrets).model_dump_json()
    secrets.learn_headers([("authorization", 'Bearer quoted" secret')])
    assert "quoted" in earlier
    assert "quoted" not in secrets.line(earlier)


def test_a_sign_in_keeps_its_form_only():
    one = exchange(path="/identity/token")
    form = Body(kind="text", value=f"apikey={KEY}&grant_type=urn%3Aapikey")
    media = "application/x-www-form-urlencoded"
    given = one.model_copy(
        update={"request": one.request.model_copy(update={"body": form, "media": media})}
    )
    secrets = Secrets()
    assert cleaned(given, secrets).request.body.value == "apikey=REDACTED&grant_type=urn%3Aapikey"
    assert secrets.text(f"see {KEY}") == "see REDACTED"


def test_events_are_cleaned_too():
    event = f'id: 1\nevent: message\ndata: {{"api_key": "{KEY}", "text": "é"}}\n\n'
    one = exchange()
    given = one.model_copy(
        update={"response": Response(status=200, body=Body(kind="events", value=[event]))}
    )
    (told,) = cleaned(given).response.body.value
    assert told == 'id: 1\nevent: message\ndata: {"api_key": "REDACTED", "text": "é"}\n\n'


def test_a_request_is_matched_without_what_changes(tmp_path):
    asked = {"model_id": "m", "input": "x", "project_id": "theirs"}
    query = (("version", "2025-01-01"), ("limit", "2"))
    replay = Replay(written(tmp_path, exchange(asked, {"n": 1}, query=query)))
    ours = exchange({**asked, "project_id": "ours"}, query=(("limit", "2"),)).request
    assert replay.next(ours)[0] == 2
    for other in (
        exchange({**asked, "input": "y"}, query=(("limit", "2"),)),
        exchange(asked, query=(("limit", "3"),)),
        exchange(asked, query=(("limit", "2"),), method="PUT"),
        exchange(asked, query=(("limit", "2"),), path="/ml/v1/text/chat"),
    ):
        assert replay.next(other.request) is None


def test_the_answers_to_one_request_come_in_order_and_the_last_stays(tmp_path):
    file = written(tmp_path, *(exchange({"input": "x"}, {"n": n}) for n in range(3)))
    replay, asked = Replay(file), exchange({"input": "x"}).request
    numbers = [replay.next(asked)[1].response.body.value["n"] for _ in range(4)]
    assert numbers == [0, 1, 2, 2]


def test_a_sign_in_is_never_replayed(tmp_path):
    one = exchange(path="/identity/token")
    assert Replay(written(tmp_path, one)).next(one.request) is None


def test_shapes_differ_where_fields_and_types_do():
    there = {"a": 1, "rows": [{"x": "1", "y": None}, {"x": "2"}], "deep": {"er": {"est": 1}}}
    here = {"a": "1", "rows": [{"x": "3", "z": True}], "tunesmith": {"emulated": True}}
    assert list(differences(there, here)) == [
        Difference("a", "type", "number", "string"),
        Difference("deep", "missing", recorded="object"),
        Difference("rows[].y", "missing", recorded="null"),
        Difference("rows[].z", "added", emulator="boolean"),
    ]


def test_texts_numbers_and_empty_lists_do_not_differ():
    assert not list(differences({"a": 1, "b": "x", "c": [{"d": 1}]}, {"a": 2.5, "b": "", "c": []}))
    assert list(differences([], {})) == [Difference("(body)", "type", "array", "object")]


def test_the_file_is_json_lines(tmp_path):
    file = written(tmp_path, exchange({"input": "x"}))
    first, second = map(json.loads, file.read_text().splitlines())
    assert first == {"format": "tunesmith-recording", "version": 1,
                     "recorded_at": "2026-01-01T00:00:00+00:00"}  # fmt: skip
    assert second["request"]["body"] == {"kind": "json", "value": {"input": "x"}}
