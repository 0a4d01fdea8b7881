"""A record holds the facts about its methods; an old one, which has their names alone, is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_records import made

from tunesmith import Experiment
from tunesmith.hookspecs import BackendEntry, MethodEntry
from tunesmith.run import Run
from tunesmith.runs.judgment import judge
from tunesmith.runs.record import Baseline, RunRecord
from tunesmith.testing.fake import FakeBackend

OLD = Path(__file__).parents[1] / "run-0.1.0"
FACTS = {
    "majority": ("constant", "majority", "majority"),
    "tfidf_logreg": ("classifier", "TF-IDF", "TF-IDF with logistic regression"),
}


def facts(record: RunRecord) -> dict[str, tuple[str | None, str, str]]:
    return {b.method: (b.kind, b.title, b.long_title) for b in record.baselines}


def test_the_baselines_of_a_plugin_come_with_its_facts(
    experiment: Experiment, tmp_path: Path
) -> None:
    pytest.importorskip("tunesmith_sklearn")
    run = experiment.run(FakeBackend(), runs_dir=tmp_path)
    assert facts(run.record).items() >= FACTS.items()
    assert run.record.kind == "soft prompt"
    assert Run.load(run.directory).record == run.record


def test_a_record_of_the_first_release_gets_them_by_name() -> None:
    assert "kind" not in json.loads((OLD / "run.json").read_text())["baselines"][0]
    assert facts(Run.load(OLD).record) == FACTS


def test_a_baseline_without_a_title_is_named_after_its_method() -> None:
    known = made("+-", None, "++")[0].baselines[0]
    other = Baseline.model_validate(
        {**known.model_dump(include={"evaluation", "seconds", "comparison"}), "method": "nearest"}
    )
    assert (other.title, other.long_title, other.kind) == ("nearest", "nearest", None)


def test_every_backend_may_bring_baselines(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sklearn = pytest.importorskip("tunesmith_sklearn.backend")
    target = "tunesmith_sklearn.methods:TfidfLogreg"
    bag = MethodEntry("tfidf_logreg", "", target, "classifier", title="Bag of words", baseline=True)
    dear = MethodEntry("majority", "", "tunesmith_sklearn.methods:Majority")

    class Registered:
        def backends(self) -> dict[str, BackendEntry]:
            return {"bags": BackendEntry("bags", "", "", methods=(bag, dear))}

    def connected(name: str, store: str) -> object:
        assert name == "bags"
        return sklearn.SklearnBackend(sklearn.SklearnBackend.options_model(store=store))

    monkeypatch.setattr("tunesmith.pipeline.baselines.registry", Registered)
    monkeypatch.setattr("tunesmith.pipeline.baselines.connect", connected)
    record = experiment.run(FakeBackend(), runs_dir=tmp_path).record
    assert facts(record)["tfidf_logreg"] == ("classifier", "Bag of words", "Bag of words")
    assert "majority" not in facts(record)
    assert "Bag of words" in [opponent.name for opponent in judge(record).opponents]
