"""Backends for these tests, installed as a plugin: small, real learners (tunesmith.testing.fake).

``slow`` tunes slowly, so that a test finds a running tuning; ``stubborn`` cannot resume a tuning of
another process; ``clumsy`` fails to deploy; ``chatty`` has a chat template that refuses a system
message, like that of Gemma.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tunesmith.errors import ExperimentError
from tunesmith.hookspecs import BackendEntry, hookimpl
from tunesmith.records import Message, Tool
from tunesmith.testing.fake import FakeBackend, FakeOptions, FakePredictor

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


class ChattyPredictor(FakePredictor):
    def chat_text(
        self, base_model: str, messages: Sequence[Message], tools: Sequence[Tool] = (), **_: Any
    ) -> str | None:
        if any(message.role == "system" for message in messages):
            raise ExperimentError(f"the chat template of {base_model!r} has no system message")
        turns = "".join(f"<{message.role}> {message.content} </>" for message in messages)
        return f"{turns}<assistant> "


class Chatty(FakeBackend):
    name = "chatty"
    declares: ClassVar = {"chat": True}

    @property
    def predictor(self) -> ChattyPredictor:
        return ChattyPredictor(self)


@hookimpl
def register_backends() -> Sequence[BackendEntry]:
    return [
        BackendEntry("slow", "takes its time", "service_backends:Slow"),
        BackendEntry("stubborn", "cannot resume", "service_backends:Stubborn"),
        BackendEntry("chatty", "has a chat template", "service_backends:Chatty"),
        BackendEntry("clumsy", "cannot deploy", "service_backends:Clumsy"),
    ]


def install(folder: Path) -> Path:
    """Write the metadata that make this module an installed distribution in ``folder``."""
    info = folder / "service_backends-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: service-backends\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[tunesmith]\nservice = service_backends\n")
    return folder
