"""Official clients, in an environment of their own, against a real server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tunesmith_serve.app import create_app
from tunesmith_serve.server import Server

HERE = Path(__file__).parent
WANTED = os.environ.get("TUNESMITH_REQUIRE_CLIENTS") == "1"
SKIPPED = "needs the packages of requirements.txt and Node: `make test-all` installs and runs them"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; they run only if the clients are asked for."""
    for item in (item for item in items if HERE in item.path.parents):
        item.add_marker(pytest.mark.clients)
        if not WANTED:
            item.add_marker(pytest.mark.skip(reason=SKIPPED))


@pytest.fixture
def served(serving: Callable[..., Any]) -> Iterator[Callable[..., str]]:
    """Serve on a free port; the arguments are settings, and the result is the address."""
    with ExitStack() as opened:

        def serve(**settings: Any) -> str:
            server = Server(
                create_app(serving(**settings)), "127.0.0.1", 0, envelope=lambda text: text
            )
            server.start()
            opened.callback(server.stop)
            return f"http://127.0.0.1:{server.port}"

        yield serve
