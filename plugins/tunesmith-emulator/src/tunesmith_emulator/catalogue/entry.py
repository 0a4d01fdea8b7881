"""A model of the catalogue on the served day, with the capabilities of the backend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from tunesmith.backend import Capabilities
from tunesmith_emulator.catalogue.filters import Facts
from tunesmith_emulator.catalogue.lifecycle import shown, start_of, state
from tunesmith_emulator.catalogue.model import Model, Parameters, Stage, StageId

LORA = "lora"
_MORE_INFO = (
    "https://dataplatform.cloud.ibm.com/docs/content/wsj/analyze-data/fm-model-lifecycle.html"
)
_CALL_TIMES = {"lite": "5m0s", "v2-professional": "10m0s", "v2-standard": "10m0s"}


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue."""

    model: Model
    served_by: str
    """The backend's name of the base model that answers."""
    stand_in: str | None
    """Its name for records, if it is another model than the entry names."""
    capabilities: Capabilities
    method: str | None
    """The backend's method for tuning; None if it has none."""
    day: date | None
    """The served day; None: every model is available."""
    loaded: bool = True
    """Whether the backend is loaded. If not, the entry has no capabilities yet, and is taken for
    tunable if the service's model is."""

    @property
    def model_id(self) -> str:
        """The id in the catalogue."""
        return self.model.model_id

    @property
    def max_sequence_length(self) -> int | None:
        """The service's limit of prompt and answer together, in tokens; None if it is not known."""
        return self.model.max_sequence_length

    @property
    def max_new_tokens(self) -> int | None:
        """The service's limit of the answer, in tokens; None if it is not known."""
        return self.model.max_output_tokens

    @property
    def whole_calls(self) -> bool:
        """Whether the service streams the arguments of a call in one piece."""
        return self.model.whole_calls is not None

    @property
    def served_length(self) -> int | None:
        """As :attr:`max_sequence_length`, and no more than the model that answers reads."""
        return _least(self.max_sequence_length, self.capabilities.max_sequence_length)

    @property
    def served_new_tokens(self) -> int | None:
        """As :attr:`max_new_tokens`, and no more than the model that answers writes."""
        longest = self.served_length
        return _least(self.max_new_tokens, None if longest is None else longest - 1)

    @property
    def state(self) -> StageId | None:
        """The stage of its lifecycle; None before it was available."""
        return state(self.model, self.day)

    @property
    def addition(self) -> bool:
        """Whether the real service never had the model, or never tuned it."""
        return (self.day is None or self.model.added) and self._tunable_by_us

    @property
    def tunable(self) -> bool:
        """Whether it can be prompt-tuned on the served day."""
        if self.model.tuning is None or (self.loaded and self.method is None):
            return False
        if self.day is None or self.model.added:
            return True
        return self.state in ("available", "deprecated") and not self._tunable_by_us

    @property
    def training_parameters(self) -> Parameters:
        """The advertised hyper-parameters; empty if the model is not tunable."""
        return self.model.tuning.parameters if self.model.tuning and self.tunable else {}

    def parameters_for(self, task_id: str) -> Parameters:
        """Return the hyper-parameters for one task; some tasks have their own defaults."""
        own = self.model.tuning.tasks.get(task_id, {}) if self.model.tuning else {}
        return {**self.training_parameters, **own} if self.tunable else {}

    @property
    def functions(self) -> list[str]:
        """The functions of the model in the real service that the backend also has."""
        if self.state == "withdrawn":
            return []
        generates = self.capabilities.base_inference and self.model.generates
        offered = {
            "lora_fine_tune_trainable": self.day is None and LORA in self.capabilities.methods,
            "prompt_tune_inferable": self.tunable,
            "prompt_tune_trainable": self.tunable,
            "text_chat": generates and self.model.chat,
            "text_generation": generates,
        }
        return [name for name, is_offered in offered.items() if is_offered]

    @property
    def facts(self) -> Facts:
        """The values that filters compare."""
        tiers = {"input_tier": self.model.input_tier, "output_tier": self.model.output_tier}
        values: dict[str, set[str | None]] = {
            "modelid": {self.model_id},
            "provider": {self.model.provider},
            "source": {self.model.source},
            **{kind: {tier} for kind, tier in tiers.items()},
            "tier": set(tiers.values()),
            "task": set(self.model.tasks),
            "lifecycle": {self.state},
            "function": set(self.functions),
        }
        return {kind: frozenset(filter(None, found)) for kind, found in values.items()}

    @property
    def warnings(self) -> list[dict[str, str]]:
        """The warnings in answers of a deprecated model (recorded)."""
        deprecated = start_of("deprecated", shown(self.model.lifecycle, self.day))
        if deprecated is None:
            return []
        message = _deprecation(self.model, deprecated, self.day)
        return [{"message": message, "id": "deprecation_warning", "more_info": _MORE_INFO}]

    @property
    def _tunable_by_us(self) -> bool:
        return self.model.tuning is not None and self.model.tuning.evidence.kind == "ours"

    def spec(self) -> dict[str, Any]:
        """Return the entry as ``foundation_model_specs`` lists it."""
        model = self.model
        listed = {
            "model_id": model.model_id,
            "label": model.label,
            "provider": model.provider,
            "source": model.source,
            "functions": [{"id": name} for name in self.functions],
            "short_description": model.short_description,
            "long_description": self._long_description(),
            "input_tier": model.input_tier,
            "output_tier": model.output_tier,
            "number_params": model.number_params,
            "min_shot_size": model.min_shot_size,
            "task_ids": list(model.tasks),
            "tasks": [self._task(task_id) for task_id in model.tasks],
            "model_limits": self._model_limits(),
            "limits": {plan: self._limits(time) for plan, time in _CALL_TIMES.items()},
            "lifecycle": self._lifecycle(),
            "training_parameters": self.training_parameters or None,
        }
        return {name: value for name, value in listed.items() if value is not None}

    def _long_description(self) -> str:
        if not self.addition or self.model.tuning is None:
            return self.model.long_description
        why = self.model.tuning.evidence.what
        return f"{self.model.long_description} An addition of this emulator: {why}"

    def _task(self, task_id: str) -> dict[str, Any]:
        quality = self.model.tasks[task_id].quality
        task: dict[str, Any] = {"id": task_id}
        if quality is not None:
            task["ratings"] = {"quality": quality}
        if self.model.tuning and self.tunable and task_id in self.model.tuning.tasks:
            task["tags"] = ["function_prompt_tune_trainable"]
            if self.model.tuning.tasks[task_id]:
                task["training_parameters"] = self.parameters_for(task_id)
        return task

    def _model_limits(self) -> dict[str, int]:
        limits = {
            "max_sequence_length": self.served_length,
            "max_output_tokens": self.served_new_tokens,
            "training_data_max_records": (
                self.model.tuning.max_records if self.model.tuning and self.tunable else None
            ),
        }
        return {name: limit for name, limit in limits.items() if limit is not None}

    def _limits(self, call_time: str) -> dict[str, Any]:
        tokens = self.served_new_tokens
        return {"call_time": call_time, **({} if tokens is None else {"max_output_tokens": tokens})}

    def _lifecycle(self) -> list[dict[str, Any]]:
        stages = [_stage(stage) for stage in shown(self.model.lifecycle, self.day)]
        return stages or [{"id": "available"}]


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _stage(stage: Stage) -> dict[str, Any]:
    told: dict[str, Any] = {"id": stage.id, "start_date": stage.start_date.isoformat()}
    if stage.alternative_model_ids:
        told["alternative_model_ids"] = list(stage.alternative_model_ids)
    return told


def _deprecation(model: Model, deprecated: Stage, day: date | None) -> str:
    withdrawn = start_of("withdrawn", shown(model.lifecycle, day))
    parts = [f"Model '{model.model_id}' is in deprecated state from {deprecated.start_date}."]
    if withdrawn:
        parts.append(f"It will be in withdrawn state from {withdrawn.start_date}.")
    if deprecated.alternative_model_ids:
        parts.append(f"IDs of alternative models: {', '.join(deprecated.alternative_model_ids)}.")
    return " ".join(parts)
