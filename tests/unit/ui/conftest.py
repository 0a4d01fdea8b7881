"""A folder of runs, served as in ``tunesmith ui``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tunesmith import Experiment
from tunesmith.run import Run
from tunesmith.testing.fake import FakeBackend
from tunesmith.ui.folder import RunsFolder
from tunesmith.ui.server import Server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def run_of(values: dict[str, Any], folder: Path) -> Callable[..., Run]:
    """Run the small experiment with changes on the fake backend."""

    def call(**changes: Any) -> Run:
        experiment = Experiment.from_values({**values, **changes})
        return experiment.run(FakeBackend(), runs_dir=folder)

    return call


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


@pytest.fixture
def ask(folder: Path) -> Iterator[Callable[..., Answer]]:
    """Send a request to a server of the folder."""
    with Server(RunsFolder(folder), 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def call(path: str, method: str = "GET", **headers: str) -> Answer:
            connection = HTTPConnection("127.0.0.1", server.server_port, timeout=30)
            connection.request(method, path, headers=headers)
            got = connection.getresponse()
            answer = Answer(got.status, dict(got.getheaders()), got.read().decode())
            connection.close()
            return answer

        yield call
        server.shutdown()
        thread.join()
