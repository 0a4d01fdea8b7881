"""Settings that are ``auto``: what is chosen, on which rows, within which budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tunesmith.errors import ExperimentError
from tunesmith.experiment import Experiment
from tunesmith.labels import LabelSet
from tunesmith.methods import PromptTuning
from tunesmith.records import ChosenSetting, Row, TunedModel, TuningEvent
from tunesmith_local.backend import LocalBackend
from tunesmith_local.engine.scoring import Example
from tunesmith_local.errors import DivergedError
from tunesmith_local.methods.auto_settings import settled
from tunesmith_local.methods.preparation import prepare
from tunesmith_local.methods.search_plan import RATIOS, SearchPlan, embedding_scale, plan_search
from tunesmith_local.options import LocalOptions
from tunesmith_local.training.search import Candidate, RateSearch

MODEL = "tunesmith/micro-granite"
GOOD, BAD = ("good", "kind", "lovely", "gentle"), ("bad", "rude", "dirty", "late")
ROWS = [
    Row(input=f"visit {i}: the groomer was {word}", output=label)
    for i in range(8)
    for label, words in (("yes", GOOD), ("no", BAD))
    for word in words
][:40]


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    given = {"store": tmp_path / "store", "device": "cpu", "offline": True}
    with LocalBackend(LocalOptions.model_validate(given)) as opened:
        yield opened


def experiment(**method: object) -> Experiment:
    settings = {
        "name": "prompt_tuning",
        "num_virtual_tokens": 4,
        "num_epochs": 2,
        "learning_rate": "auto",
        "search_epochs": 8,
        "batch_size": 4,
        "accumulate_steps": 1,
        "init_method": "sample_vocab",
        "max_output_tokens": 4,
        "verbalizer": "{{input}}\n",
    }
    return Experiment.from_values(
        {
            "base_model": MODEL,
            "labels": ["yes", "no"],
            "data": {"train": "train.jsonl"},
            "method": settings | method,
            "seed": 3,
        }
    )


def tune(backend: LocalBackend, **method: object) -> tuple[TunedModel, list[TuningEvent]]:
    events: list[TuningEvent] = []
    model = backend.tuner.submit(experiment(**method), ROWS).wait(events.append)
    return model, events


def settings(**method: object) -> PromptTuning:
    found = experiment(**method).method
    assert isinstance(found, PromptTuning)
    return found


def planned(
    backend: LocalBackend,
    method: PromptTuning,
    rows: Sequence[Row] = ROWS,
    labels: Sequence[str] = ("yes", "no"),
) -> SearchPlan:
    base, known = backend._catalog.read(MODEL), LabelSet.model_validate(list(labels))
    encoded = prepare(base, method, known, 0, rows, None).train
    return plan_search(base, method, known, rows, encoded, seed=0)


def test_a_learning_rate_is_searched_for_and_recorded(backend: LocalBackend) -> None:
    model, events = tune(backend)
    (choice,) = model.choices
    assert choice.setting == "learning_rate"
    assert model.method["learning_rate"] == choice.value
    assert choice.value in {tried.value for tried in choice.tried}
    assert len({tried.value for tried in choice.tried}) == len(RATIOS)
    assert choice.held_out_rows == 8
    assert choice.seconds > 0
    assert 0 < choice.epochs <= 8
    told = [event.message for event in events if event.kind == "note"]
    assert sum("search: learning rate" in text for text in told) == len(choice.tried)
    first_step = next(i for i, event in enumerate(events) if event.kind == "step")
    assert not [e for e in events[first_step:] if "search:" in e.message]


def test_the_default_and_the_best_of_the_others_go_on(backend: LocalBackend) -> None:
    model, _ = tune(backend)
    (choice,) = model.choices
    default, *others = choice.tried[: len(RATIOS)]
    best = min(others, key=lambda tried: tried.loss or math.inf)
    final = choice.tried[len(RATIOS) :]
    assert [tried.value for tried in final] == [default.value, best.value]
    assert min(tried.epochs for tried in final) > default.epochs
    assert choice.value in {tried.value for tried in final}


EVEN = (0.5, 0.5, 0.5, 0.5)
BAD = (9.0, 9.0, 9.0, 9.0)
GUESS = (0.7, 0.7, 0.7, 0.7)  # of two labels


@pytest.mark.parametrize(
    ("losses", "chosen"),
    [
        ((EVEN, EVEN, EVEN, EVEN), 2),
        ((EVEN, EVEN, EVEN, (0.0, 0.95, 0.45, 0.5)), 2),  # lower by 0.025 with an error of 0.2
        ((EVEN, EVEN, EVEN, (0.47, 0.48, 0.48, 0.47)), 4),
        ((EVEN, EVEN, (0.47, 0.48, 0.48, 0.47), (0.45, 0.45, 0.45, 0.6)), 1),
        ((EVEN, BAD, EVEN, (0.2, 0.2, 0.2, math.nan)), 2),
        (((0.5, 0.5, 0.5, math.inf), BAD, GUESS, GUESS), 1),
        ((BAD, BAD, BAD, GUESS), 2),  # faster, but not better than a guess
        ((BAD, BAD, BAD, (0.6, 0.6, 0.6, 0.6)), 4),
    ],
)
def test_the_default_is_chosen_unless_another_is_clearly_better(
    backend: LocalBackend,
    monkeypatch: pytest.MonkeyPatch,
    losses: Sequence[Sequence[float]],
    chosen: float,
) -> None:
    plan = planned(backend, settings())
    choice = searched(plan, monkeypatch, losses)
    assert choice.value == plan.rates[RATIOS.index(chosen)]


def test_a_search_in_which_all_diverge_is_an_error(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DivergedError, match=r"every candidate diverged, down to 0\.0074"):
        searched(planned(backend, settings()), monkeypatch, [(math.nan,) * 4] * 4)


def searched(
    plan: SearchPlan, monkeypatch: pytest.MonkeyPatch, losses: Sequence[Sequence[float]]
) -> ChosenSetting:
    """Search with the given losses of the rows that judge, for each candidate in turn."""
    monkeypatch.setattr(Candidate, "train", lambda self, rows, steps: None)
    parameters = {"prompt": torch.nn.Parameter(torch.zeros(1))}
    started: list[Any] = [SimpleNamespace(parameters=parameters, at=n) for n in range(len(losses))]
    return RateSearch(
        plan=plan,
        method=settings(),
        rows=[Example((1,), (2,))] * len(ROWS),
        start=iter(started).__next__,
        judge=lambda tunable: (torch.tensor(losses[tunable.at]), 0.5),
        seed=0,
    ).run()


def test_the_same_seed_chooses_the_same(backend: LocalBackend) -> None:
    one, other = tune(backend)[0], tune(backend)[0]
    assert one.choices[0].tried == other.choices[0].tried
    assert one.curve == other.curve


def test_a_tuning_with_the_chosen_rate_is_that_tuning(backend: LocalBackend) -> None:
    searched, _ = tune(backend)
    given, _ = tune(backend, learning_rate=searched.method["learning_rate"])
    assert given.choices == ()
    assert given.curve == searched.curve


def test_number_of_tokens_and_start_need_no_search(backend: LocalBackend) -> None:
    model, _ = tune(
        backend,
        learning_rate=0.01,
        num_virtual_tokens="auto",
        init_method="auto",
        num_epochs=1,
    )
    chosen = {choice.setting: choice for choice in model.choices}
    assert set(chosen) == {"num_virtual_tokens", "init_method"}
    assert model.method["init_method"] == "sample_vocab"
    assert not any(choice.tried for choice in chosen.values())


@pytest.mark.parametrize(("labels", "tokens"), [(2, 20), (4, 20), (10, 50), (77, 100)])
def test_more_labels_get_more_tokens(labels: int, tokens: int) -> None:
    asked = PromptTuning.model_validate({"num_virtual_tokens": "auto", "init_method": "random"})
    complete, (choice,) = settled(asked, labels)
    assert complete.num_virtual_tokens == choice.value == tokens
    assert f"{labels} labels" in choice.reason


def test_an_init_text_is_the_start_if_there_is_one(backend: LocalBackend) -> None:
    model, _ = tune(
        backend, learning_rate=0.01, init_method="auto", init_text="Is it good?", num_epochs=1
    )
    assert model.method["init_method"] == "text"
    assert "init_text" in model.choices[0].reason


def test_the_files_of_the_adapter_hold_values(backend: LocalBackend, tmp_path: Path) -> None:
    model, _ = tune(backend, num_virtual_tokens="auto", init_method="auto")
    backend.tuner.export(model, tmp_path / "adapter")
    for file in (tmp_path / "adapter").glob("*.json"):
        text = file.read_text("utf-8")
        if file.name == "adapter_config.json":
            assert f'"num_virtual_tokens": {model.method["num_virtual_tokens"]}' in text
        if file.name != "tuned_model.json":
            assert '"auto"' not in text


def test_a_job_that_was_stopped_in_its_search_is_resumed(backend: LocalBackend) -> None:
    whole, _ = tune(backend)
    job = backend.tuner.submit(experiment(), ROWS)
    while not [event for event in job.events() if "search:" in event.message]:
        assert job.status() in ("queued", "running")
    backend.tuner.close()
    assert job.status() == "interrupted"
    resumed = backend.tuner.resume(job.id).wait()
    assert resumed.choices[0].tried == whole.choices[0].tried
    assert resumed.curve == whole.curve


def test_a_finished_search_is_not_repeated(backend: LocalBackend) -> None:
    job = backend.tuner.submit(experiment(num_epochs=40), ROWS)
    while not [event for event in job.events() if event.kind == "step"]:
        assert job.status() in ("queued", "running")
    backend.tuner.close()
    assert job.status() == "interrupted"
    told = len([event for event in job.events() if "search:" in event.message])
    again = backend.tuner.resume(job.id)
    while len([event for event in again.events() if event.kind == "step"]) < 3:
        assert again.status() in ("queued", "running")
    backend.tuner.close()
    assert len([event for event in again.events() if "search:" in event.message]) == told


def test_a_budget_below_one_epoch_is_refused() -> None:
    with pytest.raises(
        ExperimentError, match=r"method\.search_epochs: 0.5 is less.*set at least 1"
    ):
        experiment(search_epochs=0.5)


def test_too_few_steps_to_compare_are_refused_before_anything_runs(backend: LocalBackend) -> None:
    with pytest.raises(ExperimentError, match=r"method\.search_epochs: 1 epochs over 40 rows"):
        backend.tuner.check(experiment(search_epochs=1, batch_size=16), ROWS)


def test_a_label_that_cannot_be_held_out_is_refused(backend: LocalBackend) -> None:
    rows = [*[row for row in ROWS if row.output == "no"], Row(input="fine", output="yes")]
    with pytest.raises(ExperimentError, match=r"method\.learning_rate: 'auto' .*one row only"):
        backend.tuner.check(experiment(), rows)


def test_an_unused_budget_is_noted(backend: LocalBackend) -> None:
    model, _ = tune(backend, learning_rate=0.01, num_epochs=1, search_epochs=2)
    assert "search_epochs was not used: learning_rate is not 'auto'" in model.details["notes"]


@pytest.mark.parametrize("method", ["lora", "p_tuning", "prefix_tuning", "fine_tuning"])
def test_other_methods_take_numbers_alone(method: str) -> None:
    values = {"labels": ["yes", "no"], "data": {"train": "train.jsonl"}}
    with pytest.raises(ExperimentError, match="learning_rate"):
        Experiment.from_values({**values, "method": {"name": method, "learning_rate": "auto"}})


def test_the_budget_is_half_of_the_epochs_if_none_is_set() -> None:
    assert settings(search_epochs=None, num_epochs=8).search_budget == 4
    assert settings(search_epochs=None, num_epochs=1).search_budget == 1
    assert settings(search_epochs=3, num_epochs=8).search_budget == 3


def test_the_budget_holds_for_all_candidates_together(backend: LocalBackend) -> None:
    for epochs in (8.0, 10.0, 20.0):
        plan = planned(backend, settings(search_epochs=epochs), ROWS)
        trained = sum(kept * steps * 4 for kept, steps in plan.rounds)
        assert plan.cost <= epochs
        assert trained / len(ROWS) <= plan.cost


def test_candidates_are_multiples_of_the_scale_of_the_embeddings(backend: LocalBackend) -> None:
    base = backend._catalog.read(MODEL)
    weight = base.embeddings.weight.detach()
    assert embedding_scale(base) == pytest.approx(float((weight**2).mean().sqrt()))
    plan = planned(backend, settings(), ROWS)
    for rate, ratio in zip(plan.rates, RATIOS, strict=True):
        assert rate == pytest.approx(ratio * embedding_scale(base), rel=0.05)


def test_held_out_rows_have_every_label_and_no_copy_among_the_others(
    backend: LocalBackend,
) -> None:
    plan = planned(backend, settings(), ROWS + ROWS)
    judging = {row.input for row in plan.judges}
    others = {row.input for i, row in enumerate(ROWS + ROWS) if i not in plan.held_out}
    assert {row.output for row in plan.judges} == {"yes", "no"}
    assert not judging & others


def test_many_labels_are_not_all_scored(backend: LocalBackend) -> None:
    labels = [f"a label of many words, number {i}" for i in range(10)]
    rows = [Row(input=f"text {i}", output=labels[i % 10]) for i in range(60)]
    few = planned(backend, settings())
    many = planned(backend, settings(max_output_tokens=64), rows, labels)
    assert few.decides
    assert "among the labels" in few.reason
    assert not many.decides
    assert "among the labels" not in many.reason


def test_the_loss_of_the_right_answer_judges_instead(backend: LocalBackend) -> None:
    labels = [f"a label of many words, number {i}" for i in range(8)]
    rows = [Row(input=f"text {i}", output=labels[i % 8]) for i in range(40)]
    spec = experiment(max_output_tokens=32).model_copy(
        update={"labels": LabelSet.model_validate(labels)}
    )
    choice = backend.tuner.tune(spec, rows).choices[0]
    assert all(tried.loss and tried.accuracy is None for tried in choice.tried)
