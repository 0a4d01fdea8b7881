"""The base of the defective backends, and the list of them.

A defect is a small subclass of the fake backend with one fault. Its decorator names the test of the
suite that must fail, and its docstring says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tunesmith.testing.fake import FAKE_MODEL, FakeBackend, FakeDeployer, FakePredictor, FakeTuner

EXPERIMENT: dict[str, Any] = {
    "base_model": FAKE_MODEL,
    "method": {
        "name": "prompt_tuning",
        "num_epochs": 12,
        "batch_size": 3,
        "accumulate_steps": 1,
        "learning_rate": 1.0,
        "verbalizer": "classify {0, 1} {{input}} =",
    },
}
"""16 training rows make 6 steps in each epoch, the last of one row."""


class Defective(FakeBackend):
    """The parts of a backend as classes, which a defect replaces."""

    Tuner: ClassVar[type[FakeTuner]] = FakeTuner
    Deployer: ClassVar[type[FakeDeployer]] = FakeDeployer
    Predictor: ClassVar[type[FakePredictor]] = FakePredictor
    knobs: ClassVar[dict[str, Any]] = {}
    """Settings of the test class."""

    @property
    def tuner(self) -> FakeTuner:
        return self.Tuner(self)

    @property
    def deployer(self) -> FakeDeployer:
        return self.Deployer(self)

    @property
    def predictor(self) -> FakePredictor:
        return self.Predictor(self)


DEFECTS: dict[type[Defective], str] = {}
"""Each defective backend, with the one test that must fail."""


def caught_by(test: str) -> Callable[[type[Defective]], type[Defective]]:
    """Return a decorator that adds a backend to the list."""

    def add(backend: type[Defective]) -> type[Defective]:
        DEFECTS[backend] = test
        return backend

    return add
