"""Targets: what a predictor asks, a deployment or a base model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from tunesmith.records import Deployment

Target = Deployment | str
"""The model that a predictor asks: a deployment, or the portable name of a base model."""
TargetKey = tuple[Literal["deployment", "base model"], str]
T = TypeVar("T")


def target_key(target: Target) -> TargetKey:
    """Return a key that differs for different targets."""
    return ("base model", target) if isinstance(target, str) else ("deployment", target.id)


def base_model_of(target: Target) -> str:
    """Return the backend's name of the base model behind ``target``."""
    return target.base_model if isinstance(target, Deployment) else target


def by_target(
    targets: Sequence[Target],
    inputs: Sequence[str],
    ask: Callable[[Target, Sequence[str]], Sequence[T]],
) -> list[T]:
    """Return the answers in the order of ``inputs``; ``ask`` gets those of one target together.

    Raises:
        ValueError: there are not as many targets as inputs.
    """
    rows: dict[TargetKey, list[int]] = {}
    for index, (target, _) in enumerate(zip(targets, inputs, strict=True)):
        rows.setdefault(target_key(target), []).append(index)
    found: dict[int, T] = {}
    for part in rows.values():
        answers = ask(targets[part[0]], [inputs[index] for index in part])
        found |= zip(part, answers, strict=True)
    return [found[index] for index in range(len(inputs))]
