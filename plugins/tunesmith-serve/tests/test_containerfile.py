"""The Containerfile and the example for KServe agree with the packages and the command line."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from container_instructions import CONTAINERFILE, ROOT, stages
from served_prompts import MICRO

import tunesmith
from tunesmith_serve.app import create_app
from tunesmith_serve.cli import serve
from tunesmith_serve.server import Server
from tunesmith_serve.service import Service
from tunesmith_serve.settings import Settings

INSTALLED, FINAL = stages()
EXAMPLE = ROOT / "docs" / "examples" / "inference-service.yaml"


def projects() -> list[dict[str, Any]]:
    """The metadata of the folders of this repository that are installed."""
    words = shlex.split(INSTALLED.one("RUN"))
    folders = [word for word in words if word == "." or word.startswith("plugins/")]
    files = [ROOT / folder / "pyproject.toml" for folder in folders]
    return [tomllib.loads(file.read_text("utf-8"))["project"] for file in files]


def started(*more: str) -> Any:
    """The context of the start command, to which ``more`` is added."""
    program, name, *arguments = FINAL.command("ENTRYPOINT")
    assert (program, name) == ("tunesmith", serve.name)
    return serve.make_context(serve.name, [*arguments, *more])


def test_every_package_of_this_repository_that_is_needed_is_installed_from_it() -> None:
    installed = {project["name"] for project in projects()}
    needed = {re.split(r"[^\w-]", text)[0] for one in projects() for text in one["dependencies"]}
    assert {name for name in needed if name.startswith("tunesmith")} <= installed
    assert {"tunesmith-serve", "tunesmith-local", "tunesmith-micro-granite"} <= installed


def test_what_is_copied_is_there() -> None:
    sources = [word for line in INSTALLED.all("COPY") for word in line.split()[:-1]]
    assert sources
    assert not [source for source in sources if not (ROOT / source).exists()]


def test_the_start_command_listens_where_the_image_says() -> None:
    values = started().params
    assert values["host"] == "0.0.0.0"
    assert values["port"] == int(FINAL.one("EXPOSE"))
    assert values["folder"] == Path(FINAL.one("VOLUME"))


def test_the_image_has_no_root_and_no_address_of_a_registry() -> None:
    user, _, group = FINAL.one("USER").partition(":")
    assert int(user) > 0
    assert group == "0"
    text = CONTAINERFILE.read_text("utf-8")
    assert set(re.findall(r"https?://([\w.]+)", text)) == {"127.0.0.1"}


def test_the_health_check_tells_a_server_from_none(tmp_path: Path) -> None:
    with tunesmith.connect("local", store=tmp_path) as backend:
        service = Service(backend, MICRO, Settings())
        server = Server(create_app(service), "127.0.0.1", 0, envelope=lambda text: text)
        port = server.port
        server.start()
        assert health(port) == 0
        server.stop()
        service.close()
    assert health(port) != 0


def health(port: int) -> int:
    program, *arguments = FINAL.command("HEALTHCHECK")
    assert program == "python"
    exposed = f":{FINAL.one('EXPOSE')}/"
    command = [sys.executable, *(one.replace(exposed, f":{port}/") for one in arguments)]
    return subprocess.run(command, capture_output=True, timeout=60).returncode


def test_the_example_for_kserve_starts_the_image_and_asks_its_routes() -> None:
    predictor = yaml.safe_load(EXAMPLE.read_text("utf-8"))["spec"]["predictor"]
    (container,) = predictor["containers"]
    folder, port = FINAL.one("VOLUME"), int(FINAL.one("EXPOSE"))
    assert started(*container["args"]).params["prompts"] == (f"reviews={folder}/RUN",)
    assert [one["containerPort"] for one in container["ports"]] == [port]
    assert [one["mountPath"] for one in container["volumeMounts"]] == [folder]
    probes = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")]
    assert [(one["path"], one["port"]) for one in probes] == [
        ("/ready", port), ("/ready", port), ("/health", port)
    ]  # fmt: skip
    assert predictor["terminationGracePeriodSeconds"] > Settings().stop_seconds
    names = {one["name"] for one in container["env"]}
    assert names == {option.envvar for option in serve.params if option.envvar}


@pytest.mark.parametrize("name", ["TUNESMITH_API_KEYS", "TUNESMITH_ADMIN_KEY"])
def test_keys_come_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "a-key")
    values = started().params
    assert "a-key" in (*values["api_keys"], values["admin_key"])
