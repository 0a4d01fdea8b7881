"""The dated file has its models with their sources."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tunesmith_emulator.catalogue.model import Model, catalogue_file

MODELS = catalogue_file().models


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.model_id)
def test_a_lifecycle_begins_as_available_and_is_ordered_in_time(model: Model) -> None:
    assert model.lifecycle[0].id == "available"
    order = ("available", "deprecated", "constricted", "withdrawn")
    for earlier, later in pairwise(model.lifecycle):
        assert earlier.start_date < later.start_date
        assert order.index(earlier.id) < order.index(later.id)


def test_ids_are_unique_and_alternatives_are_listed() -> None:
    ids = [model.model_id for model in MODELS]
    assert len(ids) == len(set(ids))
    named = {i for m in MODELS for s in m.lifecycle for i in s.alternative_model_ids}
    assert named <= set(ids)


def test_every_date_carries_evidence_from_the_files_own_list() -> None:
    known = list(catalogue_file().evidence.values())
    for model in MODELS:
        for stage in model.lifecycle:
            assert stage.evidence in known
            assert stage.evidence.kind != "ours"


def test_all_evidence_is_used() -> None:
    used = {s.evidence.what for m in MODELS for s in m.lifecycle}
    used |= {m.tuning.evidence.what for m in MODELS if m.tuning}
    used |= {m.whole_calls.what for m in MODELS if m.whole_calls}
    used.add(catalogue_file().own_model("a/b", "").tuning.evidence.what)
    used.add(catalogue_file().added_model("a/b", {}).tuning.evidence.what)
    assert used == {evidence.what for evidence in catalogue_file().evidence.values()}


@pytest.mark.parametrize("model", [m for m in MODELS if m.tuning], ids=lambda m: m.model_id)
def test_tunable_tasks_are_tasks_of_the_model_and_defaults_lie_in_their_range(
    model: Model,
) -> None:
    assert model.tuning is not None
    assert set(model.tuning.tasks) <= set(model.tasks)
    for parameters in (model.tuning.parameters, *model.tuning.tasks.values()):
        for limits in parameters.values():
            default = limits["default"]
            assert default in limits.get("supported", [default])
            assert limits.get("min", default) <= default <= limits.get("max", default)
    assert model.tuning.parameters["learning_rate"]["min"] == 0.00001
    assert model.tuning.parameters["num_virtual_tokens"]["supported"] == [20, 50, 100]
