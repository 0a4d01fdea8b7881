"""An adapter goes to a hub and comes back by name and revision, with the hub's own client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from hub_server import TOKEN, Hub, served, sha

from tunesmith.experiment import Experiment
from tunesmith.testing.rows import TEST, TRAIN
from tunesmith_local.backend import LocalBackend
from tunesmith_local.options import LocalOptions

REPOSITORY = "me/reviews"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of prompt tuning on the embedded model."""
    folder = tmp_path_factory.mktemp("work")
    data = {"train": [r.model_dump() for r in TRAIN], "test": [r.model_dump() for r in TEST]}
    method = {"name": "prompt_tuning", "num_virtual_tokens": 4, "num_epochs": 1, "batch_size": 8}
    experiment = Experiment(name="reviews", labels=["0", "1"], method=method, data=data)
    with LocalBackend(LocalOptions(store=folder / "store")) as backend:
        return experiment.run(backend, runs_dir=folder / "runs")


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def tunesmith(hub, tmp_path):
    """Return a function that runs the command line against the hub, as another user's machine."""
    with served(hub) as address:

        def call(*arguments, code=0, **changes):
            environment = {
                "HF_ENDPOINT": address,
                "HF_TOKEN": TOKEN,
                "HF_HOME": str(tmp_path / "h"),
            }
            done = subprocess.run(
                [sys.executable, "-m", "tunesmith", *map(str, arguments)],
                env={**os.environ, **environment, "HF_HUB_DISABLE_XET": "1", **changes},
                cwd=tmp_path,
                capture_output=True,
                text=True,
            )
            assert done.returncode == code, done.stderr
            return done

        yield call


def push(tunesmith, run, *more, **changes):
    return tunesmith("export", run.directory, "--to", "hub", "--repo", REPOSITORY, *more, **changes)


def test_a_dry_run_shows_the_files_and_reaches_no_hub(run, hub, tunesmith):
    offline = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}
    done = push(tunesmith, run, "--dry-run", "--private", "--json", **offline)
    document = json.loads(done.stdout)
    assert document["commit"] is None
    assert set(document["files"]) == {path.name for path in (run.directory / "adapter").iterdir()}
    assert document["metadata"]["base_model"] == "tunesmith/micro-granite"
    assert hub.commits == {}


def test_an_adapter_is_pushed_with_its_card(run, hub, tunesmith):
    push(tunesmith, run, "--private")
    assert hub.private == {REPOSITORY: True}
    files = hub.commits[REPOSITORY][-1]
    for path in (run.directory / "adapter").iterdir():
        assert files[path.name] == path.read_bytes()
    assert files["README.md"].startswith(b"---\nbase_model: tunesmith/micro-granite")


@pytest.mark.slow
def test_another_machine_loads_it_by_name_and_revision_and_gets_the_same_answers(
    run, hub, tunesmith, tmp_path
):
    push(tunesmith, run)
    hub.tags[REPOSITORY, 1] = "v1"
    hub.commits[REPOSITORY].append({"README.md": b"emptied"})
    tunesmith("import", f"hub:{REPOSITORY}", "--revision", "v1", "-o", "model.json")
    tunesmith("deploy", "model.json", "-o", "deployment.json")
    (tmp_path / "rows.jsonl").write_text("".join(r.model_dump_json() + "\n" for r in TEST))
    tunesmith("predict", "deployment.json", "rows.jsonl", "-o", "answers.jsonl")
    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    expected = run.answers("tuned")
    assert [a["label"] for a in answers] == [e.label for e in expected]
    for answer, one in zip(answers, expected, strict=True):
        assert answer["probabilities"] == pytest.approx(one.probabilities, abs=1e-6)
    done = tunesmith("import", f"hub:{REPOSITORY}", code=5)  # the main branch was emptied
    assert "no adapter that tunesmith exported" in done.stderr


def test_a_commit_is_a_revision(run, hub, tunesmith):
    push(tunesmith, run)
    done = tunesmith("import", f"hub:{REPOSITORY}", "--revision", sha(1), "--json")
    assert json.loads(done.stdout)["id"] == run.record.model.id


def test_a_folder_is_loaded_too(run, tunesmith):
    done = tunesmith("import", run.directory / "adapter", "--json")
    assert json.loads(done.stdout)["id"] == run.record.model.id


def test_another_base_model_is_refused_when_it_is_deployed(run, tunesmith, tmp_path):
    folder = tmp_path / "adapter"
    shutil.copytree(run.directory / "adapter", folder)
    card = json.loads((folder / "tunesmith.json").read_text())
    (folder / "tunesmith.json").write_text(json.dumps({**card, "base_fingerprint": "0" * 64}))
    tunesmith("import", folder, "-o", "model.json")
    done = tunesmith("deploy", "model.json", code=5)
    assert "load the model it was tuned from" in done.stderr


def test_an_id_of_a_stranger_is_never_a_path(run, tunesmith, tmp_path):
    folder = tmp_path / "adapter"
    shutil.copytree(run.directory / "adapter", folder)
    record = json.loads((folder / "tuned_model.json").read_text())
    (folder / "tuned_model.json").write_text(json.dumps({**record, "id": "../../elsewhere"}))
    done = tunesmith("import", folder, code=5)
    assert "is no id of a tuned model" in done.stderr
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("hub:me/nothing", "check the name, the revision"),
        ("hub:not a name", "no name of a repository"),
        ("no/such/folder", "no adapter that tunesmith exported"),
    ],
)
def test_what_is_not_there_is_named(tunesmith, source, says):
    done = tunesmith("import", source, code=2 if "not a name" in source else 5)
    assert says in done.stderr


def test_a_refused_token_is_not_shown(run, hub, tunesmith):
    done = push(tunesmith, run, code=5, HF_TOKEN="hf_a_wrong_one")
    assert "hf auth login" in done.stderr
    assert "hf_a_wrong_one" not in done.stderr
    assert hub.commits == {}


def test_the_hub_needs_a_name(run, tunesmith):
    done = tunesmith("export", run.directory, "--to", "hub", code=2)
    assert "--repo is missing" in done.stderr
