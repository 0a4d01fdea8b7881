"""Checks hyper-parameters against the limits in the model's spec, and fills in defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.methods import PLACEHOLDER
from tunesmith_emulator.envelope import wrong_field

_TASKS = (
    "classification", "question_answering", "summarization", "retrieval_augmented_generation",
    "generation", "code", "extraction", "translation",
)  # fmt: skip
_OUTPUT = "{{output}}"
_INTEGERS = frozenset(
    {
        "accumulate_steps",
        "batch_size",
        "max_input_tokens",
        "max_output_tokens",
        "num_epochs",
        "num_virtual_tokens",
    }
)
_OWN_FIELDS = frozenset({"base_model", "task_id", "tuning_type", "init_text", "verbalizer"})
_IGNORED = frozenset({"torch_dtype"})


def checked_parameters(asked: Mapping[str, Any], advertised: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hyper-parameters of ``prompt_tuning``, defaults included.

    Args:
        asked: the object ``prompt_tuning`` of the request, without ``base_model``.
        advertised: ``training_parameters`` of the model's spec.

    Raises:
        ServiceError: 400, names the field.
    """
    known = _OWN_FIELDS | _IGNORED | set(advertised)
    for name in asked:
        if name not in known:
            raise wrong_field(f"prompt_tuning.{name}", f"prompt_tuning has no field {name!r}.")
    checked = {
        name: _value(name, asked.get(name), limits)
        for name, limits in advertised.items()
        if name not in _OWN_FIELDS | _IGNORED
    }
    return {
        **checked,
        **_init_text(asked, checked, advertised),
        "task_id": _choice("task_id", asked.get("task_id"), _TASKS, "classification"),
        "tuning_type": _choice(
            "tuning_type", asked.get("tuning_type"), ("prompt_tuning",), "prompt_tuning"
        ),
        "verbalizer": _verbalizer(asked.get("verbalizer"), advertised),
    }


def input_template(verbalizer: str) -> str:
    """Return the template of the input: the verbalizer without a final ``{{output}}``.

    The answer always follows the input, so a final ``{{output}}`` adds nothing.
    """
    return verbalizer.removesuffix(_OUTPUT) if verbalizer.endswith(_OUTPUT) else verbalizer


def _value(name: str, given: Any, limits: Mapping[str, Any]) -> Any:
    if given is None:
        return limits["default"]
    field = f"prompt_tuning.{name}"
    if "supported" in limits:
        return _choice(name, given, limits["supported"], limits["default"])
    number = (int,) if name in _INTEGERS else (int, float)
    if isinstance(given, bool) or not isinstance(given, number):
        kind = "a whole number" if name in _INTEGERS else "a number"
        raise wrong_field(field, f"{field} must be {kind}, not {given!r}.")
    low, high = limits.get("min"), limits.get("max")
    if (low is not None and given < low) or (high is not None and given > high) or given != given:
        raise wrong_field(field, f"{field} must be between {low} and {high}, not {given!r}.")
    return given


def _choice(name: str, given: Any, allowed: Any, default: Any) -> Any:
    if given is None:
        return default
    if isinstance(given, bool) or given not in allowed:
        field = f"prompt_tuning.{name}"
        listed = ", ".join(map(str, allowed))
        raise wrong_field(field, f"{field} must be one of {listed}; {given!r} is not.")
    return given


def _init_text(
    asked: Mapping[str, Any], checked: Mapping[str, Any], advertised: Mapping[str, Any]
) -> dict[str, str]:
    text, field = asked.get("init_text"), "prompt_tuning.init_text"
    if checked.get("init_method") != "text":
        if text:
            raise wrong_field(field, f"{field} needs init_method 'text'.")
        return {}
    if text is None and asked.get("init_method") is None:  # the task's default has its own text
        text = advertised.get("init_text", {}).get("default")
    if not isinstance(text, str) or not text.strip():
        raise wrong_field(field, f"init_method 'text' needs {field}, a text that is not empty.")
    return {"init_text": text}


def _verbalizer(given: Any, advertised: Mapping[str, Any]) -> str:
    field = "prompt_tuning.verbalizer"
    if given is None:
        return str(advertised.get("verbalizer", {}).get("default", PLACEHOLDER))
    if not isinstance(given, str) or given.count(PLACEHOLDER) != 1:
        raise wrong_field(field, f"{field} must hold {PLACEHOLDER} exactly once.")
    if _OUTPUT in input_template(given):
        raise wrong_field(field, f"{field} may hold {_OUTPUT} at its end only.")
    return given
