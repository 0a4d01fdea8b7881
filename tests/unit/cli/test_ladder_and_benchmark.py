"""ladder and benchmark on the command line: their output and their errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tunesmith.sweep.records import SWEEPS
from tunesmith.sweep.sweep import Sweep

Invoke = Callable[..., Result]


@pytest.fixture
def file(work: Path) -> Path:
    path = work / "benchmark.yaml"
    path.write_text(
        "experiment: experiment.yaml\n"
        "methods: [tfidf_logreg, zero_shot]\n"
        "backends: [sklearn, plain]\n"
        "prices: {plain: {currency: EUR, tuning_per_hour: 1}}\n"
    )
    return path


def test_ladder_prints_table_verdict_and_path(invoke: Invoke) -> None:
    done = invoke("ladder", "experiment.yaml", "--backend", "fake")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "reviews: ladder of 7 trials, completed"
    assert lines[2].split()[:3] == ["step", "backend", "accuracy"]
    assert any(line.startswith("You do not need tuning") for line in lines)
    page = Path(lines[-1])
    assert not page.is_absolute()
    assert page.name == "report.html"
    assert page.is_file()
    assert "trial 1 of 7: majority on sklearn, tunesmith/fake, seed 0" in done.stderr


@pytest.mark.parametrize("command", ["ladder", "benchmark"])
def test_runs_lists_a_sweep_and_whether_its_process_lives(
    command: str, invoke: Invoke, file: Path
) -> None:
    given = {
        "ladder": ["experiment.yaml", "--backend", "fake", "--only", "zero_shot,majority"],
        "benchmark": [str(file)],
    }
    done = json.loads(invoke(command, *given[command], "--json").stdout)
    sweep = Sweep.load(Path(done["directory"]), SWEEPS[command])

    def listed() -> tuple[str, str, int, int]:
        (one,) = json.loads(invoke("runs", "--json").stdout)
        assert one["run_dir"] == done["directory"]
        return one["kind"], one["status"], one["done"], one["trials"]

    trials = sum(result.status == "done" for result in sweep.record.results)
    assert listed() == (command, "completed", trials, len(sweep.record.results))
    with sweep.locked():
        sweep.update(status="running")
        assert listed()[1] == "running"
    # So a killed process leaves it: the record says that it runs, and nobody holds the lock.
    assert listed()[1] == "interrupted"
    row = invoke("runs").stdout.splitlines()[1]
    assert f"interrupted  {command}, {trials} of {len(sweep.record.results)} trials" in row


def test_a_sweep_that_cannot_be_read_is_listed_with_the_reason(invoke: Invoke) -> None:
    folder = Path("runs/20260101-000000-x-ladder-0000")
    folder.mkdir(parents=True)
    (folder / "ladder.json").write_text("{")
    (one,) = json.loads(invoke("runs", "--json").stdout)
    assert one["status"] == "unreadable"
    assert "ladder.json" in one["error"]


def test_ladder_takes_settings_and_options(invoke: Invoke) -> None:
    done = invoke("ladder", "experiment.yaml", "--backend", "fake", "--set", "method.num_epochs=1",
                  "--option", "step_seconds=0", "--only", "prompt_tuning", "--json")  # fmt: skip
    document = json.loads(done.stdout)
    tuned = [r for r in document["results"] if r["status"] == "done"]
    assert [r["cell"]["experiment"]["method"]["num_epochs"] for r in tuned] == [1, 1]
    assert Path(document["directory"], "report.html") == Path(document["report"])
    assert Path(document["report"]).is_file()


def test_ladder_reads_prices(invoke: Invoke, work: Path) -> None:
    (work / "prices.yaml").write_text("fake: {currency: EUR, tuning_per_hour: 1}\n")
    done = invoke("ladder", "experiment.yaml", "--backend", "fake", "--only", "zero_shot",
                  "--prices", "prices.yaml")  # fmt: skip
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("zero_shot  ")]
    assert "unknown" in line  # no price for tokens


def test_benchmark_prints_one_table(invoke: Invoke, file: Path) -> None:
    done = invoke("benchmark", str(file))
    assert done.exit_code == 0, done.stderr
    assert "welcome to the SDK" not in done.stdout
    rows = [line.split()[:2] for line in done.stdout.splitlines() if "tunesmith/fake" in line]
    assert ["tfidf_logreg", "sklearn"] in rows
    assert ["zero_shot", "plain"] in rows
    left_out = "the backend does not offer them: sklearn: zero_shot; plain: tfidf_logreg"
    assert done.stdout.count(left_out) == 1


def test_benchmark_in_processes_keeps_stdout_clean(invoke: Invoke, file: Path) -> None:
    done = invoke("benchmark", str(file), "--processes", "2", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "completed"


def test_a_failed_trial_has_a_remedy(invoke: Invoke, file: Path) -> None:
    file.write_text(file.read_text().replace("plain]", "{name: plain, options: {fail: predict}}]"))
    done = invoke("benchmark", str(file))
    assert done.exit_code == 0
    assert "zero_shot on plain, tunesmith/fake failed: the fake backend" in done.stdout
    assert "1 failed; the same command tries them again" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ladder", "experimnt.yaml"], 2, "Did you mean 'experiment.yaml'"),
        (["ladder", "experiment.yaml", "--backend", "fak"], 3, "Did you mean 'fake'"),
        (["ladder", "experiment.yaml", "--only", "majorit", "--backend", "fake"], 4, "'majority'"),
        (["benchmark", "experiment.yaml"], 2, "methods: Field required"),
    ],
)
def test_trouble(arguments: list[str], code: int, message: str, invoke: Invoke) -> None:
    done = invoke(*arguments)
    assert done.exit_code == code
    assert message in done.stderr
    assert not Path("runs").exists()
