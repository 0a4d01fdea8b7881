"""The progress of a running command."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress as Bars

from tunesmith.progress import Progress
from tunesmith.progress import lines as shown
from tunesmith.progress.bars import LiveProgress
from tunesmith.progress.lines import PlainProgress, loss_text
from tunesmith.records import TuningEvent


def report(progress: Progress) -> None:
    """Report a small tuning and two predictions."""
    progress.stage("tune")
    for epoch in (1, 2):
        for step in (1, 2):
            count = 2 * (epoch - 1) + step
            progress.tuning(
                TuningEvent(kind="step", step=count, total_steps=4, epoch=epoch, loss=1 / count)
            )
        progress.tuning(TuningEvent(kind="epoch", epoch=epoch, loss=0.5, validation_loss=0.25))
    progress.tuning(TuningEvent(kind="note", message="stopped early [2]"))
    progress.stage("predict tuned")
    progress.predicted(64, 100)
    progress.predicted(100, 100)


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    report(PlainProgress())
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "tune"
    assert lines[1].startswith("  epoch 1 (step 2/4, ")
    assert lines[1].endswith("s left): loss 0.500, validation loss 0.250")
    assert lines[2:] == [
        "  epoch 2 (step 4): loss 0.500, validation loss 0.250",
        "  stopped early [2]",
        "predict tuned",
        "  100/100 rows",
    ]


def test_long_silence_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "SECONDS_BETWEEN_LINES", -1.0)
    report(PlainProgress())
    lines = capsys.readouterr().err.splitlines()
    assert "  step 1/4: loss 1.000" in lines
    assert "  64/100 rows" in lines


def test_live_bars() -> None:
    bars = Bars(console=Console(file=io.StringIO(), force_terminal=True))
    live = LiveProgress(bars)
    report(live)
    live.stage("baselines")
    live.complete()
    tasks = {task.description: task for task in bars.tasks}
    assert list(tasks) == ["tune", "predict tuned", "baselines"]
    assert all(task.finished for task in tasks.values())
    assert (tasks["tune"].completed, tasks["tune"].total) == (4, 4)
    assert tasks["tune"].fields["detail"] == "epoch 2  loss 0.500, validation loss 0.250"


def test_loss_that_is_not_known() -> None:
    assert loss_text(TuningEvent(kind="epoch", epoch=1)) == ""
