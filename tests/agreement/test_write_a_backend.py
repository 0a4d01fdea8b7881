"""Everything on the page for authors of backends runs, and its excerpts are what is generated."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from generated_plugins import Workplace

from tunesmith.testing.harness import Harness

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/write-a-backend.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.DOTALL | re.M)
COMMANDS = [line[2:] for kind, text in BLOCKS if kind == "console" for line in text.splitlines()
            if line.startswith("$ ")]  # fmt: skip
NAMED = [(*text.split("\n", 1),) for kind, text in BLOCKS if kind in ("python", "yaml")]
"""The first line of a block names its file."""
EXCERPTS = [(first[2:], rest) for first, rest in NAMED if "/" in first]
FILES = {first[2:]: rest for first, rest in NAMED if "/" not in first}
PORT = "8765"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The folder of the reader, with the distribution and the files of the page."""
    found = Workplace(tmp_path_factory.mktemp("page"))
    make = COMMANDS[0]
    assert make == "tunesmith new-plugin acme"
    output = found.run("-m", *make.split())
    (console,) = (text for kind, text in BLOCKS if kind == "console" and make in text)
    assert output.splitlines()[0] == console.splitlines()[1]
    found.install("tunesmith-acme")
    for name, text in FILES.items():
        (found.folder / name).write_text(text)
    return found


@pytest.fixture(scope="module")
def provider(place: Workplace) -> Iterator[dict[str, str]]:
    """The provider of the page runs; yields the environment that the page exports."""
    (serve,) = (c for c in COMMANDS if c.endswith("&"))
    (export,) = (c for c in COMMANDS if c.startswith("export "))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    _, *arguments = shlex.split(serve.removesuffix("&").replace(PORT, port))
    running = subprocess.Popen(
        [sys.executable, *arguments], cwd=place.folder, stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout
        assert running.stdout.readline().startswith(f"serving at http://127.0.0.1:{port}")
        pairs = shlex.split(export.replace(PORT, port))[1:]
        yield {"NO_PROXY": "127.0.0.1", **dict(pair.split("=", 1) for pair in pairs)}
    finally:
        running.terminate()
        running.wait()
        if running.stdout:
            running.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize(("path", "excerpt"), EXCERPTS, ids=lambda value: value.split("\n")[0])
def test_an_excerpt_is_in_the_generated_file(path: str, excerpt: str, place: Workplace) -> None:
    assert excerpt in (place.folder / "tunesmith-acme" / path).read_text()


@pytest.mark.slow
def test_the_commands_run(place: Workplace, provider: dict[str, str]) -> None:
    place.run("rows.py")
    ran = [c for c in COMMANDS if c.startswith("tunesmith ") and "new-plugin" not in c]
    assert [c.split()[1] for c in ran] == ["run", "benchmark"]
    for command in ran:
        place.run("-m", *command.split(), **provider)
    records = list((place.folder / "runs").glob("*/run.json"))
    assert any('"input_tokens"' in record.read_text() for record in records)
    (results,) = (place.folder / "runs").rglob("results.jsonl")
    assert "USD" in (results.parent / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FILES if "# prints: " in FILES[name]])
def test_a_script_prints_what_the_page_says(
    name: str, place: Workplace, provider: dict[str, str]
) -> None:
    expected = re.findall("# prints: (.*)", FILES[name])
    assert place.run(name, **provider).splitlines() == expected


@pytest.mark.slow
def test_the_broken_line_fails_as_the_page_says(place: Workplace) -> None:
    (change,) = (text for kind, text in BLOCKS if kind == "diff")
    (told,) = (text for kind, text in BLOCKS if kind == "text")
    (name,) = re.findall(r"^\+\+\+ b/(.*)$", change, re.M)
    (before,), (after,) = (re.findall(rf"^\{sign} (.*)$", change, re.M) for sign in "-+")
    path = place.folder / "tunesmith-acme" / name
    source = path.read_text()
    assert source.count(before) == 1
    path.write_text(source.replace(before, after))
    try:
        done = place.tested("tunesmith-acme/tests/test_conformance.py", sources=(path.parents[1],))
    finally:
        path.write_text(source)
    for line in told.splitlines():
        assert line in done.stdout, done.stdout


def test_the_table_has_every_attribute_of_a_test_class() -> None:
    table = PAGE[PAGE.index("| attribute |") : PAGE.index("It may replace these fixtures")]
    named = {name for row in re.findall(r"^\| (`.*?) \|", table, re.M)
             for name in re.findall("`(.*?)`", row)}  # fmt: skip
    parts = {"declared", "tuner", "deployer", "predictor"}
    assert named == set(Harness.__annotations__) - parts
