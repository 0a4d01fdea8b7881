"""Connections of bad clients: two lengths, no HTTP, and bytes that hardly come."""

from __future__ import annotations

import json
import socket
import ssl
import time

import pytest

from tunesmith_serve import http_protocol

HEALTH = b"GET /_emulator/health HTTP/1.1\r\nHost: localhost\r\n"
UPLOAD = (
    b"POST /ml/v1/text/generation?version=2026-10-14 HTTP/1.1\r\n"
    b"Host: localhost\r\nAuthorization: Bearer x\r\n"
)
FAST = 0.3
"""The time limits in these tests, in seconds."""
PATIENCE = 20


@pytest.fixture
def connection(emulator):
    """A connection to the emulator, on which any bytes can be sent."""
    context = ssl.create_default_context(cafile=emulator.ca_file)
    with (
        socket.create_connection(("127.0.0.1", emulator.port), timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        yield secure


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", FAST)
    monkeypatch.setattr(http_protocol, "BODY_SECONDS", FAST)


def answered(connection):
    """Return all that the service sends until it closes."""
    received = b""
    try:
        while part := connection.recv(1 << 16):
            received += part
    except (ConnectionError, ssl.SSLError):
        pass  # it closed without a word
    return received


def refused(received):
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["status_code"] == 400  # one answer, and nothing follows it


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 0\r\n",
    ],
)
def test_a_request_with_two_lengths_is_not_taken_as_two(connection, emulator, caplog, lengths):
    hidden = b"DELETE /v2/assets/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
    connection.sendall(UPLOAD + lengths + b"\r\n0\r\n\r\n" + hidden)
    refused(answered(connection))
    assert not [seen for seen in emulator.requests if "hidden" in seen["path"]]
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        UPLOAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        UPLOAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_what_is_no_http_is_refused_with_the_envelope(connection, rest, caplog, sent):
    connection.sendall(sent)
    refused(answered(connection))
    assert rest.healthy()
    assert "Traceback" not in caplog.text


def drip(connection, data):
    """Send bytes one by one until the service closes; return the seconds that it took."""
    started = time.monotonic()
    try:
        while time.monotonic() - started < PATIENCE:
            connection.sendall(data)
            time.sleep(FAST / 10)
    except (ConnectionError, ssl.SSLError):
        return time.monotonic() - started
    raise AssertionError("never closed")


@pytest.mark.parametrize("begun", [b"", b"GET /", HEALTH + b"X-Slow: "])
def test_a_head_that_does_not_end_is_given_up(hurried, connection, begun):
    connection.sendall(begun)
    assert answered(connection) == b""


def test_a_head_that_drips_is_given_up(hurried, connection):
    connection.sendall(HEALTH + b"X-Slow: ")
    assert drip(connection, b"x") < PATIENCE / 2


def test_the_next_head_of_a_connection_is_given_up_too(hurried, connection):
    connection.sendall(HEALTH + b"\r\n")
    assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
    connection.sendall(b"GET /")
    drip(connection, b"x")


def test_a_connection_may_rest_between_two_requests(hurried, connection):
    for _ in range(2):
        connection.sendall(HEALTH + b"\r\n")
        received = connection.recv(1 << 16)
        while not received.endswith(b"}"):
            received += connection.recv(1 << 16)
        assert received.startswith(b"HTTP/1.1 200 ")
        time.sleep(3 * FAST)


def test_empty_lines_are_no_rest(hurried, connection):
    connection.sendall(HEALTH + b"\r\n")
    assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
    drip(connection, b"\r\n")


@pytest.mark.parametrize("length", [b"Content-Length: 900000", b"Transfer-Encoding: chunked"])
def test_a_body_that_drips_is_given_up(hurried, connection, rest, caplog, length):
    connection.sendall(UPLOAD + length + b"\r\n\r\n")
    drip(connection, b"1\r\nx\r\n" if b"chunked" in length else b"x")
    assert rest.healthy()
    assert "Traceback" not in caplog.text


def test_a_steady_body_may_take_long(hurried, connection, monkeypatch):
    monkeypatch.setattr(http_protocol, "BODY_BYTES", 2)
    connection.sendall(UPLOAD + b"Connection: close\r\nContent-Length: 40\r\n\r\n")
    for _ in range(40):
        connection.sendall(b" ")
        time.sleep(FAST / 10)
    assert answered(connection).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_waits_to_be_asked_for_its_body_is_not_slow(hurried, connection, emulator):
    emulator.fail("POST /ml/v1/text/generation", delay=3 * FAST)
    connection.sendall(
        UPLOAD + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    )
    assert connection.recv(1 << 16).startswith(b"HTTP/1.1 100 ")
    connection.sendall(b"{}")
    assert answered(connection).startswith(b"HTTP/1.1 400 ")


def test_a_slow_answer_has_no_such_limit(hurried, emulator, rest):
    emulator.fail("GET /v2/projects", delay=3 * FAST)
    assert rest.ask("GET", "/v2/projects").is_success


def test_a_follower_of_a_tuning_has_no_such_limit(hurried, start, rest_for):
    from lomond import WebSocket

    slow = start("slow")
    client = rest_for(slow)
    training = client.train(client.upload(), num_epochs=8)
    url = slow.url.replace("https", "wss")
    follower = WebSocket(f"{url}/ml/v4/trainings/{training}?project_id={slow.project_id}")
    follower.add_header(b"Authorization", f"Bearer {client.token}".encode())
    started = time.monotonic()
    said = "".join(event.text for event in follower if event.name == "text")
    assert '"completed"' in said
    assert time.monotonic() - started > 2 * FAST
