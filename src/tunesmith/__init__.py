"""tunesmith: one soft-prompt classification experiment, written once, run on any backend."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunesmith.backend import Backend, Capabilities
    from tunesmith.backends.connect import connect
    from tunesmith.dataset import Dataset, load_dataset
    from tunesmith.evaluation.comparison import Comparison, compare
    from tunesmith.evaluation.metrics import Evaluation, evaluate
    from tunesmith.experiment import Experiment
    from tunesmith.labels import LabelSet
    from tunesmith.methods import FewShot, PromptTuning, ZeroShot
    from tunesmith.runs.judgment import Judgment, judge
    from tunesmith.runs.run import Run
    from tunesmith.spec import GenerationParams

_HOME = {
    "Backend": "backend",
    "Capabilities": "backend",
    "Comparison": "evaluation.comparison",
    "Dataset": "dataset",
    "Evaluation": "evaluation.metrics",
    "Experiment": "experiment",
    "FewShot": "methods",
    "GenerationParams": "spec",
    "Judgment": "runs.judgment",
    "LabelSet": "labels",
    "PromptTuning": "methods",
    "Run": "runs.run",
    "ZeroShot": "methods",
    "compare": "evaluation.comparison",
    "connect": "backends.connect",
    "evaluate": "evaluation.metrics",
    "judge": "runs.judgment",
    "load_dataset": "dataset",
}

__all__ = [
    "Backend",
    "Capabilities",
    "Comparison",
    "Dataset",
    "Evaluation",
    "Experiment",
    "FewShot",
    "GenerationParams",
    "Judgment",
    "LabelSet",
    "PromptTuning",
    "Run",
    "ZeroShot",
    "compare",
    "connect",
    "evaluate",
    "judge",
    "load_dataset",
]


def __getattr__(name: str) -> Any:
    # PEP 562: `import tunesmith` stays instant; a name costs its module when it is first used.
    if name not in _HOME:
        raise AttributeError(f"module 'tunesmith' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tunesmith.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
