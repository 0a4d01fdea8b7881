"""Printed commands are pasted, and complete the work: with what the user gave, without secrets."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tunesmith.records import TunedModel
from tunesmith.run import Run

Invoke = Callable[..., Result]
SECRET = "open-sesame"
SECRET_OPTION = ("--option", f"api_key={SECRET}")


def printed(text: str, before: str) -> list[str]:
    """Return the arguments of the command that ``text`` has behind ``before``."""
    assert SECRET not in text
    (command,) = re.findall(f"{before}(tunesmith .*)$", text, re.MULTILINE)
    return shlex.split(command)[1:]


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for a process on Windows")
def test_an_interrupted_tune_names_a_command_with_all_that_was_given(work: Path) -> None:
    # The fake backend's jobs end with their process, so the command is pasted in the next test.
    hold = work / "hold"
    hold.touch()
    given = ["experiment.yaml", "--backend", "fake", "--set", "method.num_epochs=3",
             "--runs-dir", "other runs", "--option", f"hold={hold}",
             "--output", "my model.json"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "tunesmith", "tune", *given, *SECRET_OPTION],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    job = process.stderr.readline().split()[1]
    assert process.stderr.readline() == "tune\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130, said
    hidden = ["--option", "api_key=YOUR_API_KEY"]
    assert printed(said, "continue with: ") == ["tune", *given, *hidden, "--job", job]


def test_the_printed_command_of_a_full_disk_completes_the_tuning(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["--backend", "fake", "--set", "method.num_epochs=3", "--runs-dir", "other",
             "--output", "my model.json", *SECRET_OPTION]  # fmt: skip

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28), "my model.json")

    with monkeypatch.context() as broken:
        broken.setattr("tunesmith.cli.steps.write_atomically", full)
        failed = invoke("tune", "experiment.yaml", *given)
    assert failed.exit_code == 74
    command = printed(failed.stderr, "Free some space, then continue with: ")
    done = invoke(*command)
    assert done.exit_code == 0, done.stderr
    model = TunedModel.from_json(Path("my model.json").read_text())
    assert model.job_id == command[command.index("--job") + 1]
    assert model.method["num_epochs"] == 3
    # The same job again: it is not named twice.
    with monkeypatch.context() as broken:
        broken.setattr("tunesmith.cli.steps.write_atomically", full)
        failed = invoke(*command)
    assert printed(failed.stderr, "continue with: ").count("--job") == 1


def test_the_next_steps_are_pasted_from_tune_to_predict(invoke: Invoke, work: Path) -> None:
    """The stores are told apart by their folder, so a step that loses it fails."""
    runs = ["--runs-dir", "other runs"]
    tuned = invoke("tune", "experiment.yaml", "--backend", "fake", *runs, *SECRET_OPTION)
    assert tuned.exit_code == 0, tuned.stderr
    deployed = invoke(*printed(tuned.stdout, "next: "))
    assert deployed.exit_code == 0, deployed.stderr
    command = printed(deployed.stdout, "next: ")
    done = invoke(*["test.json" if text == "DATA" else text for text in command])
    assert done.exit_code == 0, done.stderr
    assert "other runs" in command
    assert "api_key=YOUR_API_KEY" in command


def test_resume_names_the_secrets_of_run_and_all_options_of_resume(invoke: Invoke) -> None:
    options = ["--option", "fail=deploy", *SECRET_OPTION]
    failed = invoke("run", "experiment.yaml", "--backend", "fake", *options)
    command = printed(failed.stderr, "Fix this, then resume with: ")
    # The run has the other options on record.
    assert command[2:] == ["--option", "api_key=YOUR_API_KEY"]
    again = invoke(*command, "--option", "step_seconds=0")
    command = printed(again.stderr, "Fix this, then resume with: ")
    assert command[2:] == ["--option", "api_key=YOUR_API_KEY", "--option", "step_seconds=0"]


def test_an_unfinished_run_in_a_folder_with_a_space_names_a_command_that_a_shell_reads(
    invoke: Invoke,
) -> None:
    invoke("run", "experiment.yaml", "--backend", "fake", "--option", "fail=deploy",
           "--runs-dir", "my runs")  # fmt: skip
    (run,) = Path("my runs").glob("*-reviews-*")
    refused = invoke("compare", str(run))
    assert printed(refused.stderr, "resume it with: ") == ["resume", str(run)]
    assert Run.load(run, finished=False).record.status == "failed"


@pytest.fixture
def columns(work: Path) -> Path:
    """Rows whose columns have names of their own."""
    rows = json.loads(Path("train.json").read_text())
    path = Path("my rows.json")
    path.write_text(json.dumps([{"a": row["input"], "b": row["output"]} for row in rows]))
    return path


def test_audit_init_and_run_are_pasted_one_after_another(invoke: Invoke, columns: Path) -> None:
    given = ["--input-field", "a", "--output-field", "b", "--base-model", "tunesmith/fake",
             "--backend", "fake", "--option", "step_seconds=0"]  # fmt: skip
    Path("experiment.yaml").unlink()  # init writes another one
    audited = invoke("audit", str(columns), *given, "--max-input-tokens", "100")
    assert audited.exit_code == 0, audited.stderr
    made = invoke(*printed(audited.stdout, "next: "))
    assert made.exit_code == 0, made.stderr
    command = printed(made.stdout, "next: ")
    test = json.dumps([{"a": "good", "b": "1"}, {"a": "bad", "b": "0"}] * 4)
    Path("rows.json").write_text(test)
    done = invoke(
        *["data.test=rows.json" if text == "data.test=TEST" else text for text in command]
    )
    assert done.exit_code == 0, done.stderr


def test_an_audit_with_problems_is_repeated_as_it_was_given(invoke: Invoke, columns: Path) -> None:
    given = [str(columns), str(columns), "--input-field", "a", "--output-field", "b"]
    audited = invoke("audit", *given)
    command = printed(audited.stdout, "next: fix the problems, then run again: ")
    assert command == ["audit", *given]
    assert invoke(*command).stdout == audited.stdout


def test_the_run_after_the_audit_of_an_experiment_has_its_changes(invoke: Invoke) -> None:
    audited = invoke("audit", "experiment.yaml", "--backend", "fake", "--max-input-tokens", "9")
    command = printed(audited.stdout, "next: ")
    assert command == ["run", "experiment.yaml", "--set", "method.max_input_tokens=9",
                       "--dry-run", "--backend", "fake"]  # fmt: skip
    assert invoke(*command).exit_code == 0
