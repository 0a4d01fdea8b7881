"""A process and a notebook, run as they are."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tunesmith.errors import ExperimentError, PluginError
from tunesmith_emulator.run.child import child_environment
from tunesmith_emulator.run.work import prepare

URL = "https://raw.example-host.test/data/train.json"

AT_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

SCRIPT = f"""
import json, sys, urllib.request
import requests
first = json.load(urllib.request.urlopen({URL!r}))
assert requests.get({URL!r}).json() == first
assert requests.get("https://us-south.ml.cloud.ibm.com/x").ok
refused = requests.get("https://tracker.test/ping?x=1")
print(first[0]["input"], refused.status_code, sys.argv[1:])
"""


@pytest.fixture
def run(tunesmith_run, tmp_path):
    def run(*arguments, **keywords):
        return subprocess.run(
            tunesmith_run(*arguments), capture_output=True, text=True, cwd=tmp_path, **keywords
        )

    return run


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text)
        return name

    return write


class TestProcess:
    def test_a_script_gets_its_downloads_and_refused_ones_are_reported(self, run, write, served):
        script = write("script.py", SCRIPT)
        done = run("--serve", f"{URL}={served}", "--", sys.executable, script, "--flag", "a b")
        assert done.stdout == "a 403 ['--flag', 'a b']\n"
        assert done.returncode == 0
        assert done.stderr.splitlines() == [
            "downloads answered from local files: 2",
            "refused, nothing leaves this machine: https://tracker.test/ping?x=1 (1 time)",
            "  to answer it from a file: --serve https://tracker.test/ping?x=1=FILE",
        ]

    def test_the_exit_code_is_the_commands(self, run):
        done = run("--", sys.executable, "-c", "raise SystemExit(7)")
        assert (done.returncode, done.stderr) == (7, "")

    def test_a_command_that_a_signal_ends_counts_from_128(self, run):
        done = run("--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
        assert done.returncode == 137

    def test_it_reads_the_stdin_of_the_caller(self, run):
        done = run("--", sys.executable, "-c", "print(input()[::-1])", input="abc\n")
        assert done.stdout == "cba\n"

    def test_a_command_that_does_not_exist_is_named(self, run):
        done = run("--", "no-such-command", "x")
        assert done.returncode == 2
        assert "cannot run no-such-command x: No such file" in done.stderr

    def test_pip_accepts_installed_packages_and_refuses_others_at_once(self, run):
        pip = (sys.executable, "-m", "pip", "install")
        assert run("--", *pip, "click").returncode == 0
        done = run("--", *pip, "no-such-package-of-ours")
        assert done.returncode == 1
        assert "No matching distribution found" in done.stderr
        assert "refused" not in done.stderr

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_the_child_and_then_the_command(self, tunesmith_run, tmp_path, number):
        code = (
            "import time\ntry:\n    print('up', flush=True)\n    time.sleep(60)\n"
            "finally: print('down')"
        )
        with started(tunesmith_run("--", sys.executable, "-c", code), tmp_path) as process:
            assert process.stdout.readline() == "up\n"
            process.send_signal(number)
            rest = process.communicate()[0]
        assert rest == ("down\n" if number == signal.SIGINT else "")
        assert process.returncode == 128 + number

    def test_ctrl_c_at_a_terminal_reaches_the_child_once(self, tunesmith_run, tmp_path):
        code = (
            "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {2})\n"
            "print('up', flush=True)\n"
            "while signal.sigtimedwait({2}, 1): print('interrupted', flush=True)"
        )
        keyboard, terminal = pty.openpty()
        command = [sys.executable, "-c", AT_TERMINAL]
        command += tunesmith_run("--", sys.executable, "-c", code)
        with started(command, tmp_path, stdin=terminal) as process:
            assert process.stdout.readline() == "up\n"
            os.write(keyboard, b"\x03")
            assert process.communicate()[0] == "interrupted\n"
        os.close(keyboard)
        os.close(terminal)
        assert process.returncode == 0

    def test_a_child_that_ignores_a_signal_is_waited_for(self, tunesmith_run, tmp_path):
        code = (
            "import signal, time; signal.signal(2, lambda *_: print('not yet', flush=True))\n"
            "print('up', flush=True); time.sleep(1); print('done')"
        )
        with started(tunesmith_run("--", sys.executable, "-c", code), tmp_path) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.communicate()[0] == "not yet\ndone\n"
        assert process.returncode == 0


class TestNotebook:
    @pytest.fixture(autouse=True)
    def _needs(self):
        pytest.importorskip("nbclient")
        pytest.importorskip("ipykernel")

    def test_a_script_runs_cell_by_cell_in_jupyter(self, run, write, served, tmp_path):
        source = write(
            "work.py",
            "# %%\n%pip install click | tail -n 1\n"
            "# %% [markdown]\n# About *this*.\n"
            "# %%\nimport sys, urllib.request\n"
            f"data = urllib.request.urlopen({URL!r}).read().decode()\nprint(data, end='')\n"
            "print('careful', file=sys.stderr)\n6 * 7\n"
            "# %%\nimport matplotlib.pyplot as plt\nplt.plot([2, 1])\nplt.show()\n"
            "# %%\nget_ipython().__class__.__name__, sys.executable\n",
        )
        done = run("--serve", f"{URL}={served}", source)
        assert done.returncode == 0, done.stderr
        assert "Requirement already satisfied" in done.stdout
        assert f"{served.read_text()}42\n" in done.stdout
        assert "(1 picture, kept in work.executed.ipynb)\n" in done.stdout
        assert f"('ZMQInteractiveShell', '{sys.executable}')" in done.stdout
        assert done.stderr.splitlines() == [
            "[1/4] %pip install click | tail -n 1",
            "[2/4] import sys, urllib.request",
            "careful",
            "[3/4] import matplotlib.pyplot as plt",
            "[4/4] get_ipython().__class__.__name__, sys.executable",
            "executed notebook: work.executed.ipynb",
            "downloads answered from local files: 1",
        ]
        cells = saved(tmp_path / "work.executed.ipynb")
        assert [cell["cell_type"] for cell in cells] == ["code", "markdown", *["code"] * 3]
        assert cells[1]["source"] == ["About *this*."]
        assert "image/png" in cells[3]["outputs"][-1]["data"]

    def test_a_failing_cell_is_shown_kept_and_ends_the_run(self, run, write, tmp_path):
        source = write("work.py", "# %%\nprint(1)\n# %%\n1 / 0\n# %%\nprint('never')\n")
        done = run("--output", "done.ipynb", source)
        assert done.returncode == 1
        assert done.stdout == "1\n"
        assert "----> 1 1 / 0" in done.stderr
        assert "\x1b" not in done.stderr
        assert "ZeroDivisionError: division by zero\n[2/3] stopped in this cell; not" in done.stderr
        assert done.stderr.endswith("not run: 1 cell after it\nexecuted notebook: done.ipynb\n")
        cells = saved(tmp_path / "done.ipynb")
        assert cells[1]["outputs"][0]["ename"] == "ZeroDivisionError"
        assert cells[2]["outputs"] == []

    def test_what_the_author_saw_in_cells_that_do_not_run_is_not_kept(self, run, tmp_path):
        source = notebook(tmp_path / "work.ipynb", "1 / 0", "print('accuracy', x)", "")
        document = json.loads(source.read_text())
        seen = {"output_type": "stream", "name": "stdout", "text": "accuracy 0.533"}
        for cell in document["cells"]:
            cell.update(outputs=[seen], execution_count=7, metadata={"execution": {"a": "b"}})
        document["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}
        source.write_text(json.dumps(document))
        assert run("work.ipynb").returncode == 1
        kept = (tmp_path / "work.executed.ipynb").read_text()
        assert "0.533" not in kept
        assert "widgets" not in json.loads(kept)["metadata"]
        later = saved(tmp_path / "work.executed.ipynb")[1:]
        assert [(c["outputs"], c["execution_count"], c["metadata"]) for c in later] == [
            ([], None, {})
        ] * 2

    def test_a_notebook_runs_and_stays_as_it_was(self, run, tmp_path):
        source = notebook(tmp_path / "work.ipynb", "x = 20\nx", "x + 1")
        before = source.read_bytes()
        done = run("work.ipynb")
        assert (done.returncode, done.stdout) == (0, "20\n21\n")
        assert source.read_bytes() == before
        assert saved(tmp_path / "work.executed.ipynb")[1]["outputs"][0]["data"] == {
            "text/plain": ["21"]
        }

    def test_the_working_directory_is_the_callers(self, run, tmp_path):
        (tmp_path / "sub").mkdir()
        notebook(tmp_path / "sub" / "work.ipynb", "import os; print(os.getcwd())")
        assert run("sub/work.ipynb").stdout == f"{tmp_path}\n"
        assert (tmp_path / "work.executed.ipynb").is_file()

    def test_the_output_of_a_cell_is_printed_while_it_runs(self, tunesmith_run, write, tmp_path):
        source = write("work.py", "import time\nprint('up', flush=True)\ntime.sleep(60)\n")
        with started(tunesmith_run(source), tmp_path) as process:
            assert process.stdout.readline() == "up\n"
            process.send_signal(signal.SIGINT)
            errors = process.communicate()[1]
        assert process.returncode == 130
        assert "KeyboardInterrupt" in errors
        assert saved(tmp_path / "work.executed.ipynb")[0]["outputs"][-1]["output_type"] == "error"

    def test_no_cell_follows_one_that_swallows_an_interrupt(self, tunesmith_run, write, tmp_path):
        source = write(
            "work.py",
            "# %%\nimport time\ntry:\n    print('up', flush=True)\n    time.sleep(60)\n"
            "except KeyboardInterrupt: print('no')\n# %%\nprint('never')\n",
        )
        with started(tunesmith_run(source), tmp_path) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.communicate()[0] == "no\n"
        assert process.returncode == 130

    def test_sigterm_ends_a_cell_that_nothing_else_ends(self, tunesmith_run, write, tmp_path):
        source = write(
            "work.py",
            "import os, time\nprint(os.getpid(), flush=True)\n"
            "while True:\n    try: time.sleep(60)\n    except KeyboardInterrupt: pass\n",
        )
        with started(tunesmith_run(source), tmp_path) as process:
            kernel = int(process.stdout.readline())
            process.send_signal(signal.SIGTERM)
            errors = process.communicate()[1]
        assert process.returncode == 143
        assert "the kernel ended in this cell" in errors
        assert ended(kernel)
        assert (tmp_path / "work.executed.ipynb").is_file()

    def test_a_kernel_that_dies_is_named(self, run, write):
        done = run(write("work.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"))
        assert "[1/1] the kernel ended in this cell" in done.stderr

    def test_a_kernel_that_does_not_start_is_named(self, tmp_path, authority):
        work = prepare([str(notebook(tmp_path / "work.ipynb", "1"))], output=tmp_path / "out.ipynb")
        from tunesmith_emulator.run.console import Console
        from tunesmith_emulator.run.notebook import run_cells
        from tunesmith_emulator.run.proxy import Proxy
        from tunesmith_emulator.run.start import Start

        console = Console(sys.stdout, print, work.output)
        nowhere = {**os.environ, "PYTHONHOME": str(tmp_path)}
        with (
            Proxy(1, authority, work.downloads) as proxy,
            Start(proxy, tmp_path / "gone", own=True) as start,
            pytest.raises(PluginError, match="the Jupyter kernel did not start"),
        ):
            run_cells(work.notebook, work.output, nowhere, tmp_path, console, start)

    def test_an_installed_kernel_of_the_same_name_is_not_taken(self, run, write, tmp_path):
        kernel = tmp_path / "jupyter" / "kernels" / "python3"
        kernel.mkdir(parents=True)
        other = {"argv": ["false"], "display_name": "other", "language": "python"}
        (kernel / "kernel.json").write_text(json.dumps(other))
        environment = {**os.environ, "JUPYTER_PATH": str(tmp_path / "jupyter")}
        assert run(write("work.py", "print(1)"), env=environment).stdout == "1\n"

    @pytest.mark.parametrize(
        ("name", "text", "complaint"),
        [
            ("no.ipynb", None, "no.ipynb: No such file"),
            ("no.py", None, "no.py: No such file"),
            ("bad.ipynb", "{", "is no notebook"),
            ("bad.ipynb", '{"cells": 1, "nbformat": 4, "nbformat_minor": 5}', "is no notebook"),
            (
                "r.ipynb",
                '{"cells": [], "nbformat": 4, "nbformat_minor": 4, "metadata":'
                ' {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}}',
                "only Python",
            ),
        ],
    )
    def test_a_source_that_cannot_run_is_named(self, tmp_path, name, text, complaint):
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(ExperimentError, match=complaint):
            prepare([str(tmp_path / name)])

    def test_the_notebook_itself_is_not_overwritten(self, tmp_path):
        source = notebook(tmp_path / "work.ipynb", "1")
        with pytest.raises(ExperimentError, match="is the notebook itself"):
            prepare([str(source)], output=source)

    def test_missing_packages_are_named_with_the_command_that_brings_them(
        self, tmp_path, monkeypatch
    ):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(PluginError, match=r"pip install 'tunesmith-emulator\[notebook\]'"):
            prepare([str(notebook(tmp_path / "work.ipynb", "1"))])


class TestEnvironment:
    def test_variables_that_bypass_the_proxy_are_removed(self, tmp_path):
        before = {
            "ALL_PROXY": "http://company",
            "all_proxy": "http://company",
            "no_proxy": ".ibm.com",
            "WX_CLIENT_VERIFY_REQUESTS": "False",
            "KEPT": "x",
        }
        after = child_environment(before, "http://127.0.0.1:1", tmp_path / "b.pem")
        assert not {"ALL_PROXY", "all_proxy", "WX_CLIENT_VERIFY_REQUESTS"} & set(after)
        assert after["no_proxy"] == after["NO_PROXY"] == "localhost,127.0.0.1,::1"
        assert after["https_proxy"] == after["HTTP_PROXY"] == "http://127.0.0.1:1"
        assert after["KEPT"] == "x"

    @pytest.mark.parametrize(("chosen", "seen"), [({}, "Agg\n"), ({"MPLBACKEND": "svg"}, "svg\n")])
    def test_pictures_of_a_process_need_no_window_unless_the_user_chose(self, run, chosen, seen):
        kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
        code = "import os; print(os.environ['MPLBACKEND'])"
        assert run("--", sys.executable, "-c", code, env=kept | chosen).stdout == seen


def test_nothing_to_run_is_an_error():
    with pytest.raises(ExperimentError, match="nothing to run"):
        prepare([])


def test_an_output_goes_with_a_notebook(tmp_path):
    with pytest.raises(ExperimentError, match="goes with a notebook"):
        prepare(["python", "x.py"], output=tmp_path / "x.ipynb")


def test_no_temporary_file_is_left_behind(run, write):
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TMPDIR": folder}
        assert run("--", sys.executable, "-c", "", env=environment).returncode == 0
        assert run(write("work.py", "1"), env=environment).returncode == 0
        assert not list(Path(folder).iterdir())


def test_the_folder_for_temporary_files_may_have_a_long_name(run, write, tmp_path):
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    done = run(write("work.py", "1"), env={**os.environ, "TMPDIR": str(folder)})
    assert (done.returncode, done.stdout) == (0, "1\n")


def started(command, folder, stdin=None):
    """Start ``command`` in a new session: it gets no signals of a terminal."""
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        start_new_session=True,
    )


def notebook(path, *sources):
    cells = [
        {"cell_type": "code", "source": s, "outputs": [], "execution_count": None, "metadata": {}}
        for s in sources
    ]
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    )
    return path


def saved(path):
    return json.loads(path.read_text())["cells"]


def ended(process_id):
    for _ in range(100):
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
