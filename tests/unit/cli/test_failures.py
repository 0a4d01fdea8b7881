"""Exit codes and messages of each error family; nothing on stdout after an error."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from tunesmith.cli import failures
from tunesmith.errors import TunesmithError
from tunesmith.run import Run

Invoke = Callable[..., Result]

FAILURES = {
    "no experiment file": (["run", "experment.yaml"], 2, "Did you mean 'experiment.yaml'?"),
    "experiment": (["run", "experiment.yaml", "--set", "seed=x"], 2, "seed: "),
    "override": (["run", "experiment.yaml", "--set", "seed"], 2, "expected KEY=VALUE"),
    "option": (["run", "experiment.yaml", "--option", "stor"], 2, "expected KEY=VALUE"),
    "unknown option": (
        ["run", "experiment.yaml", "--backend", "fake", "--option", "stor=x"],
        2,
        "Did you mean 'store'?",
    ),
    "dataset": (["run", "experiment.yaml", "--set", "data.train=no.json"], 2, "no such file"),
    "run": (["compare", "runs/none"], 2, "no run here"),
    "record": (["deploy", "experiment.yaml"], 2, "not a TunedModel record"),
    "no record": (["deploy", "model.json"], 2, "Make one with: tunesmith tune"),
    "usage": (["run"], 2, "see: tunesmith run --help"),
    "plugin": (["run", "experiment.yaml", "--backend", "fak"], 3, "Did you mean 'fake'"),
    "requirement": (["run", "experiment.yaml", "--backend", "lacking"], 3, "pip install it"),
    "unsupported": (
        ["run", "experiment.yaml", "--backend", "sklearn"], 4, "does not offer the method",
    ),
    "not found": (
        ["run", "experiment.yaml", "--backend", "fake", "--set", "base_model=tunesmith/fak"],
        5,
        "Did you mean 'tunesmith/fake'",
    ),
    "provider": (
        ["run", "experiment.yaml", "--backend", "fake", "--option", "fail=deploy"],
        5,
        "Fix this, then resume with: tunesmith resume runs/",
    ),
    "no deployment": (["undeploy", "nothing", "--backend", "fake"], 5, "no deployment 'nothing'"),
    "bug": (
        ["run", "experiment.yaml", "--backend", "plain", "--option", "trouble=bug"],
        70,
        "ZeroDivisionError: division by zero\nthis is a bug; run again with --debug",
    ),
    "full disk": (
        ["run", "experiment.yaml", "--backend", "plain", "--option", "trouble=full"],
        74,
        "model.bin: No space left on device",
    ),
}  # fmt: skip


@pytest.mark.parametrize("json_option", [[], ["--json"]], ids=["human", "json"])
@pytest.mark.parametrize(("arguments", "code", "message"), FAILURES.values(), ids=FAILURES)
def test_failure(
    arguments: list[str], code: int, message: str, json_option: list[str], invoke: Invoke
) -> None:
    done = invoke(*arguments, *json_option)
    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    error = done.stderr[done.stderr.index("error: ") :]
    assert message in error
    assert "Traceback" not in done.stderr


REMEDIES = {
    errno.ENOSPC: ("free some space", " and run again"),
    errno.EDQUOT: ("delete some files, because your quota is used up", " and run again"),
    errno.EFBIG: ("raise the limit of the size of a file (ulimit -f)", " and run again"),
    errno.EMFILE: ("raise the limit of open files (ulimit -n)", " and run again"),
    errno.ENFILE: ("end other programs, because they have too many open files", " and run again"),
    errno.EIO: (
        "repair the disk or its connection (the system log names the fault)", " and run again",
    ),
    errno.ESTALE: ("mount the network drive again", " and run again"),
    errno.EACCES: ("change its permissions", " or choose another place"),
    errno.EPERM: ("change its permissions", " or choose another place"),
    errno.EROFS: ("make its file system writable", " or choose another place"),
    errno.ENAMETOOLONG: ("choose a shorter name", ""),
    errno.EXDEV: ("check the path and its permissions", ""),
}  # fmt: skip


@pytest.fixture(params=REMEDIES, ids=lambda code: errno.errorcode[code])
def code(request: pytest.FixtureRequest) -> int:
    """The number of an error of the operating system."""
    number: int = request.param
    return number


@pytest.fixture
def failing(code: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the disk fail at the nth write from now on, counted from 0, once."""

    def fail_at(nth: int) -> None:
        left, sync = [nth], os.fsync

        def fail(descriptor: int) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise OSError(code, os.strerror(code))
            sync(descriptor)

        monkeypatch.setattr("tunesmith.atomic.os.fsync", fail)

    return fail_at


def test_an_error_of_the_disk_names_the_path_and_one_remedy(
    code: int, failing: Callable[[int], None], invoke: Invoke
) -> None:
    failing(0)
    done = invoke("init", "train.json", "--no-search", "-o", "new.yaml")
    assert done.exit_code == 74
    error = done.stderr[done.stderr.index("error: ") :]
    assert error == f"error: new.yaml: {os.strerror(code)}; {''.join(REMEDIES[code])}\n"


def test_an_error_of_the_disk_in_a_run_has_the_resume_command_as_its_one_remedy(
    code: int, failing: Callable[[int], None], invoke: Invoke
) -> None:
    failing(5)  # after the first files of the run
    failed = invoke("run", "experiment.yaml", "--backend", "fake")
    assert failed.exit_code == 74
    (directory,) = Path("runs").glob("*-reviews-*")
    first, second = failed.stderr[failed.stderr.index("error: ") :].splitlines()
    assert re.fullmatch(f"error: \\S+: {re.escape(os.strerror(code))}", first)
    fix = REMEDIES[code][0]
    command = f"tunesmith resume {directory}"
    assert second == f"{fix[0].upper()}{fix[1:]}, then resume with: {command}"
    done = invoke(*shlex.split(command)[1:])
    assert done.exit_code == 0, done.stderr


def test_debug_shows_the_traceback(invoke: Invoke) -> None:
    done = invoke("--debug", "run", "experiment.yaml", "--backend", "plain", "--option",
                  "trouble=bug")  # fmt: skip
    assert "Traceback" in done.stderr
    assert done.exit_code == 70


def test_option_without_equals_sign_is_not_shown_whole(invoke: Invoke) -> None:
    done = invoke("run", "experiment.yaml", "--option", "=sesame")
    assert done.exit_code == 2
    assert "sesame" not in done.stderr


def test_every_family_has_a_code_of_its_documented_kind() -> None:
    def tree(cls: type[TunesmithError]) -> set[type[TunesmithError]]:
        return {cls}.union(*(tree(sub) for sub in cls.__subclasses__()))

    documented = failures.__doc__ or ""
    for family in tree(TunesmithError):
        assert f"\n{family.exit_code} " in documented, family


def test_interrupt_without_a_run(monkeypatch: pytest.MonkeyPatch, invoke: Invoke) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tunesmith.cli.screen.table", interrupt)
    done = invoke("methods")
    assert done.exit_code == 130
    assert "error: interrupted" in done.stderr


def test_closed_stdout(work: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "tunesmith", "methods"], stdout=write, stderr=subprocess.PIPE
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_stdout_on_a_full_disk(work: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tunesmith", "methods", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 74
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def tuning(work: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is in the middle of a run."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tunesmith", "run", "experiment.yaml", "--backend", "fake",
         "--set", "method.num_epochs=1000", "--option", "step_seconds=0.05"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "tune\n"
        wait_for_job(work / "runs")
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_killed_run_is_listed_as_interrupted(
    tuning: subprocess.Popen[str], invoke: Invoke
) -> None:
    def status() -> str:
        (entry,) = json.loads(invoke("runs", "--json").stdout)
        return str(entry["status"])

    assert status() == "running"
    tuning.kill()
    tuning.wait()
    assert status() == "interrupted"


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for a process on Windows")
def test_interrupted_run_names_the_resume_command(
    tuning: subprocess.Popen[str], work: Path
) -> None:
    tuning.send_signal(signal.SIGINT)
    out, err = tuning.communicate(timeout=60)
    (directory,) = (work / "runs").glob("*-reviews-*")
    assert tuning.returncode == 130, err
    assert out == ""
    assert err.rstrip().endswith(f"resume with: tunesmith resume runs/{directory.name}")
    assert Run.load(directory, finished=False).record.status == "interrupted"


def wait_for_job(runs_dir: Path) -> None:
    for _ in range(600):
        if any('"job_id": "' in p.read_text() for p in runs_dir.glob("*/run.json")):
            return
        time.sleep(0.05)
    raise AssertionError("the run submitted no job")


def test_failed_run_is_resumed_after_its_last_stage(invoke: Invoke) -> None:
    failed = invoke("run", "experiment.yaml", "--backend", "fake", "--option", "fail=deploy")
    command = failed.stderr.rstrip().rsplit("tunesmith ", 1)[1].split()
    model = Run.load(command[1], finished=False).record.model
    assert model is not None
    # The record has fail=deploy, so a plain resume fails again, with the same message.
    again = invoke(*command)
    assert again.exit_code == 5
    assert again.stderr.rstrip().endswith(" ".join(command))
    shutil.move("runs", "moved")
    command[1] = command[1].replace("runs", "moved", 1)
    run = json.loads((Path(command[1]) / "run.json").read_text())
    run["options"]["fail"] = None
    (Path(command[1]) / "run.json").write_text(json.dumps(run))
    done = invoke(*command, "--json")
    assert done.exit_code == 0, done.stderr
    record = Run.load(command[1]).record
    assert record.model == model
    assert json.loads(done.stdout)["status"] == "completed"
