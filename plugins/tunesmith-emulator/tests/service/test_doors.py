"""The ways to start and stop an emulator: the context manager, the command and the fixture."""

from __future__ import annotations

import gc
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from service_process import Process
from service_rest import Rest

from tunesmith.errors import ExperimentError, PluginError
from tunesmith_emulator import Emulator
from tunesmith_emulator.cli import serve
from tunesmith_emulator.settings import PROJECT_ID

VERIFY = "WX_CLIENT_VERIFY_REQUESTS"


def of_the_emulator():
    names = ("server", "trainings", "deployments", "AnyIO")
    return [t.name for t in threading.enumerate() if t.name.startswith(names)]


def test_nothing_is_left_when_it_stops():
    before = len(of_the_emulator())
    with Emulator("sklearn") as running:
        with Rest(running.url, running.ca_file, running.project_id) as rest:
            rest.ready(rest.deploy(rest.tuned()))
        folder, port = running.settings.data_dir, running.port
        assert len(of_the_emulator()) > before
    gc.collect()  # a socket left open complains here
    assert len(of_the_emulator()) == before
    assert not folder.exists()
    with socket.create_server(("127.0.0.1", port)):
        pass
    running.stop()  # does nothing


def test_two_work_side_by_side(start, rest_for):
    one, two = start("sklearn"), start("sklearn")
    first, second = rest_for(one), rest_for(two)
    asset = first.upload()
    assert second.ask("GET", f"/v2/assets/{asset}").status_code == 404
    training, other = first.train(asset), second.train(second.upload())
    first.ended(training)
    second.ended(other)


def test_a_data_directory_serves_one_emulator_at_a_time(tmp_path):
    with (
        Emulator("sklearn", data_dir=tmp_path) as running,
        pytest.raises(ExperimentError, match="another emulator uses this folder"),
    ):
        Emulator("sklearn", data_dir=tmp_path).start()
    with Emulator("sklearn", data_dir=tmp_path) as again:
        assert again.ca_file == running.ca_file


def test_a_failed_start_keeps_no_resources(tmp_path):
    with pytest.raises(PluginError, match="no backend 'sklaern'"):
        Emulator("sklaern", data_dir=tmp_path).start()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ExperimentError, match=f"cannot listen on 127.0.0.1:{port}"):
            Emulator("sklearn", data_dir=tmp_path, port=port).start()
    with Emulator("sklearn", data_dir=tmp_path):
        pass
    gc.collect()


def test_a_data_directory_that_cannot_be_one_is_named(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ExperimentError, match="cannot be the data directory"):
        Emulator("sklearn", data_dir=file).start()


def spoiled(*statements):
    def change(folder):
        with closing(sqlite3.connect(folder / "state.sqlite")) as database:
            for statement in statements:
                database.execute(statement)

    return change


def swapped(name):
    def change(folder):
        shutil.rmtree(folder / name)
        (folder / name).write_text("")

    return change


def junk(name, content):
    return lambda folder: (folder / name).write_bytes(content)


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """The data directory of an emulator that has stopped."""
    folder = tmp_path_factory.mktemp("left")
    with Emulator("sklearn", data_dir=folder):
        pass
    return folder


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (junk("state.sqlite", b"junk" * 1000), "state.sqlite"),
        (lambda folder: os.truncate(folder / "state.sqlite", 9000), "state.sqlite"),
        (spoiled("DROP TABLE trainings", "CREATE TABLE trainings (a)"), "state.sqlite"),
        (spoiled("ALTER TABLE trainings DROP COLUMN message"), "state.sqlite"),
        (spoiled("ALTER TABLE assets ADD COLUMN later"), "state.sqlite"),
        (junk("authority/ca.pem", b""), "ca.pem"),
        (junk("authority/ca.key", b"junk"), "ca.key"),
        (junk("authority/token.key", b"\xff\xfe"), "token.key"),
        (junk("authority/token.key", b""), "token.key"),
        (swapped("assets"), "assets"),
        (swapped("authority"), "authority"),
    ],
)
def test_a_state_file_that_cannot_be_read_is_named(left, tmp_path, change, named):
    folder = tmp_path / "data"
    shutil.copytree(left, folder)
    change(folder)
    with pytest.raises(ExperimentError, match="give another --data-dir") as caught:
        Emulator("sklearn", data_dir=folder).start()
    (line,) = str(caught.value).splitlines()
    assert str(folder) in line
    assert named in line
    assert "sqlalche" not in line
    gc.collect()  # a connection left open complains here


def test_a_wrong_setting_makes_nothing():
    with pytest.raises(ExperimentError, match="port"):
        Emulator("sklearn", port=99999)
    Emulator("sklearn")  # never started
    gc.collect()  # a folder left behind complains here


def test_the_trusted_certificate_of_the_sdk_is_removed_with_the_emulator(monkeypatch):
    from ibm_watsonx_ai import APIClient, Credentials

    def client_of(running):
        return APIClient(Credentials(**running.credentials), project_id=running.project_id)

    monkeypatch.setenv(VERIFY, "before")
    with Emulator("sklearn") as outer:
        client = client_of(outer)
        assert os.environ[VERIFY] == str(outer.ca_file)
        with Emulator("sklearn") as inner:
            client_of(inner)
        assert client.training.get_details()["resources"] == []
    assert os.environ[VERIFY] == "before"
    monkeypatch.delenv(VERIFY)
    first = Emulator("sklearn").start()
    client_of(first)
    second = Emulator("sklearn").start()
    client_of(second)
    for running in (first, second):  # not in the order of a stack
        running.stop()
    assert VERIFY not in os.environ


def test_the_command_serves_and_prints_how_to_use_it(tmp_path, plugin_path):
    process = Process(tmp_path / "data", "sklearn", plugin_path, "--api-key", "hidden-key")
    try:
        shown = process.document
        assert set(shown) == {"credentials", "project_id", "page"}
        assert shown["credentials"]["api_key"] == "YOUR_API_KEY"
        with process.rest(api_key="hidden-key") as rest:
            rest.ended(rest.train(rest.upload()))
    finally:
        assert process.stop() == 0
    assert "hidden-key" not in process.errors.read_text() + json.dumps(shown)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["0.0.0.0", "0", "::", "0:0::0"])
def test_the_printed_address_is_served(host, start, rest_for):
    with rest_for(start("sklearn", host=host)) as client:
        assert client.healthy()


def command(*arguments):
    line = [sys.executable, "-m", "tunesmith", "emulator", *arguments]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(line, capture_output=True, text=True, timeout=60, env=environment)


def test_the_command_explains_itself():
    shown = command("serve", "--help")
    assert shown.returncode == 0
    for option in ("--port", "--data-dir", "--backend", "--as-of", "--api-key", "--json"):
        assert option in shown.stdout


def test_the_command_names_a_port_in_use_and_warns_of_an_open_one(tmp_path):
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = str(taken.getsockname()[1])
        folder = str(tmp_path / "data")
        refused = command(
            *("serve", "--backend", "sklearn", "--host", "0.0.0.0"),
            *("--port", port, "--data-dir", folder),
        )
    assert refused.returncode != 0
    assert f"cannot listen on 0.0.0.0:{port}" in refused.stderr
    assert "0.0.0.0 is open to the network" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_strict_projects_without_an_id_mean_the_printed_one():
    for given, projects in (
        (["--strict-projects", "--port", "0"], (PROJECT_ID,)),
        (["--strict-projects", "a", "--strict-projects", "b"], ("a", "b")),
        ([], ()),
    ):
        assert serve.make_context("serve", given).params["projects"] == projects


def test_the_fixture_gives_every_test_an_empty_emulator(tmp_path):
    (tmp_path / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def watsonx_emulator_options():\n"
        "    return {'backend': 'sklearn'}\n"
    )
    (tmp_path / "answers.yaml").write_text("answers: [{answer: {text: from a file}}]")
    (tmp_path / "test_with_it.py").write_text(
        "import httpx, pytest, ssl\n"
        "@pytest.mark.parametrize('turn', [1, 2])\n"
        "def test_it(watsonx_emulator, turn):\n"
        "    e = watsonx_emulator\n"
        "    assert e.requests == [] and e.services.catalogue.as_of is None\n"
        "    assert e.services.control.script.empty\n"
        "    context = ssl.create_default_context(cafile=e.credentials['verify'])\n"
        "    scope = {'project_id': e.project_id}\n"
        "    headers = {'Authorization': 'Bearer x'}\n"
        "    with httpx.Client(base_url=e.url, verify=context, headers=headers) as client:\n"
        "        body = {'query': '*:*'}\n"
        "        place = '/v2/asset_types/data_asset/search'\n"
        "        found = client.post(place, json=body, params=scope).json()\n"
        "        assert found['results'] == []\n"
        "        asset = {'metadata': {'name': 'a'}}\n"
        "        assert client.post('/v2/assets', json=asset, params=scope).status_code == 201\n"
        "    import datetime\n"
        "    e.set_date(datetime.date(2025, 1, 1))\n"
        "@pytest.mark.watsonx_answers({'answer': {'text': 'marked'}}, 'answers.yaml')\n"
        "def test_marked(watsonx_emulator):\n"
        "    script = watsonx_emulator.services.control.script\n"
        "    said = [one['answer']['text'] for one in script.listed()]\n"
        "    assert said == ['from a file', 'marked']\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "."],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert "3 passed" in run.stdout, run.stdout + run.stderr
