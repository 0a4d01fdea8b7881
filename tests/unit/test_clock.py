"""The wall clock is set back and forth, and times never go back."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tunesmith import clock

HOUR = 3_600 * 10**9
WALL = time.time_ns


@pytest.fixture(autouse=True)
def own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the clock of the process after a test."""
    monkeypatch.setattr(clock, "_boot", clock._boot)


def set_by(nanoseconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: WALL() + nanoseconds)


def test_times_follow_the_wall_clock_when_it_is_set_forward(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    set_by(HOUR, monkeypatch)
    ahead = clock.now() - datetime.now(UTC)
    assert timedelta(minutes=59) < ahead < timedelta(minutes=61)


def test_times_go_on_when_the_wall_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [clock.now()]
    for hours in (-1, -2, -24):
        set_by(hours * HOUR, monkeypatch)
        time.sleep(0.001)
        times.append(clock.now())
    assert times == sorted(set(times))
    assert times[-1] - times[0] < timedelta(minutes=1)
