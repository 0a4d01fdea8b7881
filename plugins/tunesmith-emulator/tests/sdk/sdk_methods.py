"""The public methods of the SDK that the coverage counts, read from the installed SDK."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's imports cause warnings
    from ibm_watsonx_ai.assets import Assets
    from ibm_watsonx_ai.deployments import Deployments
    from ibm_watsonx_ai.foundation_models import (
        AudioModelInference,
        BatchInference,
        Embeddings,
        FineTuner,
        ILabTuner,
        ModelInference,
        PromptTuner,
        Rerank,
        TSModelInference,
    )
    from ibm_watsonx_ai.foundation_models.moderations import Guardian
    from ibm_watsonx_ai.foundation_models.prompts import PromptTemplateManager
    from ibm_watsonx_ai.foundation_models.utils import Toolkit
    from ibm_watsonx_ai.foundation_models_manager import FoundationModelsManager
    from ibm_watsonx_ai.repository import Repository
    from ibm_watsonx_ai.training import Training

GROUPS: dict[str, dict[str, type]] = {
    "foundation_models": {
        "foundation_models": FoundationModelsManager,
        "ModelInference": ModelInference,
        "Embeddings": Embeddings,
        "Rerank": Rerank,
        "PromptTemplateManager": PromptTemplateManager,
        "Guardian": Guardian,
        "Toolkit": Toolkit,
        "PromptTuner": PromptTuner,
        "FineTuner": FineTuner,
        "ILabTuner": ILabTuner,
        "BatchInference": BatchInference,
        "TSModelInference": TSModelInference,
        "AudioModelInference": AudioModelInference,
    },
    "deployments": {"deployments": Deployments},
    "data_assets": {"data_assets": Assets},
    "training": {"training": Training},
    "repository": {"repository": Repository},
}
"""The classes of each group, each with the name that its methods are called by here."""


def methods() -> dict[str, list[str]]:
    """Return the names ``class.method`` of each group. ``Model``, an old name, is not counted."""
    return {
        group: [f"{name}.{method}" for name, cls in classes.items() for method in _public(cls)]
        for group, classes in GROUPS.items()
    }


def _public(cls: type[Any]) -> list[str]:
    own = [base for base in cls.__mro__ if base.__module__.startswith("ibm_watsonx_ai")]
    found = {
        name
        for base in own
        if base.__name__ != "WMLResource"
        for name, value in vars(base).items()
        if not name.startswith("_") and _is_method(value)
    }
    return sorted(found)


def _is_method(value: object) -> bool:
    return inspect.isfunction(value) or isinstance(value, staticmethod | classmethod)
