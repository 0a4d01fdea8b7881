"""Backends for these tests, installed as a plugin: small, real learners (tunesmith.testing.fake).

``slow`` takes its time, so that a tuning can be met under way; ``stubborn`` cannot go on with a
tuning of another process; ``lora`` offers LoRA beside prompt tuning; ``clumsy`` fails to deploy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from tunesmith.backend import Range
from tunesmith.hookspecs import BackendEntry, MethodEntry, hookimpl
from tunesmith.methods import PromptTuning
from tunesmith.testing.fake import CAPABILITIES, FakeBackend, FakeOptions

STEP_SECONDS = 0.05


class SlowOptions(FakeOptions):
    step_seconds: float = STEP_SECONDS


class Slow(FakeBackend):
    name = "slow"
    options_model = SlowOptions


class Stubborn(Slow):
    name = "stubborn"
    declares: ClassVar = {"resumable": False}


class Clumsy(FakeBackend):
    name = "clumsy"

    def __init__(self, options: FakeOptions) -> None:
        super().__init__(options.model_copy(update={"fail": "deploy"}))


class Lora(PromptTuning):
    """What the emulator passes on of a LoRA; the learner itself stays the same."""

    name: ClassVar[str] = "lora"

    rank: Annotated[int, Field(ge=1, le=64)] = 8
    lora_alpha: Annotated[float, Field(gt=0)] = 16
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    target_modules: tuple[str, ...] = ("all-linear",)


_LORA_ONLY = {name: Range() for name in ("rank", "lora_alpha", "lora_dropout", "target_modules")}


class WithLora(FakeBackend):
    name = "lora"
    declares: ClassVar = {
        "methods": (PromptTuning.name, Lora.name),
        "hyperparameters": CAPABILITIES.hyperparameters | _LORA_ONLY,
    }


@hookimpl
def register_backends() -> Sequence[BackendEntry]:
    lora = MethodEntry("lora", "low-rank adapters", "service_backends:Lora")
    return [
        BackendEntry("slow", "takes its time", "service_backends:Slow"),
        BackendEntry("stubborn", "cannot resume", "service_backends:Stubborn"),
        BackendEntry("clumsy", "cannot deploy", "service_backends:Clumsy"),
        BackendEntry("lora", "offers LoRA", "service_backends:WithLora", methods=(lora,)),
    ]


def install(folder: Path) -> Path:
    """Write what makes an installed distribution of this module; ``folder`` goes on the path."""
    info = folder / "service_backends-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: service-backends\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[tunesmith]\nservice = service_backends\n")
    return folder
