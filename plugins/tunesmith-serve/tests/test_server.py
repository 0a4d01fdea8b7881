"""``tunesmith serve`` on a real socket: as a process with real signals, and in this process."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from served_prompts import MICRO

from tunesmith_serve.app import create_app
from tunesmith_serve.cli import serve
from tunesmith_serve.server import Server
from tunesmith_serve.service import Service
from tunesmith_serve.settings import Settings

SECONDS = 120
CHOICE = {"type": "choice", "criteria": {"0": None, "1": None}}


def started(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "tunesmith_serve", *arguments, "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        assert line, "the server ended"
        text += line
    return process, json.loads(text)["url"]


def post(url: str, body: Any, key: str = "") -> Any:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        return json.load(response)


def ask(url: str, model: str) -> dict[str, Any]:
    body = {"state": "Rude.", "model": model, "questions": {"q": CHOICE}}
    return post(f"{url}/v1/systemone", body)["answers"]["q"]


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    made: list[subprocess.Popen[str]] = []
    yield made
    for process in made:
        process.kill()
        process.communicate()


def test_a_run_is_served_and_what_was_added_survives_a_kill(tuned: Any, processes: Any) -> None:
    folder: Path = tuned.folder
    arguments = [f"one={tuned.grooming}", "--prompts", str(folder), "--admin-key", "k"]
    process, url = started(*arguments)
    processes.append(process)
    assert ask(url, "one")["x_answered_by"] == "one"
    post(f"{url}/v1/prompts/two", {"path": tuned.other.name}, "k")
    two = ask(url, "two")
    process.kill()
    process.wait()
    again, url = started(*arguments)
    processes.append(again)
    assert ask(url, "two")["choice"] == two["choice"]
    again.send_signal(signal.SIGTERM)
    assert again.wait(SECONDS) == 0
    with pytest.raises(urllib.error.URLError):
        ask(url, "two")


@contextmanager
def listening(service: Service) -> Iterator[Server]:
    server = Server(
        create_app(service), "127.0.0.1", 0, envelope=lambda text: text, stop_seconds=SECONDS
    )
    server.start()
    try:
        yield server
    finally:
        server.stop()


def test_an_accepted_request_is_answered_when_the_server_stops(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = type(service.backend.predictor)
    real, begun, go = predictor.classify_each, threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        begun.set()
        assert go.wait(SECONDS)
        return real(*arguments)

    monkeypatch.setattr(predictor, "classify_each", slow)
    with ThreadPoolExecutor(2) as pool, listening(service) as server:
        answer = pool.submit(ask, f"http://127.0.0.1:{server.port}", "grooming")
        assert begun.wait(SECONDS)
        stopping = pool.submit(server.stop)
        time.sleep(0.5)  # the server looks for its end ten times a second
        go.set()
        assert answer.result(SECONDS)["x_answered_by"] == "grooming"
        stopping.result(SECONDS)


def test_a_prompt_is_added_from_the_command_line(tuned: Any, tmp_path: Path) -> None:
    shutil.copytree(tuned.other, tmp_path / "run")
    service = Service(tuned.backend, MICRO, Settings(prompts=tmp_path, admin_key="k")).load()
    with listening(service) as server:
        place = ["--port", str(server.port), "--admin-key", "k"]
        added = CliRunner().invoke(serve, ["--add", "late=run", *place])
        assert (added.exit_code, added.output) == (0, "late: 0, 1\n")
        refused = CliRunner().invoke(serve, ["--add", "late=nothing", *place])
        assert "No such file" in str(refused.exception)
    assert list(service.prompts.all()) == ["late"]
    service.close()
