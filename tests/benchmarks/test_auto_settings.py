"""The benchmark of settings that are ``auto`` makes valid trials, and repeats no finished one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.plugins import DEFAULT_BASE_MODEL

from . import auto_settings

DATA = "grooming_reviews"
RESULT = {"accuracy": 0.5, "seconds": 3.0, "search_seconds": 1.0, "rate": 0.01}


def test_finished_trials_are_read_and_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = list(auto_settings._trials(DEFAULT_BASE_MODEL, DATA, 2, only_auto=False))
    assert len(trials) == 2 * (1 + 12)
    done: list[auto_settings.Trial] = []

    def do(
        backend: object, trial: auto_settings.Trial, task: auto_settings.Task
    ) -> dict[str, object]:
        spec = auto_settings._spec(trial, task)
        assert spec.method.model_dump()["learning_rate"] == trial.rate
        done.append(trial)
        if len(done) == 5:
            raise KeyboardInterrupt
        chosen = (trial.rate, trial.length) == (0.1, 50)
        lucky = (trial.rate, trial.seed) == (0.3, 1)  # once of two times is not the best mean
        found = {"accuracy": 0.6 if chosen else 0.7 if lucky else 0.45}
        return {**RESULT, **found, "validation_loss": [0.9, 0.4 if trial.length == 20 else 0.5]}

    monkeypatch.setattr(auto_settings, "_do", do)
    arguments = ["--data", DATA, "--seeds", "2", "--build", str(tmp_path)]
    with pytest.raises(KeyboardInterrupt):
        auto_settings.main(arguments)
    assert auto_settings.main(arguments) == 0
    assert done == [*trials[:5], *trials[4:]]
    (line,) = [row for row in capsys.readouterr().out.splitlines() if DATA in row]
    best, chosen = "0.600 of 12 | 0.1, 50 | -0.150", "0.450 of 12 | 0.001, 20 | +0.000"
    assert f"| 0.450 | 0.01, 0.01 | {best} | {chosen} | 0.50 |" in line
