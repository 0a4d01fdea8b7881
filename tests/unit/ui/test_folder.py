"""What the table knows of runs and sweeps that are done, running, damaged or elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tunesmith import Experiment
from tunesmith.errors import RunError
from tunesmith.run import Run
from tunesmith.runs.judgment import judge
from tunesmith.runs.run import RECORD, RunDirectory
from tunesmith.sweep.ladder import run_ladder
from tunesmith.sweep.trial import BackendRef
from tunesmith.ui.entries import Entry
from tunesmith.ui.folder import RunsFolder

RunOf = Callable[..., Run]
OLD_RUN = Path(__file__).parents[1] / "run-0.1.0"


def only(runs: RunsFolder) -> Entry:
    (entry,) = runs.entries()
    return entry


def change(run: Run, **fields: object) -> None:
    file = run.directory / RECORD
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def test_a_run_has_its_numbers_and_its_verdict(run_of: RunOf, folder: Path) -> None:
    run = run_of(seed=3)
    entry = only(RunsFolder(folder))
    found = judge(run.record)
    assert found.opponent is not None
    assert (entry.id, entry.kind, entry.status) == (run.directory.name, "run", "completed")
    assert (entry.method, entry.backend, entry.seed) == ("prompt_tuning", "fake", 3)
    assert entry.accuracy == run.record.evaluations["tuned"].accuracy
    assert f"{entry.lead} {entry.sentence}" == found.headline
    assert (entry.difference, entry.corrected_p) == (
        found.opponent.difference,
        found.opponent.corrected_p,
    )
    assert entry.test is not None
    assert entry.test.fingerprint == run.record.data["test"].fingerprint
    assert entry.paired
    assert RunsFolder(folder).report(entry.id) == run.directory / "report.html"


def test_a_run_of_the_first_release_is_listed(folder: Path) -> None:
    shutil.copytree(OLD_RUN, folder / "old")
    entry = only(RunsFolder(folder))
    assert (entry.id, entry.status, entry.problem) == ("old", "completed", "")
    with pytest.raises(LookupError, match="no report"):
        RunsFolder(folder).report("old")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"name": "x", "sta', "not a run record"),
        ("\udcff", "not UTF-8"),
        ("[]", "not a run record"),
        ('{"schema_version": 9}', "not a run record"),
    ],
)
def test_a_damaged_record_hides_no_other_run(
    run_of: RunOf, folder: Path, text: str, reason: str
) -> None:
    run_of()
    (folder / "damaged").mkdir()
    (folder / "damaged" / RECORD).write_text(text, errors="surrogateescape")
    entries = {entry.status: entry for entry in RunsFolder(folder).entries()}
    assert set(entries) == {"completed", "unreadable"}
    assert reason in entries["unreadable"].problem
    assert "damaged" in entries["unreadable"].problem


def test_a_record_that_lacks_what_the_table_shows_is_unreadable(
    run_of: RunOf, folder: Path
) -> None:
    change(run_of(), experiment={})
    assert "KeyError: 'method'" in only(RunsFolder(folder)).problem


def test_a_run_is_running_for_as_long_as_its_process_holds_the_lock(
    run_of: RunOf, folder: Path
) -> None:
    run = run_of()
    change(run, status="running")
    runs = RunsFolder(folder)
    assert only(runs).status == "interrupted"
    with RunDirectory(run.directory, run.record).locked():
        assert only(runs).status == "running"
        with pytest.raises(RunError, match="is running, not completed"):
            runs.run(run.directory.name)
    assert only(runs).status == "interrupted"


def test_a_failed_run_has_the_reason(run_of: RunOf, folder: Path) -> None:
    change(run_of(), status="failed", error="the loss is nan", evaluations={}, baselines=[])
    entry = only(RunsFolder(folder))
    assert (entry.status, entry.problem, entry.lead) == ("failed", "the loss is nan", "")


def test_a_record_is_read_again_only_if_it_changed(
    run_of: RunOf, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other, runs = run_of(), run_of(), RunsFolder(folder)
    read: list[Path] = []
    load = RunDirectory.load

    def counted(directory: Path, **options: bool) -> RunDirectory:
        read.append(directory)
        return load(directory, **options)

    monkeypatch.setattr(RunDirectory, "load", counted)
    runs.entries()
    assert sorted(read) == sorted([run.directory, other.directory])
    runs.entries()
    assert len(read) == 2
    change(run, name="another name")
    assert "another name" in {entry.name for entry in runs.entries()}
    assert read[2:] == [run.directory]
    shutil.rmtree(run.directory)
    assert only(runs).id == other.directory.name


def test_a_ladder_and_its_trials(experiment: Experiment, folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parent)
        sweep = run_ladder(
            experiment,
            BackendRef(name="sklearn"),
            runs_dir=folder,
            only=["majority", "tfidf_logreg"],
        )
    entries = {entry.kind: entry for entry in RunsFolder(folder).entries()}
    assert set(entries) == {"ladder", "trial"}
    ladder = entries["ladder"]
    assert (ladder.done, ladder.trials) == (2, len(sweep.record.results))
    assert ladder.status == "completed"
    assert sweep.record.verdict is not None
    assert ladder.lead == f"{sweep.record.verdict.lead}:"
    assert ladder.method == sweep.record.verdict.best
    assert ladder.test == entries["trial"].test
    assert entries["trial"].id.startswith(f"{ladder.id}/cells/")
    assert RunsFolder(folder).run(entries["trial"].id).record.status == "completed"
    with pytest.raises(LookupError, match="no run"):
        RunsFolder(folder).run(ladder.id)  # a sweep is no run


def test_nothing_outside_the_folder_is_read(run_of: RunOf, folder: Path) -> None:
    run = run_of()
    elsewhere = folder.parent / "elsewhere"
    run.directory.rename(elsewhere)
    (folder / "link").symlink_to(elsewhere)
    runs = RunsFolder(folder)
    assert only(runs).problem.endswith("a link out of the folder of the runs; not read")
    for id_ in ("link", "../elsewhere", str(elsewhere), "..", ""):
        with pytest.raises(LookupError):
            runs.run(id_)
        with pytest.raises(LookupError):
            runs.report(id_)
    secret = folder.parent / "secret"
    secret.write_text("secret")
    (folder / "own").mkdir()
    shutil.copy(elsewhere / RECORD, folder / "own")
    (folder / "own" / "report.html").symlink_to(secret)
    with pytest.raises(LookupError, match="no report"):
        runs.report("own")


def test_a_wrong_name_gets_near_ones(run_of: RunOf, folder: Path) -> None:
    name = run_of().directory.name
    with pytest.raises(LookupError, match=f"Did you mean '{name}'"):
        RunsFolder(folder).run(name[:-1])


def test_a_folder_that_does_not_exist_is_empty(folder: Path) -> None:
    assert RunsFolder(folder).entries() == []
