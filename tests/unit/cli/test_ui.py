"""ui: the address on stdout, the browser, and a clean end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

BROWSER = """
import socket, sys, urllib.request
got = urllib.request.urlopen(sys.argv[2], timeout=30)
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=30) as test:
    test.sendall(f"{got.status} {sys.argv[2]}".encode())
"""


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``tunesmith ui`` in a separate process, which ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tunesmith", "ui", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_it_prints_the_address_serves_and_ends_cleanly(work: Path) -> None:
    with started("--no-open") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urlopen(url, timeout=30) as page:
            assert "No runs yet." in page.read().decode()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "Ctrl-C ends it\n")


def test_the_browser_opens_the_page(work: Path) -> None:
    browser = work / "browser.py"
    browser.write_text(BROWSER)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        program = f"{sys.executable} {browser} {listening.getsockname()[1]} %s"
        with started("--json", BROWSER=program) as process:
            assert process.stdout is not None
            url = json.loads("".join(process.stdout.readline() for _ in range(3)))["url"]
            with listening.accept()[0] as told:
                told.settimeout(60)
                assert told.recv(1000).decode() == f"200 {url}"


def test_a_port_that_is_taken(work: Path) -> None:
    with started("--no-open") as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip().rstrip("/").rpartition(":")[2]
        command = [sys.executable, "-m", "tunesmith", "ui", "--no-open", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none(work: Path, port: str) -> None:
    command = [sys.executable, "-m", "tunesmith", "ui", "--port", port]
    assert subprocess.run(command, capture_output=True).returncode == 2
