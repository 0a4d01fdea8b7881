"""A running emulator, and the clients that talk to it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # the test modules share service_*.py

from service_backends import install  # noqa: E402  # after the path is set
from service_rest import Rest  # noqa: E402  # after the path is set

from tunesmith.plugins import registry  # noqa: E402  # after the path is set
from tunesmith_emulator import Emulator  # noqa: E402  # after the path is set

# The SDK's own: it hands httpx the path of a certificate, which httpx would rather have read;
# lomond asks for TLS in an old way; and it passes on the warnings in the service's answers.
OF_THE_SDK = (
    "ignore:.verify=<str>. is deprecated:DeprecationWarning",
    "ignore::DeprecationWarning:lomond",
    "ignore:The method 'tfidf_logreg' stands in",
    "ignore:online_url and serving_urls are deprecated",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the SDK's own warnings pass."""
    for item in (item for item in items if HERE in item.path.parents):
        item.add_marker(pytest.mark.filterwarnings(*OF_THE_SDK))


@pytest.fixture(scope="session")
def plugin_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Install the backends of service_backends.py; gives what another process's path needs."""
    folder = str(install(tmp_path_factory.mktemp("plugins")))
    sys.path.insert(0, folder)
    registry.cache_clear()
    yield os.pathsep.join([folder, str(HERE)])
    sys.path.remove(folder)
    registry.cache_clear()


@pytest.fixture(scope="session")
def _emulator() -> Iterator[Emulator]:
    with Emulator("sklearn") as running:
        yield running


@pytest.fixture(scope="session")
def _code_emulator() -> Iterator[Emulator]:
    with Emulator("sklearn", run_code=True) as running:
        yield running


@pytest.fixture
def code_emulator(_code_emulator: Emulator) -> Iterator[Emulator]:
    """An emulator that runs stored code, empty at the start of a test."""
    yield _code_emulator
    _code_emulator.reset()


@pytest.fixture
def emulator(_emulator: Emulator) -> Iterator[Emulator]:
    """An emulator over scikit-learn, empty at the start of a test."""
    yield _emulator
    _emulator.reset()


@pytest.fixture(scope="session")
def _local() -> Iterator[Emulator]:
    with Emulator("local") as running:
        yield running


@pytest.fixture
def local(_local: Emulator) -> Iterator[Emulator]:
    """An emulator over the embedded base model, empty at the start of a test."""
    yield _local
    _local.reset()


def rest_of(running: Emulator, project: str | None = None, **given: Any) -> Rest:
    return Rest(running.url, running.ca_file, project or running.project_id, **given)


@pytest.fixture
def rest(emulator: Emulator) -> Iterator[Rest]:
    with rest_of(emulator) as client:
        yield client


@pytest.fixture
def start(plugin_path: str) -> Iterator[Callable[..., Emulator]]:
    """Start emulators that are stopped at the end of the test."""
    running: list[Emulator] = []

    def started(backend: str = "sklearn", **settings: Any) -> Emulator:
        running.append(Emulator(backend, **settings).start())
        return running[-1]

    yield started
    for each in reversed(running):
        each.stop()


@pytest.fixture
def rest_for() -> Iterator[Callable[..., Rest]]:
    """Make clients that are closed at the end of the test."""
    made: list[Rest] = []

    def client(running: Emulator, project: str | None = None, **given: Any) -> Rest:
        made.append(rest_of(running, project, **given))
        return made[-1]

    yield client
    for each in made:
        each.http.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the SDK's pollers, which sleep five seconds, look again at once."""
    import time

    import ibm_watsonx_ai.deployments  # noqa: F401

    sleep = time.sleep
    monkeypatch.setattr("time.sleep", lambda seconds: sleep(min(seconds, 0.05)))


@pytest.fixture
def sdk(emulator: Emulator, impatient: None) -> Iterator[Any]:
    """The real client of ibm-watsonx-ai for the emulator's project."""
    from ibm_watsonx_ai import APIClient, Credentials

    yield APIClient(Credentials(**emulator.credentials), project_id=emulator.project_id)
    gc.collect()  # what the SDK leaves open complains now, in its own test
