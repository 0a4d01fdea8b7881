"""tunesmith: one soft-prompt classification experiment, written once, run on any backend."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunesmith.backend import Backend as Backend
    from tunesmith.backend import Capabilities as Capabilities
    from tunesmith.backends.connect import connect as connect
    from tunesmith.dataset import Dataset as Dataset
    from tunesmith.dataset import load_dataset as load_dataset
    from tunesmith.evaluation.comparison import Comparison as Comparison
    from tunesmith.evaluation.comparison import compare as compare
    from tunesmith.evaluation.metrics import Evaluation as Evaluation
    from tunesmith.evaluation.metrics import evaluate as evaluate
    from tunesmith.experiment import Experiment as Experiment
    from tunesmith.labels import LabelSet as LabelSet
    from tunesmith.methods import FewShot as FewShot
    from tunesmith.methods import PromptTuning as PromptTuning
    from tunesmith.methods import ZeroShot as ZeroShot
    from tunesmith.run import Run as Run
    from tunesmith.run import load as load
    from tunesmith.runs.judgment import Judgment as Judgment
    from tunesmith.runs.judgment import judge as judge
    from tunesmith.spec import GenerationParams as GenerationParams

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
    "Run": "run",
    "ZeroShot": "methods",
    "compare": "evaluation.comparison",
    "connect": "backends.connect",
    "evaluate": "evaluation.metrics",
    "judge": "runs.judgment",
    "load": "run",
    "load_dataset": "dataset",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    # PEP 562: `import tunesmith` stays instant; a name costs its module when it is first used.
    if name not in _HOME:
        raise AttributeError(f"module 'tunesmith' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tunesmith.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
