"""What unchanged code does holds at each door: ``-- python``, a notebook, a script in Jupyter."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tunesmith.errors import ExperimentError
from tunesmith_emulator.run import own_network
from tunesmith_emulator.run.child import run_child
from tunesmith_emulator.run.downloads import parse_downloads
from tunesmith_emulator.run.own_network import refusal
from tunesmith_emulator.run.proxy import Proxy
from tunesmith_emulator.run.start import Start
from tunesmith_emulator.run.work import prepare

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ECHO = "us-south.ml.cloud.ibm.com /x"
EMULATED = f"https://{ECHO.replace(' ', '')}"
URL = "https://raw.example-host.test/data/train.json"

needs_own_network = pytest.mark.skipif(
    refusal([]) != 0, reason="this machine allows no network namespace"
)


@pytest.fixture(params=["process", "notebook", "script"])
def door(request, tmp_path):
    """Return the arguments that run a text of code at one of the doors."""

    def arguments(code: str) -> tuple[str, ...]:
        (tmp_path / "work.py").write_text(code)
        if request.param == "process":
            return ("--", "python", "work.py")
        if request.param == "script":
            return ("work.py",)
        cell = {"cell_type": "code", "source": code, "outputs": [], "execution_count": None}
        book = {"cells": [{**cell, "metadata": {}}], "metadata": {}}
        (tmp_path / "work.ipynb").write_text(
            json.dumps({**book, "nbformat": 4, "nbformat_minor": 4})
        )
        return ("work.ipynb",)

    return arguments


@pytest.fixture
def run(door, tunesmith_run, tmp_path):
    def run(code, *options, **keywords):
        return subprocess.run(
            tunesmith_run(*options, *door(code)),
            capture_output=True, text=True, cwd=tmp_path, **{"input": "", **keywords},
        )  # fmt: skip

    return run


class TestEnding:
    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("import sys; sys.exit(7)", 7),
            ("import sys; sys.exit()", 0),
            ("exit(7)", 7),
            ("quit()", 0),
            ("raise SystemExit('text')", 1),
            ("1 / 0", 1),
            ("import os; os._exit(7)", 7),
            ("import os; os.kill(os.getpid(), 9)", 137),
        ],
    )
    def test_the_exit_code_is_the_codes_and_nothing_follows(self, run, code, expected):
        done = run(f"{code}\nprint('after')")
        assert done.returncode == expected, done.stderr
        assert "after" not in done.stdout

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_ends_the_code_and_the_command(self, door, tunesmith_run, tmp_path, number):
        code = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)"
        with started(tunesmith_run(*door(code)), tmp_path) as process:
            child = int(process.stdout.readline())
            process.send_signal(number)
            process.communicate()
        assert process.returncode == 128 + number
        assert ended(child)
        assert not list((tmp_path / "temporary").iterdir())

    def test_a_killed_command_leaves_no_process_and_no_file(self, door, tunesmith_run, tmp_path):
        code = (
            "import os, subprocess, time\nother = subprocess.Popen(['sleep', '60'])\n"
            "print(os.getpid(), other.pid, flush=True)\ntime.sleep(60)"
        )
        with started(tunesmith_run(*door(code)), tmp_path) as process:
            processes = [int(number) for number in process.stdout.readline().split()]
            process.kill()
        assert all(map(ended, processes))
        assert within_ten_seconds(lambda: not list((tmp_path / "temporary").iterdir()))


class TestDownloading:
    @pytest.mark.skipif(not all(map(shutil.which, ("curl", "wget"))), reason="no curl or wget")
    def test_a_download_comes_from_its_file_to_each_client(self, run, served):
        code = (
            "import subprocess, urllib.request, httpx, requests\n"
            "print(urllib.request.urlopen(URL).read().decode())\n"
            "print(requests.get(URL).text)\n"
            "print(httpx.get(URL).text)\n"
            "print(subprocess.getoutput('curl -sS ' + URL))\n"
            "print(subprocess.getoutput('wget -q -O - ' + URL))\n"
        )
        done = run(f"URL = {URL!r}\n{code}", f"--serve={URL}={served}")
        assert done.stdout.splitlines() == [served.read_text()] * 5, done.stderr
        assert "downloads answered from local files: 5" in done.stderr

    def test_it_comes_in_other_processes_too(self, run, served):
        code = (
            "import multiprocessing, urllib.request\n"
            "def get(url): return len(urllib.request.urlopen(url).read())\n"
            "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
            f"    print(pool.map(get, [{URL!r}] * 2))"
        )
        size = served.stat().st_size
        assert run(code, f"--serve={URL}={served}").stdout == f"[{size}, {size}]\n"


class TestAsking:
    ASK = (
        "import getpass\nprint(getpass.getpass('Please enter your WML api key (hit enter): '))\n"
        "print(input('Please enter your project_id (hit enter): '))"
    )

    def test_a_key_and_a_project_are_made_up_and_said_so(self, run):
        done = run(self.ASK)
        assert (done.returncode, done.stdout) == (0, "made-up-key\nmade-up-project\n"), done.stderr
        assert (
            "Please enter your WML api key (hit enter): (answered with the emulator's API key, "
            "which is made up)\n"
        ) in done.stderr
        assert "project_id (hit enter): (answered with the emulator's project id" in done.stderr

    def test_an_answer_of_the_user_comes_first(self, run):
        done = run(self.ASK, "--answer", "wml API=mine=x", "--answer", "^please=other")
        assert done.stdout == "mine=x\nother\n"
        assert "mine" not in done.stderr

    def test_stdin_answers_the_rest_line_by_line(self, run):
        code = "a = input('name? ')\nb = input('town? ')\nprint([a, b])"
        done = run(code, input="Ada\nParis\n")
        assert done.stdout.endswith("['Ada', 'Paris']\n")

    def test_without_any_answer_it_ends_with_the_remedy(self, run):
        done = run("try: input('name?')\nexcept EOFError: print('none')\ninput('town?')")
        assert done.returncode == 1
        assert "none" in done.stdout
        assert "EOFError" in done.stderr
        assert "nobody answers 'town?'; give the answer: --answer 'PATTERN=TEXT'" in done.stderr

    def test_the_user_of_a_terminal_types(self, door, tunesmith_run, tmp_path):
        code = "import getpass\nprint([input('name? '), getpass.getpass('word? ')])"
        command = tunesmith_run(*door(code))
        keyboard, seen = pty.fork()
        if keyboard == 0:
            os.chdir(tmp_path)
            os.execv(command[0], command)
        screen = read_until(seen, b"name? ")
        os.write(seen, b"Ada\n")
        screen += read_until(seen, b"word? ")
        time.sleep(0.3)  # until the terminal is silent
        os.write(seen, b"secret\n")
        screen += read_until(seen, b"]")
        os.waitpid(keyboard, 0)
        os.close(seen)
        assert b"['Ada', 'secret']" in screen
        assert screen.count(b"secret") == 1

    def test_what_python_does_at_its_start_is_done_too(self, run, tmp_path):
        (tmp_path / "theirs").mkdir()
        (tmp_path / "theirs" / "sitecustomize.py").write_text("import os; os.environ['A'] = '1'")
        environment = {**os.environ, "PYTHONPATH": path_with(tmp_path / "theirs")}
        assert run("import os; print(os.environ['A'])", env=environment).stdout == "1\n"


class TestNetwork:
    DIRECT = (
        "import httpx\nwith httpx.Client(transport=httpx.HTTPTransport()) as http:\n"
        f"    print(http.get({EMULATED!r}).text)"
    )
    OUT = (
        "import socket\ntry: socket.create_connection(('192.0.2.1', 443), timeout=1)\n"
        "except OSError as error: print(error)"
    )

    @pytest.mark.parametrize("options", [(), ("--open-network",)])
    def test_a_client_that_uses_no_proxy_reaches_the_emulator(self, run, options):
        done = run(self.DIRECT, *options)
        assert done.stdout == f"{ECHO}\n", done.stderr

    @needs_own_network
    def test_an_asynchronous_one_reaches_it_too(self, run):
        code = (
            "import asyncio, httpx\nasync def get():\n"
            "    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport()) as http:\n"
            f"        print((await http.get({EMULATED!r})).text)\n"
            "import threading\nwork = threading.Thread(target=lambda: asyncio.run(get()))\n"
            "work.start(); work.join()"
        )
        done = run(code)
        assert done.stdout == f"{ECHO}\n", done.stderr

    @needs_own_network
    def test_code_that_opens_its_own_sockets_has_no_way_out(self, run):
        done = run(self.OUT, "--show-watched")
        assert done.stdout.splitlines() == [
            "[Errno 101] Network is unreachable",
            "no request of the code left this machine",
        ]

    def test_in_the_network_of_this_machine_nothing_more_is_claimed(self, run):
        done = run("", "--show-watched", "--open-network")
        assert done.stdout == (
            "only requests through the proxy were watched, and none of them left this machine (the "
            "code had the network of this machine, as --open-network says)\n"
        )

    def test_a_machine_that_allows_no_own_network_is_named(self, upstream, tmp_path, monkeypatch):
        refusing = tmp_path / "refusing.py"
        refusing.write_text(
            "import importlib.util\n"
            f"spec = importlib.util.spec_from_file_location('real', {own_network.__file__!r})\n"
            "real = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(real)\n"
            "real.refusal = lambda ports: 1\nreal.main()\n"
        )
        monkeypatch.setattr(own_network, "__file__", str(refusing))
        with (
            Proxy(upstream.port, upstream.authority, parse_downloads([])) as proxy,
            Start(proxy, tmp_path / "gone", own=True) as start,
        ):
            assert run_child(["true"], os.environ, start) == 0
        assert (
            start.shared == "as this machine allows no network namespace: Operation not permitted"
        )


@pytest.mark.parametrize(
    ("value", "complaint"), [("x", "write PATTERN"), ("=x", "write PATTERN"), ("(=x", "no regular")]
)
def test_an_answer_that_fits_no_prompt_is_named(value, complaint):
    with pytest.raises(ExperimentError, match=complaint):
        prepare(["true"], answers=[value])


def started(command, folder):
    """Start ``command`` in a new session, with temporary files in a folder of ``folder``."""
    (folder / "temporary").mkdir()
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=folder, start_new_session=True, env={**os.environ, "TMPDIR": str(folder / "temporary")},
    )  # fmt: skip


def ended(process):
    state = Path(f"/proc/{process}/stat")
    return within_ten_seconds(lambda: not state.exists() or ") Z " in state.read_text())


def within_ten_seconds(happened):
    return any(happened() or time.sleep(0.1) for _ in range(100))


def path_with(folder):
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


def read_until(terminal, text):
    seen = b""
    while text not in seen:
        seen += os.read(terminal, 1000)
    return seen
