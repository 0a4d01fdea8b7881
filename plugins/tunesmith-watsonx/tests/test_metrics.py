"""The learning curve is the one that the SDK itself shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ibm_watsonx_ai.foundation_models.prompt_tuner import PromptTuner

from tunesmith_watsonx.metrics import epoch_times, losses, moment

VALUES = [(0, 0.91), (0, 0.83), (0, 0.1), (1, 0.7), (1, 0.3), (2, 1e-9), (2, 0.2), (2, 0.7)]


def inline(epoch, loss):
    return {
        "timestamp": f"2026-11-20T23:16:{epoch:02d}.366Z",
        "iteration": 0,
        "ml_metrics": {"loss": loss, "epoch": epoch},
    }


def named(epoch, loss):
    when = f"2026-11-20T23:16:{epoch:02d}.366239"
    return {"name": "loss", "data": {"timestamp": when, "epoch": epoch, "step": 0, "value": loss}}


@pytest.mark.parametrize("shape", [inline, named])
def test_epochs_are_averaged_as_the_sdk_averages_them(shape):
    metrics = [shape(*value) for value in VALUES]
    details = {"entity": {"status": {"metrics": metrics}}}
    theirs = PromptTuner._get_average_loss_score_for_each_epoch(details, epoch=0)
    curve = losses(metrics)
    assert [e.loss for e in curve.epochs] == theirs
    assert [e.epoch for e in curve.epochs] == [1, 2, 3]
    assert curve.steps == ()


def test_no_metrics_make_no_curve():
    assert losses([]).epochs == ()
    assert losses([{"context": {"prompt_tuning": {"metrics_location": "x"}}}]).epochs == ()


@pytest.mark.parametrize("shape", [inline, named])
def test_an_epoch_ends_with_its_last_entry(shape):
    times = epoch_times([shape(*value) for value in VALUES])
    assert [when.second for when in times] == [0, 1, 2]
    assert all(when.tzinfo for when in times)


def test_times_of_the_service():
    assert moment("2026-11-20T23:16:15Z") == datetime(2026, 11, 20, 23, 16, 15, tzinfo=UTC)
    assert moment("2026-11-20T23:16:15.5").tzinfo is UTC
    assert moment(None) is None
    assert moment("soon") is None
