"""The training loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain, pairwise

import pytest
import torch
from local_models import build
from local_models import start as start_tunable

from tunesmith.backends.jobs import JobStopped
from tunesmith.methods import PromptTuning
from tunesmith.records import TuningEvent
from tunesmith_local.engine.encoding import encode_answer, encode_prompt
from tunesmith_local.engine.scoring import Example, row_losses
from tunesmith_local.errors import DivergedError
from tunesmith_local.methods.tunable import Tunable
from tunesmith_local.model.loading import BaseLM
from tunesmith_local.training.steps import Stepper, share_of_peak
from tunesmith_local.training.training import Training

GetBase = Callable[[str], BaseLM]
PLAN = PromptTuning(
    num_epochs=3,
    learning_rate=0.05,
    batch_size=3,
    accumulate_steps=2,
    num_virtual_tokens=6,
    init_method="sample_vocab",
)


def but(method: PromptTuning, **changes: object) -> PromptTuning:
    """Return the method with other settings."""
    return method.model_copy(update=changes)


def prompt_of(tunable: Tunable) -> torch.nn.Parameter:
    """Return the one parameter of prompt tuning."""
    (prompt,) = tunable.parameters.values()
    return prompt


def examples(base: BaseLM, count: int = 14) -> list[Example]:
    """Rows of different length whose label is the parity of a word count."""
    return [
        Example(
            encode_prompt(base.tokenizer, f"{'ha ' * (i % 5)}{i}").token_ids,
            encode_answer(base.tokenizer, ("no", "yes", "1")[i % 3]),
        )
        for i in range(count)
    ]


def start(base: BaseLM) -> Tunable:
    """A fresh soft prompt in a fresh PEFT model."""
    return start_tunable(base, PLAN, 1)


def test_the_tutorial_makes_36_steps() -> None:
    plan = PromptTuning(num_epochs=12, learning_rate=0.001, batch_size=8, accumulate_steps=16)
    assert plan.steps_per_epoch(353) == 3
    assert plan.optimizer_steps(353) == 36


@pytest.mark.parametrize("kind", ["granite", "granite-moe", "hybrid-mamba", "t5"])
def test_the_loss_falls_and_the_base_model_stays(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    before = {name: p.clone() for name, p in base.model.named_parameters()}
    plan = but(PLAN, num_epochs=12, learning_rate=0.1)
    result = Training(start(base), examples(base), plan).run()
    losses = [point.loss for point in result.curve.epochs]
    assert losses[-1] < losses[0] - 0.1
    assert all(torch.equal(before[n], p) for n, p in base.model.named_parameters())


def test_every_row_is_used_once_per_epoch_and_the_last_window_is_flushed(base_lm: GetBase) -> None:
    base = base_lm("granite")
    training = Training(start(base), examples(base), PLAN)
    result = training.run()
    assert result.steps == 9
    assert [point.epoch for point in result.curve.steps] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    steps = Stepper(training.tunable, PLAN)
    for epoch in range(3):
        windows = [steps.rows_of(training.examples, epoch, i) for i in range(3)]
        assert [len(window) for window in windows] == [6, 6, 2]
        assert sorted(chain.from_iterable(windows), key=str) == sorted(training.examples, key=str)
    first, second = (steps.rows_of(training.examples, epoch, 0) for epoch in range(2))
    assert first != second


def test_the_gradient_is_that_of_the_mean_over_the_window(base_lm: GetBase) -> None:
    base = base_lm("granite")
    tunable = start(base)
    prompt = prompt_of(tunable)
    steps = Stepper(tunable, PLAN)
    for position in (0, 2):
        rows = steps.rows_of(examples(base), 0, position)
        loss = steps.step(rows, 0, learning_rate=0.0)  # nothing moves
        expected = torch.stack([row_losses(base, prompt, [row])[0] for row in rows]).mean()
        assert loss == pytest.approx(float(expected.detach()), rel=1e-5)
        (gradient,) = torch.autograd.grad(expected, prompt)
        assert prompt.grad is not None
        assert (prompt.grad - gradient).norm() <= 1e-5 * gradient.norm()


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_a_gradient_that_is_too_long_is_scaled_down_and_no_other(
    base_lm: GetBase, share: float
) -> None:
    base = base_lm("granite")
    rows = examples(base)[:6]
    free = start(base)
    Stepper(free, PLAN).step(rows, 0, learning_rate=0.0)
    whole = prompt_of(free).grad
    assert whole is not None
    limit = share * float(whole.norm())
    held = start(base)
    Stepper(held, but(PLAN, max_grad_norm=limit)).step(rows, 0, learning_rate=0.0)
    found = prompt_of(held).grad
    assert found is not None
    torch.testing.assert_close(found, whole * min(1.0, share), rtol=1e-4, atol=0)


def test_the_batches_of_a_window_do_not_change_the_step(base_lm: GetBase) -> None:
    base = base_lm("granite")
    small = but(PLAN, batch_size=1, accumulate_steps=6)
    one, two = start(base), start(base)
    Training(one, examples(base), PLAN).run()
    Training(two, examples(base), small).run()
    torch.testing.assert_close(prompt_of(one), prompt_of(two), rtol=1e-3, atol=1e-4)


def test_the_epoch_loss_is_the_mean_over_its_rows(base_lm: GetBase) -> None:
    base = base_lm("granite")
    plan = but(PLAN, learning_rate=1e-12, num_epochs=1)
    rows = examples(base)
    result = Training(start(base), rows, plan, validation=rows).run()
    (epoch,) = result.curve.epochs
    assert epoch.loss == pytest.approx(epoch.validation_loss, rel=1e-5)


def test_the_seed_decides(base_lm: GetBase) -> None:
    base = base_lm("granite")
    one, again, other = start(base), start(base), start(base)
    first = Training(one, examples(base), PLAN).run()
    second = Training(again, examples(base), PLAN).run()
    Training(other, examples(base), PLAN, seed=1).run()
    assert torch.equal(prompt_of(one), prompt_of(again))
    assert first.curve == second.curve
    assert not torch.equal(prompt_of(one), prompt_of(other))


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
@pytest.mark.parametrize("schedule", ["linear", "constant"])
def test_optimizers_and_schedules_move_the_prompt(
    base_lm: GetBase, optimizer: str, schedule: str
) -> None:
    base = base_lm("granite")
    plan = but(PLAN, optimizer=optimizer, lr_schedule=schedule)
    tunable = start(base)
    before = prompt_of(tunable).detach().clone()
    Training(tunable, examples(base), plan).run()
    assert not torch.equal(prompt_of(tunable), before)


@pytest.mark.parametrize(
    ("schedule", "warmup", "shares"),
    [
        ("constant", 0.0, [1, 1, 1, 1, 1]),
        ("linear", 0.0, [1, 0.8, 0.6, 0.4, 0.2]),
        ("constant", 0.4, [1 / 3, 2 / 3, 1, 1, 1]),
        ("linear", 0.4, [1 / 3, 2 / 3, 1, 2 / 3, 1 / 3]),
        ("linear", 1.0, [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6]),
    ],
)
def test_the_rate_rises_to_its_peak_then_falls_or_stays(
    schedule: str, warmup: float, shares: list[float]
) -> None:
    plan = but(PLAN, lr_schedule=schedule, warmup_ratio=warmup)
    assert [share_of_peak(plan, step, 5) for step in range(5)] == pytest.approx(shares)


def test_validation_keeps_the_best_prompt_and_stops(base_lm: GetBase) -> None:
    base = base_lm("granite")
    rows = examples(base)
    # What training teaches is wrong for these, so their loss must rise sooner or later.
    held_out = [Example(row.prompt, encode_answer(base.tokenizer, "#")) for row in rows]
    plan = but(PLAN, num_epochs=60, learning_rate=0.3, early_stopping_patience=2)
    training = Training(start(base), rows, plan, validation=held_out)
    result = training.run()
    losses = [point.validation_loss for point in result.curve.epochs]
    assert result.stopped_early
    assert len(losses) < 60
    best = result.curve.best_epoch
    assert best is not None
    assert losses[best - 1] == min(losses)
    assert len(losses) == best + 2
    kept = Stepper(training.tunable, plan).losses(held_out).mean().item()
    assert kept == pytest.approx(min(losses), rel=1e-6)


def test_a_loss_that_is_not_finite_names_its_step() -> None:
    base = build("granite")
    events: list[TuningEvent] = []

    def poison(event: TuningEvent) -> None:
        events.append(event)
        if event.step == 2:
            with torch.no_grad():
                base.model.lm_head.weight[0, 0] = math.nan

    training = Training(start(base), examples(base), PLAN, on_event=poison)
    with pytest.raises(DivergedError, match="not a finite number at optimizer step 3") as info:
        training.run()
    assert info.value.step == 3
    assert bool(prompt_of(training.tunable).isfinite().all())


def test_stopping_is_heard_before_the_next_batch(base_lm: GetBase) -> None:
    base = base_lm("granite")
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(JobStopped):
        Training(start(base), examples(base), PLAN, should_stop=stop).run()
    assert asked == 4


def test_events_report_steps_and_epochs(base_lm: GetBase) -> None:
    base = base_lm("granite")
    events: list[TuningEvent] = []
    rows = examples(base)
    result = Training(start(base), rows, PLAN, validation=rows[:4], on_event=events.append).run()
    steps = [event for event in events if event.kind == "step"]
    epochs = [event for event in events if event.kind == "epoch"]
    assert [event.step for event in steps] == list(range(1, 10))
    assert {event.total_steps for event in steps} == {9}
    assert [event.loss for event in steps] == [point.loss for point in result.curve.steps]
    assert [event.validation_loss for event in epochs] == [
        point.validation_loss for point in result.curve.epochs
    ]
    assert all(a.time <= b.time for a, b in pairwise(events))
