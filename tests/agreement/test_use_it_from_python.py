"""The code of the how-to page about Python runs as it is printed, its service included."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/use-it-from-python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(SERVICE,) = (block for block in BLOCKS if block.startswith("# serve.py"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory in which the code of the page ran, apart from the service."""
    path = tmp_path_factory.mktemp("page")
    (path / "data").symlink_to(ROOT / "data")
    code = "\n".join(block for block in BLOCKS if block is not SERVICE)
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:tunesmith", "-c", code],
        cwd=path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (path / "printed").write_text(done.stdout)
    return path


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[str]:
    """The URL of the page's service, with the run that its code made."""
    (run,) = folder.glob("runs/*-departments-sklearn-*")
    (folder / "serve.py").write_text(SERVICE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "serve.py", str(run), str(port)],
        cwd=folder, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def post(url: str, body: str) -> Any:
    """Return the answer to ``body``, as soon as the service listens."""
    for _ in range(300):
        try:
            with urlopen(url, body.encode(), timeout=60) as answer:
                return json.load(answer)
        except HTTPError:
            raise
        except URLError:
            time.sleep(0.1)
    raise AssertionError("the service did not start")


def test_the_code_prints_results_answers_and_errors(folder: Path) -> None:
    run, _, accuracy, epochs, first, second, *errors = (folder / "printed").read_text().splitlines()
    assert run.startswith("<Run 'runs/")
    assert 0.5 < float(accuracy) <= 1
    assert epochs == "()"
    assert first.startswith("delivery 0.")
    assert second.startswith("billing 0.")
    assert [line.partition(": ")[0] for line in errors] == [
        "ExperimentError", "ExperimentError", "DatasetError", "RunError",
    ]  # fmt: skip


def test_the_service_answers_the_request_of_the_page(service: str) -> None:
    ((body, answer),) = re.findall(r"curl -d '(.*?)' .*\n(.*)\n", PAGE)
    assert post(service, body) == json.loads(answer)


@pytest.mark.parametrize(("body", "reason"), [("[]", "no rows"), ('["a", ""]', "row 1"), ("{", "")])
def test_the_service_refuses_wrong_texts_and_goes_on(service: str, body: str, reason: str) -> None:
    assert post(service, '["late"]')
    with pytest.raises(HTTPError) as refused:
        post(service, body)
    assert refused.value.code == 400
    assert reason in json.load(refused.value)["error"]
