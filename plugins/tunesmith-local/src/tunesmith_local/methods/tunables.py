"""From a method to what it trains."""

from __future__ import annotations

from tunesmith.methods import GradientTuning, PromptTuning, VirtualTokens
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.engine.text_states import TextCache
from tunesmith_local.methods.fine_tuning import FineTunable, check_memory
from tunesmith_local.methods.lora import LoraTunable, check_modules
from tunesmith_local.methods.prefix_tuning import PrefixTunable, check_prefix
from tunesmith_local.methods.prompt_tuning import start_p_tuning, start_prompt_tuning
from tunesmith_local.methods.settings import FineTuning, LinearProbe, Lora, PrefixTuning, PTuning
from tunesmith_local.methods.soft_prompt import start_of
from tunesmith_local.methods.suffix_prompt import SuffixTunable, check_suffix
from tunesmith_local.methods.tunable import Tunable
from tunesmith_local.model.loading import BaseLM

METHODS = (PromptTuning, PTuning, PrefixTuning, Lora, FineTuning, LinearProbe)


def check_method(base: BaseLM, method: GradientTuning) -> None:
    """Refuse settings that cannot work with this base model, before anything is copied.

    Raises:
        ExperimentError: the init text has no tokens, a target module is unknown, or the model does
            not fit.
        UnsupportedError: the model has no place for what the method trains.
    """
    if isinstance(method, VirtualTokens):
        start_of(base, method, 0)
    if isinstance(method, PromptTuning) and method.prompt_position == "suffix":
        check_suffix(base)
    if isinstance(method, PrefixTuning):
        check_prefix(base)
    if isinstance(method, Lora):
        check_modules(base, method)
    if isinstance(method, FineTuning):
        check_memory(base)


def start(
    base: BaseLM, method: GradientTuning, seed: int, texts: TextCache | None = None
) -> Tunable:
    """Return what ``method`` trains, before its first step.

    Args:
        base: the base model, which stays as it is.
        method: the settings.
        seed: draws whatever starts at random.
        texts: where a training keeps what the model remembers of its texts; None keeps nothing.
    """
    match method:
        case PromptTuning(prompt_position="suffix"):
            return SuffixTunable(base, method, seed, StateCache(0) if texts is None else texts)
        case PromptTuning():
            return start_prompt_tuning(base, method, seed)
        case PTuning():
            return start_p_tuning(base, method, seed)
        case PrefixTuning():
            return PrefixTunable(base, method, seed)
        case Lora():
            return LoraTunable(base, method, seed)
        case FineTuning():
            return FineTunable(base)
    raise TypeError(f"no method of this backend: {method.name}")
